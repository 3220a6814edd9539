/**
 * What a transaction costs on its way through our pooler, through PgBouncer and past both: pgbench's
 * select-only script, whose transactions cost the database the least, so that the pooler shows the most.
 * The poolers take turns, round by round, and of each figure the best counts: a busy machine only adds.
 */
import { benchIdle } from "./idle.ts";
import {
  type Bench,
  cpuSeconds,
  itself,
  openBench,
  type PoolerTarget,
  pgbench,
  type Target,
  version,
} from "./targets.ts";

/** Transactions per second and, of a pooler's process, user and system time for each. */
interface Figures {
  tps: number;
  /** Microseconds; undefined where there is no pooler. */
  cpu: number | undefined;
}

interface Case {
  /** What the clients come in by; the servers are always reached by Unix sockets. */
  transport: "tcp" | "unix";
  protocol: string;
  pool_mode: string;
  clients: number;
}

/** One line of the table; a figure that could not be had is undefined. */
export interface PoolerRow extends Case {
  direct: Figures | undefined;
  pgbouncer: Figures | undefined;
  poolwise: Figures | undefined;
}

export interface PoolerBenchOptions {
  /** Length of each measurement; 1 unless given. */
  seconds?: number;
  /** Measurements of each; 3 unless given. */
  rounds?: number;
  transports?: readonly Case["transport"][];
  protocols?: readonly string[];
  clients?: readonly number[];
  /** Connected clients that do nothing; 1,000 and 10,000 unless given. */
  idle?: readonly number[];
}

/** PgBouncer 1.18 cannot do prepared statements in transaction mode. */
const MODES: Readonly<Record<string, readonly string[]>> = {
  simple: ["transaction"],
  extended: ["transaction"],
  prepared: ["transaction", "session"],
};
const CLIENTS = [1, 8, 32, 128];
const IDLE = [1_000, 10_000];

/** Measures and prints the tables, a line as soon as it is known. Says so if pgbench is missing. */
export async function benchPooler(options: PoolerBenchOptions = {}): Promise<PoolerRow[]> {
  if (version("pgbench") === undefined) {
    say("pooler: skipped, there is no pgbench here");
    return [];
  }
  const bench = await openBench();
  const rows: PoolerRow[] = [];
  try {
    if (bench.pgbouncer === undefined) say("pooler: there is no pgbouncer here to compare with");
    say(HEAD);
    for (const one of casesOf(options)) {
      const row = await measure(bench, one, options.seconds ?? 1, options.rounds ?? 3);
      rows.push(row);
      say(line(row));
    }
    await benchIdle(bench, options.idle ?? IDLE);
  } finally {
    await bench.close();
  }
  return rows;
}

function casesOf({ transports, protocols, clients }: PoolerBenchOptions): Case[] {
  const cases: Case[] = [];
  for (const transport of transports ?? (["tcp", "unix"] as const))
    for (const protocol of protocols ?? Object.keys(MODES))
      for (const pool_mode of MODES[protocol] ?? [])
        for (const count of clients ?? CLIENTS)
          cases.push({ transport, protocol, pool_mode, clients: count });
  return cases;
}

// --- what is measured ------------------------------------------------------------------------------

async function measure(bench: Bench, what: Case, seconds: number, rounds: number) {
  const { protocol, pool_mode, clients } = what;
  const threads = String(Math.min(clients, 2));
  const script = ["-n", "-S", "-M", protocol, "-T", String(seconds), "-c", String(clients)];
  const args = [...script, "-j", threads];
  const lacks = protocol === "prepared" && pool_mode !== "session";
  const peer = lacks && !bench.pgbouncer?.prepares ? undefined : bench.pgbouncer;
  const found: Record<"direct" | "pgbouncer" | "poolwise", Figures[]> = {
    direct: [await past(itself(bench.database), bench.database.database, args)],
    pgbouncer: [],
    poolwise: [],
  };
  for (let round = 0; round < rounds; round++) {
    if (peer !== undefined) found.pgbouncer.push(await through(peer, what, args));
    found.poolwise.push(await through(bench.poolwise, what, args));
  }
  return {
    ...what,
    direct: best(found.direct),
    pgbouncer: best(found.pgbouncer),
    poolwise: best(found.poolwise),
  };
}

async function past(target: Target, database: string, args: string[]): Promise<Figures> {
  const { tps } = await pgbench(target, database, args);
  return { tps, cpu: undefined };
}

async function through(target: PoolerTarget, what: Case, args: string[]): Promise<Figures> {
  const before = await cpuSeconds(target.pid);
  const { tps, transactions } = await pgbench(
    target,
    what.pool_mode,
    args,
    what.transport === "tcp",
  );
  return { tps, cpu: (((await cpuSeconds(target.pid)) - before) * 1e6) / transactions };
}

/** The best of each figure by itself. */
function best(figures: readonly Figures[]): Figures | undefined {
  if (figures.length === 0) return undefined;
  const cpu = figures.map((one) => one.cpu).filter((value) => value !== undefined);
  return {
    tps: Math.max(...figures.map(({ tps }) => tps)),
    cpu: cpu.length === 0 ? undefined : Math.min(...cpu),
  };
}

// --- the table -------------------------------------------------------------------------------------

const WIDTHS = [10, 10, 13, 9, 12, 15, 10, 14, 10, 10, 10];
const TEXTS = 3;

const columns = (cells: readonly string[]): string =>
  cells
    .map((cell, at) => (at < TEXTS ? cell.padEnd : cell.padStart).call(cell, WIDTHS[at] ?? 0))
    .join("");

const HEAD = columns(
  [
    "transport",
    "protocol",
    "pool_mode",
    "clients",
    "direct tps",
    "PgBouncer tps",
    "CPU us/tx",
  ].concat(...["Poolwise tps", "CPU us/tx", "tps ratio", "CPU ratio"]),
);

/** The last two columns: ours divided by PgBouncer's. */
function line(row: PoolerRow): string {
  const { transport, protocol, pool_mode, clients, direct, pgbouncer, poolwise } = row;
  const show = (value: number | undefined, digits: number): string => value?.toFixed(digits) ?? "-";
  const ratio = (ours?: number, theirs?: number): string =>
    ours === undefined || theirs === undefined ? "-" : (ours / theirs).toFixed(2);
  return columns([
    ...[transport, protocol, pool_mode, String(clients), show(direct?.tps, 0)],
    ...[show(pgbouncer?.tps, 0), show(pgbouncer?.cpu, 1)],
    ...[show(poolwise?.tps, 0), show(poolwise?.cpu, 1)],
    ...[ratio(poolwise?.tps, pgbouncer?.tps), ratio(poolwise?.cpu, pgbouncer?.cpu)],
  ]);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
