/** `poolwise check` from outside: findings, exit statuses, and what it refuses. */
import { afterAll, describe, expect, test } from "vitest";
import { resultSchema } from "../../sim/study/results/index.ts";
import { Folder, inThisProcess } from "./poolwise.ts";

const folder = new Folder();
afterAll(() => folder.remove());
const users = folder.file("users.txt", '"ann" "secret"\n');
const ini = (...settings: string[]): string => {
  const file = `auth_file = ${users}`;
  return ["[databases]", "app = host=127.0.0.1 user=u", "[pgbouncer]", ...settings, file].join(
    "\n",
  );
};
const good = folder.file("good.ini", ini("query_wait_timeout = 30"));
const doubtful = folder.file("doubtful.ini", ini("min_pool_size = 30"));
const wrong = folder.file("wrong.ini", ini("auth_type = trust", "listen_addr = *"));

describe("exit status", () => {
  const cases: [string[], number, string][] = [
    [[good], 0, "nothing to say"],
    [[good, "--strict"], 0, "nothing to say"],
    [[doubtful], 0, "a warning is no error"],
    [[doubtful, "--strict"], 1, "with --strict it is"],
    [[wrong], 1, "an error"],
    [[good, wrong], 1, "an error in one of two"],
    [[good, "--max-connections", "23"], 0, "20 of 20 connections"],
    [[good, "--max-connections", "22"], 1, "20 of 19 connections"],
    [[good, "--max-connections", "22", "--reserved", "0"], 0, "20 of 22 connections"],
    [[good, "--preset", "postgresql", "--instances", "4"], 0, "80 of 97"],
    [[good, "--preset", "postgresql", "--instances", "5"], 1, "100 of 97"],
    [
      [good, "--preset", "postgresql", "--max-connections", "19"],
      1,
      "an option overrules a preset",
    ],
    [[good, good, "--max-connections", "42"], 1, "two poolers, 40 of 39"],
  ];
  for (const [args, want, why] of cases) {
    const shown = args.join(" ").replaceAll(`${folder.path}/`, "");
    test(`${want}: ${shown}: ${why}`, async () => {
      expect((await inThisProcess(["check", ...args])).status).toBe(want);
    });
  }
});

test("a finding is its place, what, why and the fix; notes go to stderr", async () => {
  const { stdout, stderr } = await inThisProcess(["check", doubtful]);
  expect(stdout).toContain(
    `${doubtful}:4: warning: min_pool_size of app/u is 30, its size 20 [minimum-over-size]\n` +
      "  why: no more than 20 connections are opened ahead\n" +
      "  fix: set min_pool_size to 20 or less\n",
  );
  expect(stdout).toMatch(/localhost:5432 {2,}1 {2,}20 {2,}-/);
  expect(stdout).toMatch(/0 errors, 1 warning, 1 note by \d+ rules\.\n$/);
  expect(stderr).toContain("note: max_connections of the database is not known");
});

test("an auth_file that is not there, one that is broken, and none at all", async () => {
  const without = (last: string): string => ini().replace(/auth_file.*/, last);
  const broken = folder.file("broken.txt", "; users\nann secret\n");
  const nowhere = folder.file("nowhere.ini", without("auth_file = /nowhere/users.txt"));
  const cases: [file: string, status: number, line: string][] = [
    [
      nowhere,
      0,
      `${nowhere}:4: warning: auth_file cannot be read (no such file) [login-file-missing]`,
    ],
    [
      folder.file("cut.ini", without(`auth_file = ${broken}`)),
      1,
      `${broken}:2: error: user is unreadable [login-file-broken]`,
    ],
    [
      folder.file("none.ini", without("auth_type = scram-sha-256")),
      1,
      `none.ini:4: error: auth_type is scram-sha-256, there is no auth_file and no auth_user [login-nobody]`,
    ],
  ];
  for (const [file, want, line] of cases) {
    const { status, stdout } = await inThisProcess(["check", file]);
    expect(stdout).toContain(line);
    expect(status).toBe(want);
  }
});

test("--json obeys the schema", async () => {
  const { stdout, stderr } = await inThisProcess(["check", wrong, "--json", "--quiet"]);
  const result = resultSchema.parse(JSON.parse(stdout));
  expect(result).toMatchObject({ command: "check", workload: "wrong.ini", verdict: "fail" });
  expect(result.check?.findings[0]).toMatchObject({ id: "risk-open-door", at: `${wrong}:4` });
  expect(result.check?.servers).toEqual([
    { server: "localhost:5432", pools: 1, connections: 20, available: null },
  ]);
  expect(stderr).toBe("");
});

test("timeouts of application and database reach the rules", async () => {
  const timed = folder.file("timed.ini", ini("query_timeout = 30", "query_wait_timeout = 10"));
  const args = ["check", timed, "--app-timeout", "10s", "--database-set", "statement_timeout=40 s"];
  const { stdout } = await inThisProcess(args);
  expect(stdout).toContain("[wait-outlives-application]");
  expect(stdout).toContain("[statement-timeout-order]");
});

for (const list of ["--rules", "--presets"]) {
  test(`${list} needs no file`, async () => {
    const { status, stdout } = await inThisProcess(["check", list]);
    expect(status).toBe(0);
    expect(stdout.split("\n").length).toBeGreaterThan(20);
  });
}

describe("bad input: one line, status 2", () => {
  const broken = folder.file("broken.ini", ini("pool_mode = trans"));
  const cases: [string[], string][] = [
    [[], "missing required argument 'ini'"],
    [["nowhere.ini"], "nowhere.ini: the file cannot be read (no such file)"],
    [[good, broken], `${broken}:4: pool_mode is "trans"`],
    [[good, "--instances", "0"], '--instances: number is "0"; expected a whole number from 1'],
    [[good, "--preset", "neon-1"], '--preset: preset is "neon-1"'],
    [[good, "--app-timeout", "5"], '--app-timeout: time is "5"; expected a duration'],
    [[good, "--database-set", "statment_timeout=1s"], 'did you mean "statement_timeout"?'],
    [[good, "--dsn", "host=a prot=1"], "connection string: keyword prot"],
  ];
  for (const [args, message] of cases) {
    test(`${args.join(" ").replaceAll(`${folder.path}/`, "") || "nothing"}`, async () => {
      const { status, stdout, stderr } = await inThisProcess(["check", ...args]);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    });
  }
});

test("a database that does not answer is status 3", async () => {
  const dsn = "postgresql://nobody@127.0.0.1:1/nothing";
  const { status, stderr } = await inThisProcess(["check", good, "--dsn", dsn]);
  expect(status).toBe(3);
  expect(stderr).toContain("no answer from nobody@127.0.0.1:1/nothing");
});

test("--help explains it with examples", async () => {
  const { status, stdout } = await inThisProcess(["check", "--help"]);
  expect(status).toBe(0);
  expect(stdout).toContain("Do the settings");
  expect(stdout).toContain("Examples:\n  poolwise check");
});
