/**
 * What goes wrong outside, or was asked for wrongly, with commands that play for real: one clear line, the
 * right exit status, nothing half-written and nothing left running.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serverAccount } from "../../workloads/database/account.ts";
import { type Address, resolveDatabase } from "../../workloads/database/index.ts";
import { sweepStale } from "../../workloads/database/sweep.ts";
import { processesWith } from "../database/helpers.ts";
import { driversOf, stillAlive } from "../live/helpers.ts";
import { Stage } from "../parity/stage.ts";
import { Folder, inThisProcess, type Outcome, poolwise, SMALL } from "./poolwise.ts";

const folder = new Folder();
const file = folder.file("small.yaml", SMALL);
const nowhere = join(folder.path, "nowhere");

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(async () => {
  await stage?.close();
  folder.remove();
});

const dsnOf = ({ host, port, user }: Omit<Address, "database">, database: string, more = "") =>
  `host=${host} port=${port} user=${user} dbname=${database} ${more}`;

/** One line of `poolwise: ...` on stderr, nothing on stdout. */
function oneLine({ status, stdout, stderr }: Outcome, wanted: number, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^poolwise: /);
  expect([status, stdout]).toEqual([wanted, ""]);
}

describe("asked for wrongly: status 2", () => {
  const there = ["--pooler-dsn", "postgresql://localhost:1/app"];
  // arguments, message
  const cases: [string[], RegExp][] = [
    [["live", "nowhere.yaml"], /nowhere\.yaml: the workload cannot be read/],
    [["live", file, "--seed", "0", "--duration", "5"], /--duration: time is "5"; expected a dur/],
    [["live", file, "--seed", "-1"], /--seed: number is "-1"; expected a whole number from 0/],
    [["live", file, "--pool-size", "0"], /--pool-size: number is "0"/],
    [["live", file, "--pool-mode", "trans"], /pool_mode is "trans".*did you mean "transaction"/],
    [
      ["live", file, "--dsn", "postgresql://u:secret@h:port/x"],
      /port is "port"; expected 1\.\.65535/,
    ],
    [["live", file, ...there, "--pool-size", "5"], /--pool-size cannot be told to the pooler/],
    [["live", file, ...there, "--journal", "x"], /--journal cannot be told to the pooler/],
    [["validate", file, ...there, "--pool-mode", "session"], /--pool-mode cannot be told/],
    [["validate", file, ...there, "--pgbouncer", "x"], /--pgbouncer cannot be told/],
    [["live", file, "--pgbouncer", "x", "--journal", "y"], /--journal is our pooler's/],
    [["live", file, "--chart", "a.pdf"], /a\.pdf is of no known kind/],
    [["live", file, "--dsn", ""], /connection string: it cannot be read; expected postgresql:/],
    [["validate", file, "--set", "default_pool_size=0"], /default_pool_size: number is "0"/],
    [["tour", "--report", "a.pdf"], /--report: a\.pdf is of no known kind/],
    [["validate", file, "--pool-size", "999999999"], /expected a whole number from 1 to 10000/],
    [["validate", file, "--pool-size", "5,6,5"], /--pool-size: 5 is given twice; once is enough/],
    [["validate", file, "--pool-mode", "session,session"], /--pool-mode: session is given twice/],
  ];
  for (const [args, message] of cases)
    test(args.join(" ").replaceAll(folder.path, ".."), async () => {
      oneLine(await inThisProcess(args), 2, message);
    });
});

describe("a journal where none can be: status 2, and nothing has begun", () => {
  const log = join(folder.path, "untouched.log");
  const place = `listen_addr =\nunix_socket_dir = ${folder.path}\nlisten_port = 1`;
  const ini = folder.file("journal.ini", `[databases]\n[pgbouncer]\nlogfile = ${log}\n${place}\n`);
  const cases: [string, string, string][] = [
    [
      join(nowhere, "x"),
      `is in no directory: there is no ${nowhere}`,
      "make it, or name another file",
    ],
    [join(ini, "x"), `is in no directory: there is no ${ini}`, "make it, or name another file"],
    [folder.path, "is a directory", "name a file in it"],
  ];
  const expected = "expected the name of a file that can be written";
  test.each(cases)("%s", async (journal, problem, fix) => {
    const { status, stdout, stderr } = await inThisProcess(["pooler", ini, "--journal", journal]);
    expect(stderr).toBe(`--journal: ${journal} ${problem}; ${expected}; ${fix}\n`);
    expect([status, stdout, existsSync(log), existsSync(nowhere)]).toEqual([2, "", false, false]);
  });

  for (const command of ["live", "validate"])
    test.each(cases)(`${command}: %s`, async (journal, problem, fix) => {
      const args = [command, file, "--dsn", "postgresql://localhost:1/app", "--journal", journal];
      const { status, stdout, stderr } = await inThisProcess(args);
      expect(stderr).toBe(`poolwise: --journal: ${journal} ${problem}; ${expected}; ${fix}\n`);
      expect([status, stdout, existsSync(nowhere)]).toEqual([2, "", false]);
    });

  test("simulate --metrics of a path through a file is no bug of ours", async () => {
    const args = ["simulate", file, "--metrics", join(ini, "x")];
    oneLine(await inThisProcess(args), 3, /cannot write .*x: no such directory/);
  });

  test("a directory that is not to be written", async () => {
    const closed = mkdtempSync(join(folder.path, "closed-"));
    chmodSync(closed, 0o555);
    chmodSync(folder.path, 0o755);
    const path = join(closed, "journal");
    // For root nothing is closed.
    const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
    const { status, stdout, stderr } = await poolwise(["pooler", ini, ...user, "--journal", path]);
    const problem = `cannot be written (${closed}: Permission denied)`;
    const fix = "change its permissions, or name another file";
    expect(stderr).toBe(`--journal: ${path} ${problem}; ${expected}; ${fix}\n`);
    expect([status, stdout, existsSync(log), existsSync(path)]).toEqual([2, "", false, false]);
  });
});

describe("an outside part is not there: status 3", () => {
  const closed = "postgresql://localhost:1/app";
  const cases: [string, string[], RegExp][] = [
    [
      "no database",
      ["live", file, "--dsn", closed],
      /no answer from .*@localhost:1\/app: .*ECONNREFUSED/,
    ],
    [
      "no pooler",
      ["validate", file, "--pooler-dsn", closed],
      /no pooler at .*@localhost:1\/app: ./,
    ],
    [
      "no folder for a chart",
      ["live", file, "--chart", `${nowhere}/a.svg`],
      /cannot write .*no such directory/,
    ],
  ];
  for (const [name, args, message] of cases)
    test(name, async () => oneLine(await inThisProcess(args), 3, message));

  const itself = (): string[] => [
    "--dsn",
    dsnOf(stage.database, stage.database.database),
    "--quiet",
  ];

  test("no such PgBouncer", async () => {
    const args = ["live", file, ...itself(), "--pgbouncer", `${nowhere}/pgbouncer`];
    oneLine(await inThisProcess(args), 3, /nowhere\/pgbouncer did not start: .*(ENOENT|EACCES)/);
  });

  test("a program that is no PgBouncer", async () => {
    const args = ["live", file, ...itself(), "--pgbouncer", "/bin/true"];
    oneLine(await inThisProcess(args), 3, /\/bin\/true did not start: it ended without a word/);
  });

  test("a wrong password: told, and not shown", async () => {
    const running = await stage.pooler({ settings: { auth_type: "md5" } });
    for (const option of ["--dsn", "--pooler-dsn"]) {
      const args = ["live", file, option, dsnOf(running.target, "app", "password=hunter2")];
      const outcome = await inThisProcess(args);
      oneLine(outcome, 3, /no (answer from|pooler at) .*: password authentication failed/);
      expect(outcome.stderr).not.toContain("hunter2");
    }
    await running.stop();
  });

  test("a database that the pooler does not have", async () => {
    const running = await stage.pooler({ settings: {} });
    const args = ["live", file, "--pooler-dsn", dsnOf(running.target, "shop")];
    oneLine(await inThisProcess(args), 3, /no pooler at .*\/shop: no such database: shop/);
    await running.stop();
  });

  test("a port in use", async () => {
    const server = createServer();
    const port = await new Promise<number>((done) => {
      server.listen(0, "127.0.0.1", () => done((server.address() as { port: number }).port));
    });
    const lines = ["[databases]", "app = host=x", "[pgbouncer]", "listen_addr = 127.0.0.1"];
    const ini = [...lines, `listen_port = ${port}`, "unix_socket_dir =", "auth_type = trust", ""];
    const path = folder.file("taken.ini", ini.join("\n"));
    const { status, stderr } = await poolwise(["pooler", path, "--quiet"]);
    server.close();
    expect(status).toBe(3);
    expect(stderr).toContain(String(port));
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

// --- in the middle of a run --------------------------------------------------------------------------

interface Started {
  child: ChildProcess;
  outcome: Promise<Outcome>;
}

/** Starts the program with a folder of its own for temporary files. */
function start(args: readonly string[], temporary: string): Started {
  const child = spawn(process.execPath, ["--import", "tsx", "sim/cli/main.ts", ...args], {
    cwd: resolve(import.meta.dirname, "../.."),
    env: { PATH: process.env.PATH, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { child, outcome: outcomeOf(child) };
}

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  const outcome: Outcome = { status: null, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]?.on("data", (chunk) => {
      outcome[name] += chunk;
    });
  return new Promise((done) => {
    child.on("close", (status) => done({ ...outcome, status }));
  });
}

/** Waits until statements of a live run are under way, or the program has ended. */
async function underWay(database: Address, outcome: Promise<Outcome>): Promise<void> {
  let over = false;
  void outcome.then(() => {
    over = true;
  });
  const { sslmode: _, ...plain } = database;
  const client = new pg.Client(plain);
  client.on("error", () => undefined);
  await client.connect();
  for (let running = false; !running && !over; await sleep(20)) {
    const { rows } = await client.query(
      "select 1 from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()",
    );
    running = rows.length > 1;
  }
  await client.end();
}

describe("in the middle of a run", () => {
  const temporary = (): string => mkdtempSync("/tmp/pwf-");
  const long = ["live", file, "--duration", "60 s", "--quiet"];

  test("the database goes away: status 3, and nothing is left", async () => {
    const folder = temporary();
    const database = await resolveDatabase({ env: { PATH: process.env.PATH ?? "" } });
    const { child, outcome } = start(
      [...long, "--dsn", dsnOf(database, database.database)],
      folder,
    );
    await underWay(database, outcome);
    const drivers = await driversOf(child.pid ?? 0);
    await database.stop();
    oneLine(await outcome, 3, /^poolwise: the live run lost [^\n]+$/m);
    expect(drivers.length).toBe(1);
    expect(await stillAlive(drivers)).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith("poolwise-pooler"))).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test("killed: the next run removes what it had to leave", async () => {
    const folder = temporary();
    const itself = ["--dsn", dsnOf(stage.database, stage.database.database)];
    const { child, outcome } = start([...long, ...itself], folder);
    await underWay(stage.database, outcome);
    const drivers = await driversOf(child.pid ?? 0);
    const left = (): string[] => {
      const names = ["/tmp", folder].flatMap((base) => readdirSync(base));
      return names.filter((name) => name.startsWith("pw-") && name.includes(`-${child.pid}-`));
    };
    expect(left()).toHaveLength(1);
    child.kill("SIGKILL");
    expect((await outcome).status).toBeNull();
    expect(await stillAlive(drivers)).toEqual([]);
    await sweepStale(await serverAccount());
    expect(left()).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test("the running pooler goes away: status 3", async () => {
    const folder = temporary();
    const running = await stage.pooler({ settings: { pool_mode: "transaction" } });
    const { outcome } = start([...long, "--pooler-dsn", dsnOf(running.target, "app")], folder);
    await underWay(stage.database, outcome);
    await running.stop();
    oneLine(await outcome, 3, /the live run lost|went away|ended/);
    rmSync(folder, { recursive: true });
  });

  for (const [signal, what] of [
    ["SIGINT", "Ctrl-C"],
    ["SIGHUP", "the terminal is closed"],
  ] as const)
    test(`${what}: status 130, no result, nothing is left`, async () => {
      const folder = temporary();
      const itself = ["--dsn", dsnOf(stage.database, stage.database.database)];
      const chart = join(folder, "chart.html");
      const { child, outcome } = start([...long, ...itself, "--chart", chart], folder);
      await underWay(stage.database, outcome);
      const drivers = await driversOf(child.pid ?? 0);
      child.kill(signal);
      oneLine(await outcome, 130, /interrupted; everything that was started has been stopped/);
      expect(drivers.length).toBe(1);
      expect(await stillAlive(drivers)).toEqual([]);
      await expect.poll(() => processesWith(folder)).toEqual([]);
      expect(readdirSync(folder).filter((name) => !name.startsWith("tsx-"))).toEqual([]);
      rmSync(folder, { recursive: true });
    });
});

// --- a disk that is full ------------------------------------------------------------------------------

const ROOT = resolve(import.meta.dirname, "../..");

/** Runs a line of shell from the root of the project. */
function shell(line: string, wrap: readonly string[] = []): Promise<Outcome> {
  const [program = "sh", ...args] = [...wrap, "sh", "-c", line];
  const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  return outcomeOf(child);
}

/** A mount in a name space of its own is gone with the process, however that ends. */
const UNSHARE = ["/usr/bin/unshare", "--mount"];
const tiny = join(folder.path, "tiny");
mkdirSync(tiny);
const mount = `mount -t tmpfs -o size=8k none ${tiny}`;
const canMount = existsSync("/usr/bin/unshare") && (await shell(mount, UNSHARE)).status === 0;
if (!canMount) console.log("skipped: charts on a full disk, no small file system can be made here");

describe("a disk that is full: status 3", () => {
  test.skipIf(!canMount)("the result is printed, the chart not begun", async () => {
    const chart = join(tiny, "chart.html");
    const simulate = `node --import tsx sim/cli/main.ts simulate ${file} --quiet --chart ${chart}`;
    const line = `${mount} && { ${simulate}; status=$?; ls -A ${tiny} | sed 's/^/left: /'; exit $status; }`;
    const { status, stdout, stderr } = await shell(line, UNSHARE);
    expect(stdout).toContain("wait, p99");
    expect(stdout).not.toContain("left: ");
    expect(stderr).toBe(`poolwise: cannot write ${chart}: the disk is full\n`);
    expect(status).toBe(3);
  });

  test.skipIf(!existsSync("/dev/full"))("for errors: the status is as without", async () => {
    const { status } = await shell("node --import tsx sim/cli/main.ts simulate 2> /dev/full");
    expect(status).toBe(2);
  });

  test.skipIf(!existsSync("/dev/full"))("the result itself: one line", async () => {
    const line = `node --import tsx sim/cli/main.ts simulate ${file} > /dev/full`;
    const { status, stderr } = await shell(line);
    expect([status, stderr]).toEqual([3, "poolwise: cannot write the result: the disk is full\n"]);
  });
});
