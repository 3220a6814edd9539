/** PgBouncer's command line: which arguments mean what, the background, SIGUSR1 and -R. */
import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseArguments } from "../../engine/pooler/command-line.ts";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { Stage, until } from "./stage.ts";

const run = { quiet: undefined, reboot: undefined, user: undefined, verbose: undefined };
const started = (daemon: boolean, flags: object, ini = "a.ini"): object => ({
  kind: "run",
  ini,
  daemon,
  flags: { ...run, ...flags },
});

const wrong = (text: string): object => ({ kind: "error", text });

/** Arguments, what they mean, and why. Source: PgBouncer 1.25.2 src/main.c, getopt_long(). */
const CASES = [
  ["a.ini", started(false, {}), "foreground unless told otherwise"],
  ["--quiet a.ini", started(false, { quiet: true }), "as PgBouncer's test suite starts it"],
  ["a.ini -q", started(false, { quiet: true }), "options may follow the file"],
  ["-dq a.ini", started(true, { quiet: true }), "short options in one"],
  ["-vvv a.ini", started(false, { verbose: 3 }), "each -v is one more"],
  ["-u nobody a.ini", started(false, { user: "nobody" }), "a value behind a space"],
  ["--user=nobody a.ini", started(false, { user: "nobody" }), "a value behind an equals sign"],
  ["-R a.ini", started(false, { reboot: true }), "reboot"],
  ["-V", { kind: "version" }, "no file is needed to say the version"],
  ["--help x y", { kind: "help" }, "help wins over what else is wrong"],
  ["", { kind: "error", text: "no configuration file specified" }, "a file is needed"],
  ["a.ini b.ini", { kind: "error", text: "no configuration file specified" }, "one, not two"],
  ["--journal x a.ini", wrong("unrecognized option '--journal'"), "ours, not its"],
  ["--quie --verb a.ini", started(false, { quiet: true, verbose: 1 }), "cut short"],
  ["--u=nobody a.ini", started(false, { user: "nobody" }), "cut short, with a value"],
  ["-unobody a.ini", started(false, { user: "nobody" }), "a value in the same word"],
  ["-qu nobody a.ini", started(false, { quiet: true, user: "nobody" }), "the last of a word"],
  ["-q -- a.ini", started(false, { quiet: true }), "the end of the options"],
  ["-- -V", started(false, {}, "-V"), "behind it there are no options"],
  ["-", started(false, {}, "-"), "a hyphen is a word"],
  [
    "--ver a.ini",
    wrong("option '--ver' is ambiguous; possibilities: '--verbose' '--version'"),
    "two begin so",
  ],
  ["--quiet=3 a.ini", wrong("option '--quiet' doesn't allow an argument"), "it is a switch"],
  ["--re= a.ini", wrong("option '--reboot' doesn't allow an argument"), "by its full name"],
  ["--nosuch=3", wrong("unrecognized option '--nosuch=3'"), "with what was given"],
  ["-qx a.ini", wrong("invalid option -- 'x'"), "no such letter"],
  ["-u", wrong("option requires an argument -- 'u'"), "nothing behind it"],
  ["a.ini --us", wrong("option '--user' requires an argument"), "nothing behind it"],
  ["-dVx", { kind: "version" }, "what follows is not read"],
  ["--nosuch -V", wrong("unrecognized option '--nosuch'"), "the first one counts"],
] as const;
for (const [line, want, why] of CASES) {
  test(`poolwise-pgbouncer ${line}: ${why}`, () => {
    expect(parseArguments(line.split(" ").filter((word) => word !== ""))).toEqual(want);
  });
}

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const PROGRAM = ["--import", "tsx", resolve("engine/pooler/pgbouncer.ts")];

interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end. */
const program = (...args: string[]): Promise<Ended> => programIn(process.env, ...args);

async function programIn(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  try {
    const words = [...PROGRAM, ...args];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { env });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { status: code, stdout, stderr };
  }
}

async function ask(port: number, sql: string): Promise<Record<string, string>[]> {
  const console = new pg.Client({ host: "127.0.0.1", port, user: "admin", database: "pgbouncer" });
  await console.connect();
  const { rows } = await console.query(sql);
  await console.end();
  return rows;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test("-V begins with what SHOW VERSION says, -h is PgBouncer's list, usage errors have status 1", async () => {
  const [version, help, usage, missing] = await Promise.all([
    program("--version"),
    program("-h"),
    program("--nonsense"),
    program("/nonexistent.ini"),
  ]);
  expect([version.status, version.stdout.split("\n")[0]]).toEqual([0, "PgBouncer 1.25.2"]);
  expect(help.status).toBe(0);
  expect(help.stdout).toContain("-u, --user=USERNAME");
  expect([usage.status, missing.status]).toEqual([1, 1]);
  expect(usage.stderr).toContain('Try "poolwise-pgbouncer --help" for more information.');
  expect(missing.stderr).toContain("/nonexistent.ini");
});

test("-d goes to the background once it listens; SIGUSR1 pauses, SIGUSR2 resumes; -R without koffi is refused", async () => {
  const [port, pidfile] = [await freePort(), join(stage.directory, "daemon.pid")];
  const ini = stage.ini({ listen_port: port, pidfile });
  expect(await program("-d", ini)).toEqual({ status: 0, stdout: "", stderr: "" });
  const pid = Number(readFileSync(pidfile, "utf8"));
  try {
    expect((await ask(port, "show version"))[0]?.version).toBe("PgBouncer 1.25.2");
    const state = async (): Promise<string | undefined> =>
      (await ask(port, "show state"))[1]?.value;
    process.kill(pid, "SIGUSR1");
    await until(async () => (await state()) === "yes");
    process.kill(pid, "SIGUSR2");
    await until(async () => (await state()) === "no");
    const log = await stage.log();
    expect(log).toContain("LOG got SIGUSR1, pausing all activity");
    expect(log).toContain("LOG got SIGUSR2, continuing from PAUSE");
    const second = await programIn({ ...process.env, POOLWISE_NO_KOFFI: "1" }, "-R", "-q", ini);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(
      "to take its sockets over takes Linux and the npm package koffi",
    );
    expect((await program("-d", ini)).stderr).toContain("it is in use");
  } finally {
    process.kill(pid, "SIGQUIT");
  }
  await until(() => !isAlive(pid));
});

test.skipIf(!hasLibc())(
  "-R -d replaces the one in the background; its clients notice nothing",
  async () => {
    const [port, pidfile] = [await freePort(), join(stage.directory, "replaced.pid")];
    const ini = stage.ini({ listen_port: port, pidfile });
    expect((await program("-d", ini)).status).toBe(0);
    const pid = (): number => Number(readFileSync(pidfile, "utf8"));
    const first = pid();
    const { user } = stage.database;
    const client = new pg.Client({ host: "127.0.0.1", port, user, database: "app" });
    await client.connect();
    await client.query("begin");
    const slow = client.query("select pg_sleep(1), 5 as five");
    await stage.busyWith("select pg_sleep(1)", 1);
    expect(await program("-R", "-d", ini)).toEqual({ status: 0, stdout: "", stderr: "" });
    try {
      expect(pid()).not.toBe(first);
      await until(() => !isAlive(first));
      expect((await slow).rows[0]?.five).toBe(5);
      expect((await client.query("commit")).command).toBe("COMMIT");
      await client.end();
      expect(await stage.log()).toContain(`[${pid()}] LOG old process killed, resuming work`);
    } finally {
      process.kill(pid(), "SIGQUIT");
    }
  },
);

test("-d without a pidfile is refused, as nobody could end it", async () => {
  const ended = await program("-d", stage.ini());
  expect([ended.status, ended.stderr]).toEqual([1, "daemon needs pidfile configured\n"]);
  expect(await stage.log()).toContain("FATAL daemon needs pidfile configured");
});

test("-R without another pooler starts as usual; -q writes nothing but the log", async () => {
  const child = spawn(process.execPath, [...PROGRAM, "-Rq", stage.ini()], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      said += chunk;
    });
  await until(async () =>
    (await stage.log()).includes(`[${child.pid}] LOG process up: PgBouncer 1.25.2`),
  );
  expect(await stage.log()).toContain("LOG old process not found, try to continue normally");
  child.kill("SIGQUIT");
  await until(() => child.exitCode !== null);
  expect([child.exitCode, said]).toEqual([0, ""]);
});

test("a user that does not exist is refused by name", async () => {
  const { status, stderr } = await program("-u", "no-such-user", stage.ini());
  expect([status, stderr]).toEqual([1, "cannot become user no-such-user: there is no such user\n"]);
});
