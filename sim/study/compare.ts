/**
 * The three pool modes on the same draws: the k-th think time and the k-th service time of a client are
 * equal in all of them, so that a paired difference shows what the mode does and nothing else.
 */
import { POOL_MODES, type PoolMode } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { HISTOGRAM_ERROR } from "../kernel/histogram.ts";
import type { Samples } from "./estimates.ts";
import { BY_MODE, notesOfAll } from "./notes.ts";
import { allHaveOwn, poolsOf } from "./pools.ts";
import type { Difference, Interval95, MostClients, Run } from "./results/index.ts";
import { type Study, type StudyOptions, studies } from "./run.ts";
import { mostClientsOfEach } from "./size/clients.ts";
import { hasObjective } from "./slo.ts";
import { type Interval, pairedConfidence, unbounded } from "./statistics.ts";

export interface Comparison {
  /** Session, transaction, statement. */
  runs: Run[];
  /** Each mode against session mode, and statement against transaction mode. */
  differences: Difference[];
  /** The largest load that each mode carries, where it was asked for. */
  most_clients?: MostClients[];
  notes: string[];
}

/** Pairs worth a look: from, to. */
const PAIRS: readonly (readonly [PoolMode, PoolMode])[] = [
  ["session", "transaction"],
  ["session", "statement"],
  ["transaction", "statement"],
];

/**
 * Simulates a workload in every mode. A database or user with a `pool_mode` of its own keeps it, for
 * that is a decision of the file, and a note says so; unless all of the pools that clients use have one,
 * which leaves nothing to compare.
 */
export async function compareModes(
  workload: Workload,
  options: StudyOptions = {},
): Promise<Comparison> {
  const configurations = modesOf(workload).map(([, configuration]) => configuration);
  const answers = await studies(configurations, options);
  const byMode = new Map(POOL_MODES.map((mode, i) => [mode, answers[i] as Study]));
  const runs = POOL_MODES.map((pool_mode) => ({
    ...(byMode.get(pool_mode) as Study).run,
    pool_mode,
  }));
  const differences = PAIRS.map(([from, to]) =>
    difference(from, to, byMode.get(from) as Study, byMode.get(to) as Study),
  );
  const notes = notesOfAll(POOL_MODES, answers, BY_MODE);
  return { runs, differences, notes: [...keptModes(workload), ...notes] };
}

/** Real time that a comparison with its searches takes at most unless told otherwise. */
export const CLIENTS_TIME_LIMIT_MS = 60_000;
/** Part of it that the comparison itself may take. */
const COMPARING = 0.25;

/**
 * The same, and the largest load with which each mode meets the objective of the workload. Errors:
 * RangeError for a workload without one.
 */
export async function compareModesAndClients(
  workload: Workload,
  options: StudyOptions = {},
): Promise<Comparison> {
  if (!hasObjective(workload.slo)) throw new RangeError(`${workload.file}: no objective`);
  const limit = options.timeLimit ?? CLIENTS_TIME_LIMIT_MS;
  const start = performance.now();
  const compared = await compareModes(workload, { ...options, timeLimit: COMPARING * limit });
  const timeLimit = Math.max(0, limit - (performance.now() - start));
  const { most_clients, notes } = await mostClientsOfEach(modesOf(workload), {
    ...options,
    timeLimit,
  });
  return { ...compared, most_clients, notes: [...compared.notes, ...notes] };
}

const modesOf = (workload: Workload): [PoolMode, Workload][] =>
  POOL_MODES.map((pool_mode) => [pool_mode, withMode(workload, pool_mode)]);

function withMode(workload: Workload, pool_mode: PoolMode): Workload {
  const { settings } = workload;
  if (!allHaveOwn(workload, "pool_mode"))
    return { ...workload, settings: { ...settings, pool_mode } };
  const databases = settings.databases.map(({ pool_mode: _, ...entry }) => entry);
  const users = settings.users.map(({ pool_mode: _, ...entry }) => entry);
  const autodb = settings.autodb && { ...settings.autodb, pool_mode: undefined };
  return { ...workload, settings: { ...settings, databases, users, autodb, pool_mode } };
}

function keptModes(workload: Workload): string[] {
  if (allHaveOwn(workload, "pool_mode")) return [];
  const owners = poolsOf(workload).flatMap((pool) => pool.ownerOf("pool_mode")?.settings ?? []);
  const told = owners.map(
    ({ name, pool_mode }) => `${name} has its own pool_mode, ${pool_mode}, and keeps it`,
  );
  return [...new Set(told)];
}

/**
 * Paired difference of two studies that were made in lockstep. One that is smaller than either side can be
 * told is none, however narrow its interval: that then reaches to 0.
 */
export function difference(from: string, to: string, a: Study, b: Study): Difference {
  const paired = (name: keyof Samples, error = ROUNDING): Interval => {
    const [one, other] = [a.samples[name], b.samples[name]];
    return toldFromNone(pairedConfidence(one, other), error * (size(one) + size(other)));
  };
  // What has no interval on either side has none here. A quantile of too few transactions is the same in
  // all replications, and where nothing settles a figure is one of the simulated time alone.
  const known = (of: (run: Run) => Interval95 | undefined, read: Interval): Interval =>
    [a, b].some(({ run }) => of(run) === null) ? unbounded(read) : read;
  const mean = known(({ wait_ms }) => wait_ms.mean_ci95, paired("wait_mean_ms"));
  const p99 = known(({ wait_ms }) => wait_ms.p99_ci95, paired("wait_p99_ms", HISTOGRAM_ERROR));
  const rate = known((run) => run.throughput_tps_ci95, paired("throughput_tps"));
  const timeouts = known((run) => run.timeout_share_ci95, paired("timeouts"));
  const connections = paired("server_connections");
  const memory = paired("memory_mb");
  return {
    from,
    to,
    wait_mean_ms: mean.mean,
    wait_mean_ms_ci95: asPair(mean),
    wait_p99_ms: p99.mean,
    wait_p99_ms_ci95: asPair(p99),
    throughput_tps: rate.mean,
    throughput_tps_ci95: asPair(rate),
    timeouts: timeouts.mean,
    timeouts_ci95: asPair(timeouts),
    server_connections: connections.mean,
    server_connections_ci95: asPair(connections),
    memory_mb: memory.mean,
    memory_mb_ci95: asPair(memory),
  };
}

/** What adding up millions of values may leave of equal ones, relative. */
const ROUNDING = 1e-12;

const size = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + Math.abs(value), 0) / Math.max(1, values.length);

function toldFromNone(interval: Interval, error: number): Interval {
  if (Math.abs(interval.mean) > error) return interval;
  return { ...interval, low: Math.min(0, interval.low), high: Math.max(0, interval.high) };
}

function asPair({ low, high }: Interval): Interval95 {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}
