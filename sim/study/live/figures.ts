/** A run, live or simulated, as the figures that are compared. Durations in milliseconds. */
import { MILLISECOND, type Nanos } from "../../../engine/core/index.ts";
import type { LiveResult } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { inUse, OWN, type RunResult, type Trace } from "../../model/index.ts";

/** One figure of a run, by its path in a result of the command line. */
export const FIGURES = [
  "wait_ms.mean",
  "wait_ms.p50",
  "wait_ms.p90",
  "wait_ms.p95",
  "wait_ms.p99",
  "wait_ms.max",
  "wait_probability",
  "app_wait_ms.mean",
  "app_wait_ms.p95",
  "app_wait_ms.p99",
  "response_ms.mean",
  "response_ms.p50",
  "response_ms.p90",
  "response_ms.p95",
  "response_ms.p99",
  "response_ms.max",
  "throughput_tps",
  "utilization",
  "clients_waiting.mean",
  "failed",
  "lost",
  "refused",
] as const;
export type Figure = (typeof FIGURES)[number];
export type Figures = Record<Figure, number>;

/**
 * Finest resolution of a live wait: what is below cannot be told from the path's own jitter, and counts as
 * none. A calibration may find that a machine's is coarser.
 */
export const WAITED_MS = 1;

/** Errors of clients that a limit, or a pooler on its way out, has refused; that of a server on its way is none. */
export const REFUSED =
  /no more connections|client connections exceeded|is disabled|pooler is shutting down|^shutting_down$/;

/** Sorted waits and responses of the transactions of a window, in ms. */
export interface Samples {
  wait: Float64Array;
  response: Float64Array;
}

/** Rows of the transactions that were sent within the window and committed. `kind`: of this one only. */
export function* completed({ transactions, window }: LiveResult, kind?: number): Generator<number> {
  for (let at = 0; at < transactions.length; at++) {
    const sent = transactions.sent[at] as number;
    if (sent < window.from || sent >= window.to || transactions.outcome[at] !== 0) continue;
    if (kind !== undefined && transactions.kind[at] !== kind) continue;
    if (!Number.isNaN(transactions.response[at])) yield at; // Or it had not ended when the run did.
  }
}

/** Sorted waits for a connection of the application's own pool, in ms, of transactions of the window. */
export function liveAppWaits(live: LiveResult, kind?: number): Float64Array {
  const waits: number[] = [];
  for (const at of completed(live, kind)) {
    const wait = live.transactions.appWait[at] as number;
    if (!Number.isNaN(wait)) waits.push(wait / MILLISECOND);
  }
  return sorted(waits);
}

/**
 * Live transactions of the window. `path`: ns between sending and starting when nobody waits, from the
 * calibration; what exceeds it is the wait. `kind`: of this one only.
 */
export function liveSamples(live: LiveResult, path: number, kind?: number): Samples {
  const { transactions } = live;
  const wait: number[] = [];
  const response: number[] = [];
  for (const at of completed(live, kind)) {
    const later = (transactions.statements[at] as number) - 1;
    const first = Math.max(0, (transactions.wait[at] as number) - path);
    const rest = Math.max(0, (transactions.waitLater[at] as number) - later * path);
    wait.push((first + (live.poolMode === "statement" ? rest : 0)) / MILLISECOND);
    response.push((transactions.response[at] as number) / MILLISECOND);
  }
  return { wait: sorted(wait), response: sorted(response) };
}

/**
 * The transactions of a simulated run that kept its trace. A live wait ends when the statement starts; so it
 * also lasts while the server that was given stands still: `stalls`, on the run's own clock.
 */
export function simulatedSamples(trace: Trace, stalls: readonly Stall[] = []): Samples {
  const started = (at: Nanos): Nanos =>
    stalls.find(({ begin, end }) => at >= begin && at < end)?.end ?? at;
  const seen = trace.wait.map((wait, i) => {
    const sent = trace.sent[i] as number;
    return started(sent + wait) - sent;
  });
  return {
    wait: sorted(seen.map((value) => value / MILLISECOND)),
    response: sorted(trace.response.map((value) => value / MILLISECOND)),
  };
}

/** A time in which servers stand still. */
export interface Stall {
  begin: Nanos;
  end: Nanos;
}

/** Those of the schedule. */
export function stallsOf({ faults = [] }: Workload, warmup: Nanos): Stall[] {
  return faults
    .filter(({ fault }) => fault === "stall")
    .map(({ at, for: length }) => ({ begin: warmup + at, end: warmup + at + length }));
}

const sorted = (values: number[]): Float64Array => Float64Array.from(values).sort();

/** What the pooler's own console saw of a cell during the window. */
export interface Levels {
  utilization: number;
  waiting: number;
}

/** What became of clients that were not served; NaN where nothing fails on purpose. */
export interface Losses {
  /** Attempts at transactions that have failed. */
  failed: number;
  /** Connections of clients, logged in, that the other side has ended. */
  lost: number;
  /** Logins that came to nothing. */
  refused: number;
}

export const NO_LOSSES: Losses = { failed: Number.NaN, lost: Number.NaN, refused: Number.NaN };

/** Of a live run. */
export function liveLosses({ transactions, sessions, window }: LiveResult): Losses {
  const within = (at: number): boolean => at >= window.from && at < window.to;
  let [failed, lost, refused] = [0, 0, 0];
  for (let at = 0; at < transactions.length; at++)
    if (transactions.outcome[at] !== 0 && within(transactions.sent[at] as number)) failed++;
  for (let at = 0; at < sessions.length; at++) {
    if (within(sessions.lost[at] as number)) lost++;
    if (sessions.outcome[at] !== 0 && within(sessions.connected[at] as number)) refused++;
  }
  return { failed, lost, refused };
}

/** Of a simulated run. */
export function simulatedLosses({ all: { errors, failed, lost } }: RunResult): Losses {
  // Every other drop is of a client that was logging in.
  const drops = Object.entries(errors).filter(([reason]) => !OWN.includes(reason));
  return { failed, lost, refused: drops.reduce((sum, [, count]) => sum + count, -lost) };
}

/** Waits for a connection of the application's own pool, in ms; NaN where it has none. */
export interface AppWaits {
  mean: number;
  p95: number;
  p99: number;
}

/** Of a live run. */
export function liveAppWait(live: LiveResult): AppWaits {
  const waits = liveAppWaits(live);
  if (waits.length === 0) return NO_APP_WAIT;
  return { mean: average(waits), p95: quantile(waits, 0.95), p99: quantile(waits, 0.99) };
}

const NO_APP_WAIT = { mean: Number.NaN, p95: Number.NaN, p99: Number.NaN };

/** Of a simulated run. */
export function simulatedAppWait({ all: { app_wait } }: RunResult): AppWaits {
  if (app_wait === undefined) return NO_APP_WAIT;
  const at = (p: number): number => app_wait.quantile(p) / MILLISECOND;
  return { mean: app_wait.mean / MILLISECOND, p95: at(0.95), p99: at(0.99) };
}

/** SHOW POOLS' columns that together are a pool's server connections. */
export const OPEN = ["sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"] as const;

/** Time averages from the samples of SHOW POOLS within the window; `connections`: of all pools. */
export function liveLevels(
  live: LiveResult,
  entries: ReadonlySet<string>,
  connections: number,
): Levels {
  const { from, to } = live.window;
  const samples = (live.observed?.pools ?? []).filter(({ at }) => at >= from && at < to);
  if (samples.length === 0) return { utilization: Number.NaN, waiting: Number.NaN };
  const mean = (column: string): number => {
    let sum = 0;
    for (const { rows } of samples)
      for (const row of rows)
        if (entries.has(String(row.database))) sum += Number(row[column] ?? 0);
    return sum / samples.length;
  };
  const open = OPEN.reduce((sum, column) => sum + mean(column), 0);
  return {
    utilization: inUse(mean("sv_active"), connections, open),
    waiting: mean("cl_waiting"),
  };
}

export const simulatedLevels = (run: RunResult): Levels => ({
  utilization: run.utilization,
  waiting: run.clients_waiting.mean,
});

/**
 * The figures of one run. `resolution`, in ms: what the live clock can tell from no wait; shorter waits
 * count as none, on both sides alike.
 */
export function figuresOf(
  samples: Samples,
  seconds: number,
  levels: Levels & { app_wait: AppWaits; losses: Losses },
  resolution: number,
): Figures {
  const { response } = samples;
  const { app_wait } = levels;
  const wait = samples.wait.map((ms) => (ms > resolution ? ms : 0));
  return {
    "wait_ms.mean": average(wait),
    "wait_ms.p50": quantile(wait, 0.5),
    "wait_ms.p90": quantile(wait, 0.9),
    "wait_ms.p95": quantile(wait, 0.95),
    "wait_ms.p99": quantile(wait, 0.99),
    "wait_ms.max": wait.at(-1) ?? 0,
    wait_probability: wait.length === 0 ? 0 : wait.filter((ms) => ms > 0).length / wait.length,
    "app_wait_ms.mean": app_wait.mean,
    "app_wait_ms.p95": app_wait.p95,
    "app_wait_ms.p99": app_wait.p99,
    "response_ms.mean": average(response),
    "response_ms.p50": quantile(response, 0.5),
    "response_ms.p90": quantile(response, 0.9),
    "response_ms.p95": quantile(response, 0.95),
    "response_ms.p99": quantile(response, 0.99),
    "response_ms.max": response.at(-1) ?? 0,
    throughput_tps: response.length / seconds,
    utilization: levels.utilization,
    "clients_waiting.mean": levels.waiting,
    ...levels.losses,
  };
}

/** The mean; 0 of nothing. */
export function average(values: Float64Array | readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}

/** The smallest value that the share `p` does not exceed. */
export function quantile(values: Float64Array, p: number): number {
  if (values.length === 0) return 0;
  const rank = Math.max(1, Math.ceil(p * values.length));
  return values[Math.min(values.length, rank) - 1] as number;
}
