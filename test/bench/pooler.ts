/**
 * What a transaction costs on its way through our pooler, through PgBouncer and past both: pgbench's
 * select-only script, whose transactions cost the database the least, so that the pooler shows the most.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type PoolerProcess, startPooler } from "../../sim/study/live/pooler-process.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";

const run = promisify(execFile);

/** Transactions per second and, of a pooler's process, user and system time for each. */
interface Figures {
  tps: number;
  /** Microseconds; undefined where there is no pooler. */
  cpu: number | undefined;
}

/** One line of the table; a figure that could not be had is undefined. */
export interface PoolerRow {
  protocol: string;
  pool_mode: string;
  clients: number;
  direct: Figures | undefined;
  pgbouncer: Figures | undefined;
  poolwise: Figures | undefined;
}

export interface PoolerBenchOptions {
  /** Length of each measurement; 2 unless given. */
  seconds?: number | undefined;
  clients?: readonly number[] | undefined;
}

const CASES = [
  ["simple", "transaction"],
  ["extended", "transaction"],
  ["prepared", "transaction"],
  ["prepared", "session"],
] as const;
const CLIENTS = [1, 8, 32];

/** Measures and prints the table, a line as soon as it is known. Says so if pgbench is missing. */
export async function benchPooler(options: PoolerBenchOptions = {}): Promise<PoolerRow[]> {
  if (version("pgbench") === undefined) {
    say("pooler: skipped, there is no pgbench here");
    return [];
  }
  const stage = await open();
  const rows: PoolerRow[] = [];
  try {
    if (stage.pgbouncer === undefined) say("pooler: there is no pgbouncer here to compare with");
    say(HEAD);
    for (const [protocol, pool_mode] of CASES) {
      for (const clients of options.clients ?? CLIENTS) {
        const row = await measure(stage, { protocol, pool_mode, clients }, options.seconds ?? 2);
        rows.push(row);
        say(line(row));
      }
    }
  } finally {
    await stage.close();
  }
  return rows;
}

// --- what is measured ------------------------------------------------------------------------------

interface Stage {
  database: Database;
  pgbouncer: Target | undefined;
  poolwise: Target;
  close(): Promise<void>;
}

interface Target {
  host: string;
  port: number;
  /** Of its process. */
  pid: number;
  /** It can do `-M prepared` in transaction mode. */
  prepares: boolean;
  process: PoolerProcess;
}

type Case = Pick<PoolerRow, "protocol" | "pool_mode" | "clients">;

async function open(): Promise<Stage> {
  const database = await resolveDatabase({ env: { PATH: process.env.PATH ?? "" } });
  const directories: string[] = [];
  const targets: Target[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(targets.map((target) => target.process.stop()));
    await Promise.all(directories.map((path) => rm(path, { recursive: true, force: true })));
    await database.stop();
  };
  const start = async (pgbouncer: string | undefined): Promise<Target> => {
    const directory = await mkdtemp(join(tmpdir(), "poolwise-bench-"));
    directories.push(directory);
    const target = await openTarget(database, directory, pgbouncer);
    targets.push(target);
    return target;
  };
  try {
    await pgbench(database, database.database, ["-i", "-q"]);
    const program = ["pgbouncer", "/usr/sbin/pgbouncer"].find((name) => version(name));
    const pgbouncer = program === undefined ? undefined : await start(program);
    return { database, pgbouncer, poolwise: await start(undefined), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts a pooler with an entry for each pool mode, and lets it run warm. */
async function openTarget(
  database: Database,
  directory: string,
  pgbouncer: string | undefined,
): Promise<Target> {
  const { host, port, user } = database;
  const users = join(directory, "users.txt");
  const pidfile = join(directory, "pid");
  const place = `host=${host} port=${port} dbname=${database.database}`;
  const lines = [
    "[databases]",
    `transaction = ${place} pool_mode=transaction pool_size=8`,
    `session = ${place} pool_mode=session pool_size=40`,
    "[pgbouncer]",
    ...["listen_port = 6432", `unix_socket_dir = ${directory}`, `pidfile = ${pidfile}`],
    ...["auth_type = trust", `auth_file = ${users}`, "log_connections = 0"],
    ...["log_disconnections = 0", "server_tls_sslmode = disable", ""],
  ];
  const ini = join(directory, "pooler.ini");
  await writeFile(users, `"${user}" ""\n`, { mode: 0o644 });
  await writeFile(ini, lines.join("\n"), { mode: 0o644 });
  const child = await startPooler({ ini, directory, port: 6432, pgbouncer });
  const pid = Number(await readFile(pidfile, "utf8"));
  const prepares = pgbouncer === undefined || (version(pgbouncer) ?? 0) >= 1.21;
  const target = { host: directory, port: 6432, pid, prepares, process: child };
  for (const protocol of ["simple", "extended"]) {
    const warm = ["-n", "-S", "-M", protocol, "-T", "2", "-c", "8"];
    await pgbench({ ...target, user }, "transaction", warm);
  }
  return target;
}

async function measure(stage: Stage, what: Case, seconds: number): Promise<PoolerRow> {
  const { database, pgbouncer, poolwise } = stage;
  const { user } = database;
  const { protocol, pool_mode, clients } = what;
  const threads = String(Math.min(clients, 2));
  const script = ["-n", "-S", "-M", protocol, "-T", String(seconds), "-c", String(clients)];
  const play = async (target: Target | undefined): Promise<Figures | undefined> => {
    const lacks = protocol === "prepared" && pool_mode !== "session";
    if (target === undefined || (lacks && !target.prepares)) return undefined;
    const before = await cpuSeconds(target.pid);
    const found = await pgbench({ ...target, user }, pool_mode, [...script, "-j", threads]);
    const cpu = ((await cpuSeconds(target.pid)) - before) * 1e6;
    return { tps: found.tps, cpu: cpu / found.transactions };
  };
  const { tps } = await pgbench(database, database.database, [...script, "-j", threads]);
  const direct = { tps, cpu: undefined };
  return { ...what, direct, pgbouncer: await play(pgbouncer), poolwise: await play(poolwise) };
}

/** User and system time of a process so far, from Linux' /proc; 0 elsewhere. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  // Behind the name, which may hold anything: state is field 3, utime 14, stime 15. In 1/100 s.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

async function pgbench(
  { host, port, user }: { host: string; port: number; user: string },
  database: string,
  more: readonly string[],
): Promise<{ tps: number; transactions: number }> {
  const where = ["-h", host, "-p", String(port), "-U", user];
  const { stdout } = await run("pgbench", [...where, ...more, database]);
  const number = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  return { tps: number(/^tps = ([\d.]+)/m), transactions: number(/processed: (\d+)/) };
}

/** Version of a program as a number, such as 1.18; undefined when there is no such program. */
function version(program: string): number | undefined {
  const { error, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return error === undefined ? Number(/\d+\.\d+/.exec(stdout)?.[0] ?? 0) : undefined;
}

// --- the table -------------------------------------------------------------------------------------

const WIDTHS = [10, 13, 9, 12, 15, 10, 15, 10, 10, 10];

const columns = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => (at < 2 ? cell.padEnd : cell.padStart).call(cell, WIDTHS[at] ?? 0))
    .join("");

const HEAD = columns(
  ["protocol", "pool_mode", "clients", "direct tps", "PgBouncer tps", "CPU us/tx"].concat(
    ...["Poolwise tps", "CPU us/tx", "tps ratio", "CPU ratio"],
  ),
);

/** The last two columns: ours divided by PgBouncer's. */
function line({ protocol, pool_mode, clients, direct, pgbouncer, poolwise }: PoolerRow): string {
  const show = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "-";
  const ratio = (ours?: number, theirs?: number): string =>
    ours === undefined || theirs === undefined ? "-" : (ours / theirs).toFixed(2);
  return columns([
    ...[protocol, pool_mode, String(clients), show(direct?.tps, 0)],
    ...[show(pgbouncer?.tps, 0), show(pgbouncer?.cpu, 1)],
    ...[show(poolwise?.tps, 0), show(poolwise?.cpu, 1)],
    ...[ratio(poolwise?.tps, pgbouncer?.tps), ratio(poolwise?.cpu, pgbouncer?.cpu)],
  ]);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
