/** The pooler as a process: exit status, signals, what is left behind. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { lookup } from "node:dns/promises";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasLibc } from "../../engine/pooler/system/libc.ts";
import { freePort } from "../../sim/study/live/pooler-process.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
let script: string;
beforeAll(async () => {
  stage = await Stage.open();
  const main = resolve("engine/pooler/run.ts");
  script = `${stage.file(`import { runPooler } from ${JSON.stringify(main)};
    const verbose = Number(process.env.VERBOSE ?? 0) || undefined;
    process.exit(await runPooler(process.argv[2], { verbose }));`)}.mts`;
  writeFileSync(script, readFileSync(script.replace(".mts", "")));
});
afterAll(() => stage.close());

class Process {
  readonly child: ChildProcess;
  readonly port: number;
  stderr = "";

  constructor(ini: string, port: number, env = process.env) {
    this.port = port;
    const tsx = resolve("node_modules/tsx/dist/cli.mjs");
    this.child = spawn(process.execPath, [tsx, script, ini], {
      stdio: ["ignore", "ignore", "pipe"],
      env,
    });
    this.child.stderr?.on("data", (chunk) => {
      this.stderr += chunk;
    });
  }

  async up(): Promise<void> {
    await until(
      () => this.stderr.includes("process up") || this.child.exitCode !== null,
      () => this.stderr,
    );
  }

  async client(): Promise<pg.Client> {
    const { user } = stage.database;
    const client = new pg.Client({ host: "127.0.0.1", port: this.port, user, database: "app" });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  async exit(): Promise<number | null> {
    await until(
      () => this.child.exitCode !== null || this.child.signalCode !== null,
      () => this.stderr,
    );
    return this.child.exitCode;
  }
}

async function start(settings: Record<string, string | number> = {}): Promise<Process> {
  const port = await freePort();
  const pooler = new Process(stage.ini({ listen_port: port, ...settings }), port);
  await pooler.up();
  return pooler;
}

test("SIGQUIT ends at once, with status 0, and leaves no socket and no pidfile", async () => {
  const pidfile = join(stage.directory, "pid");
  const pooler = await start({ pidfile });
  const socket = join(stage.directory, `.s.PGSQL.${pooler.port}`);
  const client = await pooler.client();
  expect(existsSync(socket)).toBe(true);
  expect(readFileSync(pidfile, "utf8").trim()).toMatch(/^\d+$/);
  const lost = failure(client.query("select pg_sleep(30)"));
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGQUIT");
  expect(await pooler.exit()).toBe(0);
  await lost;
  expect([existsSync(socket), existsSync(pidfile)]).toEqual([false, false]);
});

test("SIGTERM waits for clients, a second one does not", async () => {
  for (const impatient of [false, true]) {
    const pidfile = join(stage.directory, "pid");
    const pooler = await start({ pidfile });
    const pid = Number(readFileSync(pidfile, "utf8"));
    const client = await pooler.client();
    process.kill(pid, "SIGTERM");
    await until(() => pooler.stderr.includes("waiting for all clients disconnect"));
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await failure(pooler.client());
    if (impatient) process.kill(pid, "SIGTERM");
    else await client.end();
    expect(await pooler.exit()).toBe(0);
    const dropped = pooler.stderr.includes("LOG client connections dropped, exiting");
    expect(dropped).toBe(!impatient);
    await client.end().catch(() => undefined);
  }
});

test("SIGINT waits for servers to be released", async () => {
  const pidfile = join(stage.directory, "pid");
  const pooler = await start({ pidfile });
  const client = await pooler.client();
  await client.query("begin");
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGINT");
  await until(() => pooler.stderr.includes("waiting for all servers connections to be released"));
  await client.query("commit");
  expect(await pooler.exit()).toBe(0);
  expect(pooler.stderr).toContain("LOG server connections dropped, exiting");
});

test.each([
  [{}, "2"],
  [{ verbose: 1 }, "1"],
])("-v counts where the file %j says nothing of it", async (settings, want) => {
  const port = await freePort();
  const ini = stage.ini({ listen_port: port, ...settings });
  const pooler = new Process(ini, port, { ...process.env, VERBOSE: "2" });
  await pooler.up();
  const console = new pg.Client({ host: "127.0.0.1", port, user: "admin", database: "pgbouncer" });
  console.on("error", () => undefined);
  await console.connect();
  const rows = (await console.query("show config")).rows;
  expect(rows.find(({ key }) => key === "verbose").value).toBe(want);
  await console.query("shutdown").catch(() => undefined);
  expect(await pooler.exit()).toBe(0);
});

test("SIGHUP reads the configuration again", async () => {
  const pidfile = join(stage.directory, "pid");
  const port = await freePort();
  const ini = stage.ini({ listen_port: port, pidfile, default_pool_size: 3 });
  const pooler = new Process(ini, port);
  await pooler.up();
  writeFileSync(
    ini,
    readFileSync(ini, "utf8").replace("default_pool_size = 3", "default_pool_size = 9"),
  );
  const pid = Number(readFileSync(pidfile, "utf8"));
  process.kill(pid, "SIGHUP");
  await until(() => pooler.stderr.includes("re-reading config"));
  const console = new pg.Client({ host: "127.0.0.1", port, user: "admin", database: "pgbouncer" });
  await console.connect();
  const rows = (await console.query("show config")).rows;
  expect(rows.find(({ key }) => key === "default_pool_size").value).toBe("9");
  await console.end();
  process.kill(pid, "SIGQUIT");
  await pooler.exit();
});

/** Prints the datagrams that come to a Unix socket, a line each. */
const LISTENER = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0]));
  $| = 1; print "open\\n"; while (defined recv($s, my $text, 4096, 0)) { $text =~ s/\\n/ /g; print "$text\\n" }`;
const perl = spawnSync("perl", ["-MSocket", "-e", "1"]).status === 0;

test.runIf(perl && hasLibc())("systemd is told what it is told by PgBouncer", async () => {
  const NOTIFY_SOCKET = join(stage.directory, "notify");
  const listener = spawn("perl", ["-e", LISTENER, NOTIFY_SOCKET]);
  let heard = "";
  listener.stdout.on("data", (chunk) => {
    heard += chunk;
  });
  await until(() => heard === "open\n");
  const port = await freePort();
  const pidfile = join(stage.directory, "pid");
  const ini = stage.ini({ listen_port: port, pidfile, stats_period: 1, log_stats: 0 });
  const pooler = new Process(ini, port, { ...process.env, NOTIFY_SOCKET });
  await until(
    () => heard.includes("READY=1"),
    () => pooler.stderr,
  );
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGHUP");
  await until(
    () => heard.match(/READY=1/g)?.length === 2,
    () => heard,
  );
  await until(
    () => /^STATUS=stats: 0 xacts\/s, .* wait 0 μs$/m.test(heard),
    () => heard,
  );
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGTERM");
  expect(await pooler.exit()).toBe(0);
  await until(
    () => heard.includes("STOPPING=1"),
    () => heard,
  );
  const lines = heard
    .replace(/USEC=\d+/, "USEC=N")
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("STATUS="));
  const reload = "RELOADING=1 MONOTONIC_USEC=N";
  expect(lines).toEqual(["open", "READY=1", reload, "READY=1", "STOPPING=1"]);
  listener.kill();
});

test("a port in use: one line that names it, status 3", async () => {
  const first = await start();
  const logfile = join(stage.directory, "log-of-second");
  const second = new Process(stage.ini({ listen_port: first.port, logfile }), first.port);
  expect(await second.exit()).toBe(3);
  expect(readFileSync(logfile, "utf8")).toContain(`FATAL cannot listen on 127.0.0.1:${first.port}`);
  expect(second.stderr.trim().split("\n").at(-1)).toBe(
    `cannot listen on 127.0.0.1:${first.port}: it is in use; is another pooler running?`,
  );
  first.child.kill("SIGTERM"); // SIGKILL would end the loader, and leave the pooler behind.
  expect(await first.exit()).toBe(0);
});

test("of several addresses some may not be had, but not all of them", async () => {
  const pooler = await start({ listen_addr: "203.0.113.1, 127.0.0.1" });
  const { port } = pooler;
  const why = `cannot listen on 203.0.113.1:${port}: this machine has no such address`;
  expect(pooler.stderr).toContain(`WARNING ${why}`);
  await (await pooler.client()).end();
  pooler.child.kill("SIGTERM");
  expect(await pooler.exit()).toBe(0);
  const list = "203.0.113.1, 203.0.113.2";
  const none = new Process(stage.ini({ listen_port: port, listen_addr: list }), port);
  expect(await none.exit()).toBe(3);
  const said = none.stderr.trim().split("\n").at(-1);
  expect(said).toContain(`failed to listen on any address in listen_addr list: ${list}: ${why}; `);
});

test("a name stands for all its addresses", async () => {
  const pooler = await start({ listen_addr: "localhost" });
  const addresses = await lookup("localhost", { all: true });
  for (const { address } of addresses)
    expect(pooler.stderr).toMatch(new RegExp(`on \\[?${address}\\]?:${pooler.port}`));
  pooler.child.kill("SIGTERM");
  expect(await pooler.exit()).toBe(0);
});

test("a socket file left by a killed pooler is replaced", async () => {
  const pidfile = join(stage.directory, "pid");
  const killed = await start({ pidfile });
  const socket = join(stage.directory, `.s.PGSQL.${killed.port}`);
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGKILL");
  await until(() => killed.child.exitCode !== null || killed.child.signalCode !== null);
  expect(existsSync(socket)).toBe(true);
  const next = new Process(stage.ini({ listen_port: killed.port, pidfile }), killed.port);
  await next.up();
  expect(next.stderr).toContain("process up");
  expect(next.stderr).toContain("LOG stale pidfile, removing");
  process.kill(Number(readFileSync(pidfile, "utf8")), "SIGQUIT");
  expect(await next.exit()).toBe(0);
});

test("a missing auth_file keeps nobody from starting", async () => {
  const pooler = await start({ auth_file: "/nonexistent/users" });
  const said = "ERROR could not open auth_file /nonexistent/users: No such file or directory";
  expect(pooler.stderr).toContain(said);
  expect(pooler.stderr).toContain("process up");
  pooler.child.kill("SIGTERM");
  expect(await pooler.exit()).toBe(0);
});

test("what we cannot do is refused by name, with status 2", async () => {
  for (const [settings, text] of [
    [{ auth_type: "pam" }, 'auth_type is "pam"'],
    [{ auth_type: "cret" }, 'did you mean "cert"?'],
    [{ no_such_setting: 1 }, "no_such_setting is unknown"],
  ] as const) {
    const pooler = new Process(stage.ini({ ...settings }), 0);
    expect(await pooler.exit()).toBe(2);
    expect(pooler.stderr).toContain(text);
  }
});
