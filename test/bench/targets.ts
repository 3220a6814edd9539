/** What the pooler's benchmarks run on: a database, our pooler and PgBouncer in front of it, pgbench. */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort, type PoolerProcess, startPooler } from "../../sim/study/live/pooler-process.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";

const run = promisify(execFile);

/** A pooler to be measured, or the database itself. */
export interface Target {
  /** Directory of its Unix socket, and the port, which is that of TCP too. */
  directory: string;
  port: number;
  user: string;
}

export interface PoolerTarget extends Target {
  /** Of its process. */
  pid: number;
  /** It can do `-M prepared` in transaction mode. */
  prepares: boolean;
  process: PoolerProcess;
}

export interface Bench {
  database: Database;
  /** Undefined: there is none here. */
  pgbouncer: PoolerTarget | undefined;
  poolwise: PoolerTarget;
  close(): Promise<void>;
}

/** Clients that the poolers let in. */
const MAX_CLIENTS = 12_000;

/** Starts it all, and lets the poolers run warm. */
export async function openBench(): Promise<Bench> {
  // Both poolers keep 128 servers of the session pool, and direct clients come beside them.
  const settings = { max_connections: 450 };
  const database = await resolveDatabase({ env: { PATH: process.env.PATH ?? "" }, settings });
  const directories: string[] = [];
  const targets: PoolerTarget[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(targets.map((target) => target.process.stop()));
    await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })));
    await database.stop();
  };
  const start = async (pgbouncer: string | undefined): Promise<PoolerTarget> => {
    const directory = await mkdtemp(join(tmpdir(), "poolwise-bench-"));
    directories.push(directory);
    const target = await openTarget(database, directory, pgbouncer);
    targets.push(target);
    return target;
  };
  try {
    await pgbench(itself(database), database.database, ["-i", "-q"]);
    const pgbouncer = NO_PGBOUNCER === "" ? await start(PGBOUNCER) : undefined;
    return { database, pgbouncer, poolwise: await start(undefined), close };
  } catch (error) {
    await close();
    throw error;
  }
}

export const itself = ({ host, port, user }: Database): Target => ({ directory: host, port, user });

/** Starts a pooler with an entry for each pool mode, and lets it run warm. */
async function openTarget(
  database: Database,
  directory: string,
  pgbouncer: string | undefined,
): Promise<PoolerTarget> {
  const { host, port: place, user } = database;
  const users = join(directory, "users.txt");
  const pidfile = join(directory, "pid");
  const port = await freePort();
  const entry = `host=${host} port=${place} dbname=${database.database}`;
  const lines = [
    "[databases]",
    `transaction = ${entry} pool_mode=transaction pool_size=8`,
    `session = ${entry} pool_mode=session pool_size=140`,
    "[pgbouncer]",
    ...["listen_addr = 127.0.0.1", `listen_port = ${port}`, "listen_backlog = 512"],
    ...[
      `unix_socket_dir = ${directory}`,
      `pidfile = ${pidfile}`,
      `max_client_conn = ${MAX_CLIENTS}`,
    ],
    ...["auth_type = trust", `auth_file = ${users}`, "log_connections = 0"],
    ...["log_disconnections = 0", "server_tls_sslmode = disable", ""],
  ];
  const ini = join(directory, "pooler.ini");
  await writeFile(users, `"${user}" ""\n`, { mode: 0o644 });
  await writeFile(ini, lines.join("\n"), { mode: 0o644 });
  const child = await startPooler({ ini, directory, port, pgbouncer });
  const pid = Number(await readFile(pidfile, "utf8"));
  const prepares = pgbouncer === undefined || PGBOUNCER_VERSION >= 1_021;
  const target = { directory, port, user, pid, prepares, process: child };
  for (const protocol of ["simple", "extended"])
    await pgbench(target, "transaction", ["-n", "-S", "-M", protocol, "-T", "2", "-c", "8"]);
  return target;
}

/** User and system time of a process so far, in seconds, from Linux' /proc; 0 elsewhere. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything: state is field 3, utime 14, stime 15. In 1/100 s.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

/** Memory of a process that is its own, in bytes, from Linux' /proc; 0 elsewhere. */
export async function ownMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return 1024 * Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
}

/** What pgbench has found. */
export interface Rate {
  tps: number;
  transactions: number;
}

/** Runs pgbench through the target's Unix socket, or through TCP. */
export async function pgbench(
  { directory, port, user }: Target,
  database: string,
  more: readonly string[],
  tcp = false,
): Promise<Rate> {
  const where = ["-h", tcp ? "127.0.0.1" : directory, "-p", String(port), "-U", user];
  const { stdout } = await run("pgbench", [...where, ...more, database]);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  return { tps: number(/^tps = ([\d.]+)/m), transactions: number(/processed: (\d+)/) };
}

/** Version of a program as a number, such as 1.18; undefined when there is no such program. */
export function version(program: string): number | undefined {
  const { error, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return error === undefined ? Number(/\d+\.\d+/.exec(stdout)?.[0] ?? 0) : undefined;
}
