/**
 * `live`: a workload played for real, once, as a run in the words of a simulated one. What nobody could
 * see, such as a queue in a pooler without a console, is NaN here and null in JSON.
 */
import { MILLISECOND, type Nanos, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import { type LiveProgress, type LiveResult, runLive } from "../../../workloads/live/index.ts";
import { isDemanding } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { inUse } from "../../model/index.ts";
import { configured } from "../pools.ts";
import type { KindResult, Moment, Run, SettingValue, Wait } from "../results/index.ts";
import { sloOutcome, unservedClients } from "../slo.ts";
import { counted, nounFor } from "../words.ts";
import { checkFaults, foreignOf } from "./faults.ts";
import {
  average,
  liveAppWaits,
  liveSamples,
  OPEN,
  quantile,
  REFUSED,
  WAITED_MS,
} from "./figures.ts";
import { ownPools } from "./pools.ts";
import { roomNotes } from "./room.ts";
import { openRunning } from "./running.ts";
import { type Cell, openStand, type Played, type Stand } from "./stand.ts";
import { isPrivate } from "./stand-names.ts";

export interface LiveRunOptions {
  workload: Workload;
  /** May be left out beside `running` only. */
  database?: Played | undefined;
  /** A pooler that runs already. */
  running?: Address | undefined;
  /** Path of a PgBouncer to start instead of our pooler. */
  pgbouncer?: string | undefined;
  journal?: string | undefined;
  warmup: Nanos;
  duration: Nanos;
  seed: number;
  settings: Record<string, SettingValue>;
  onProgress?: ((progress: LiveProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface LiveRun {
  /** What the clients went through. */
  pooler: string;
  run: Run;
  notes: string[];
  /** The driver's own part, ms. */
  instrument: Record<string, number>;
}

/** Plays the workload. Errors: OutsideError, ConfigError, the signal's reason. */
export async function playOnce(options: LiveRunOptions): Promise<LiveRun> {
  const { workload, database, running, pgbouncer, journal, duration } = options;
  checkFaults(workload, { foreign: foreignOf(running, database), duration });
  if (running !== undefined) {
    const stand = await openRunning({ workload, pooler: running, database });
    const played = await play(stand, stand.cell, options);
    const room = roomNotes([stand.workloadOf(stand.cell)]);
    return { ...played, notes: [...played.notes, ...stand.notes, ...room] };
  }
  if (database === undefined) throw new TypeError("live: no database to run against");
  const { pool_mode, pool_size } = ownPools(workload);
  const cell: Cell = { name: "live", pool_mode, pool_size, own: true };
  const stand = await openStand({ workload, database, cells: [cell], pgbouncer, journal });
  const played = await play(stand, cell, options).finally(() => stand.close());
  const room = isPrivate(database) ? [] : roomNotes([workload]);
  return { ...played, notes: [...played.notes, ...stand.notes, ...room] };
}

async function play(stand: Stand, cell: Cell, options: LiveRunOptions): Promise<LiveRun> {
  const { warmup, duration, seed, onProgress, signal } = options;
  const begin = performance.now();
  const workload = stand.workloadOf(cell);
  const live = await runLive({
    workload,
    target: stand.target(cell),
    direct: stand.direct,
    admin: stand.consoles?.(workload) ?? stand.admin,
    breaker: stand.breaker,
    poolMode: cell.pool_mode,
    ...{ seed, warmup, duration, onProgress, signal },
  });
  const wall_s = (performance.now() - begin) / 1000;
  const run = runOf(live, stand, cell, { ...options, wall_s });
  const { timer_lateness, event_loop_delay, processing } = live.driver;
  return {
    pooler: stand.pooler,
    run,
    notes: [`live through ${stand.pooler}`, ...live.notes, pathNote(live), ...cutNote(live)],
    instrument: {
      timer_lateness_p99: timer_lateness.p99 / MILLISECOND,
      event_loop_delay_p99: event_loop_delay.p99 / MILLISECOND,
      processing_p99: processing.p99 / MILLISECOND,
    },
  };
}

/** Shares of the transactions for which a run reports quantiles. */
const SHARES = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999, 1];

interface RunContext extends LiveRunOptions {
  wall_s: number;
}

function runOf(live: LiveResult, stand: Stand, cell: Cell, context: RunContext): Run {
  const { workload, settings, wall_s } = context;
  const [seconds, all] = [context.duration / SECOND, liveSamples(live, 0)];
  const timeline = timelineOf(live, stand.entries(cell));
  const levels = levelsOf(timeline, stand.connections(cell));
  const total = kindOf(live, context);
  const { mean } = levels.server_connections;
  const { memory_per_connection } = workload.server;
  const run: Run = {
    ...configured(stand.workloadOf(cell)),
    settings,
    simulated_s: 0,
    measured_s: seconds,
    warmup_s: context.warmup / SECOND,
    replications: 1,
    precise: true,
    events: 0,
    wall_s,
    ...total,
    wait_probability: all.wait.filter((ms) => ms > WAITED_MS).length / Math.max(1, all.wait.length),
    ...levels,
    multiplexing: live.kinds.reduce((sum, kind) => sum + kind.clients, 0) / mean,
    memory_mb: (levels.server_connections.max * memory_per_connection) / 1e6,
    clients: Object.fromEntries(live.kinds.map(({ name }, i) => [name, kindOf(live, context, i)])),
    distribution: SHARES.map((p) => ({
      p,
      wait_ms: quantile(all.wait, p),
      response_ms: quantile(all.response, p),
    })),
    timeline,
  };
  const { clients_waiting, throughput_tps, wait_ms } = run;
  clients_waiting.unserved = unservedClients(clients_waiting.mean, throughput_tps, wait_ms.mean);
  const slo = sloOutcome(workload.slo, run);
  return slo === undefined ? run : { ...run, slo };
}

/** Figures of one kind of clients, or of all. */
function kindOf(live: LiveResult, { workload, duration }: RunContext, kind?: number): KindResult {
  const seconds = duration / SECOND;
  const { wait, response } = liveSamples(live, 0, kind);
  const errors = errorsOf(live, kind);
  const count = (pattern: RegExp): number =>
    Object.entries(errors).reduce((sum, [text, n]) => sum + (pattern.test(text) ? n : 0), 0);
  const app = liveAppWaits(live, kind);
  return {
    transactions: response.length,
    wait_ms: spread(wait),
    response_ms: spread(response),
    ...(app.length > 0 && { app_wait_ms: spread(app) }),
    ...attemptsOf(live, workload, kind),
    throughput_tps: response.length / seconds,
    timeouts: count(/timeout/),
    refused: count(REFUSED),
    errors,
  };
}

/** Further attempts, and transactions given up, where clients have patience, retries or a pool. */
function attemptsOf(
  { transactions, window }: LiveResult,
  workload: Workload,
  kind?: number,
): Pick<KindResult, "retries" | "given_up"> {
  const demanding = workload.clients.map(isDemanding);
  let [retries, given_up] = [0, 0];
  for (let at = 0; at < transactions.length; at++) {
    const sent = transactions.sent[at] as number;
    if (sent < window.from || sent >= window.to || transactions.outcome[at] === 0) continue;
    if (kind !== undefined && transactions.kind[at] !== kind) continue;
    if (transactions.again[at] === 1) retries++;
    else if (demanding[transactions.kind[at] as number]) given_up++;
  }
  return retries + given_up === 0 ? {} : { retries, given_up };
}

/** Errors within the window, by their text: of transactions, and of logins. */
function errorsOf({ transactions, sessions, errors, window }: LiveResult, kind?: number) {
  const counts: Record<string, number> = {};
  const add = (rows: { kind: Int32Array; outcome: Int32Array }, at: number, time: number): void => {
    const error = errors[(rows.outcome[at] as number) - 1];
    if (error === undefined || time < window.from || time >= window.to) return;
    if (kind !== undefined && rows.kind[at] !== kind) return;
    counts[error.text] = (counts[error.text] ?? 0) + 1;
  };
  for (let i = 0; i < transactions.length; i++)
    add(transactions, i, transactions.sent[i] as number);
  for (let i = 0; i < sessions.length; i++) add(sessions, i, sessions.connected[i] as number);
  return counts;
}

function spread(values: Float64Array): Wait {
  const at = (p: number): number => quantile(values, p);
  return { mean: average(values), p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** What the pooler's console said, ten times a second; empty when there was none. */
function timelineOf({ observed, window }: LiveResult, entries: ReadonlySet<string>): Moment[] {
  const within = (observed?.pools ?? []).filter(({ at }) => at >= window.from && at < window.to);
  return within.map(({ at, rows }) => {
    const own = rows.filter((row) => entries.has(String(row.database)));
    const sum = (columns: readonly string[]): number =>
      own.reduce((total, row) => columns.reduce((n, name) => n + Number(row[name] ?? 0), total), 0);
    return {
      at_s: (at - window.from) / SECOND,
      clients_waiting: sum(["cl_waiting"]),
      servers_active: sum(["sv_active"]),
      server_connections: sum(OPEN),
    };
  });
}

type Levels = Pick<Run, "utilization" | "clients_waiting" | "server_connections">;

function levelsOf(timeline: readonly Moment[], connections: number): Levels {
  const of = (pick: (moment: Moment) => number): { mean: number; max: number } => {
    const values = timeline.map(pick);
    if (values.length === 0) return { mean: Number.NaN, max: Number.NaN };
    return { mean: average(values), max: Math.max(...values) };
  };
  const open = of((moment) => moment.server_connections);
  return {
    utilization: inUse(of((moment) => moment.servers_active).mean, connections, open.mean),
    clients_waiting: { ...of((moment) => moment.clients_waiting), unserved: 0 },
    server_connections: { ...open, opened: Number.NaN }, // SHOW counts no openings.
  };
}

function pathNote(live: LiveResult): string {
  const [least = Number.NaN] = liveSamples(live, 0).wait;
  return `a wait includes the way from client to server; the shortest was ${least.toFixed(2)} ms`;
}

function cutNote({ unfinished }: LiveResult): string[] {
  if (unfinished === 0) return [];
  return [
    `${counted(unfinished, "transaction")} ${nounFor(unfinished, "was", "were")} still under way when the run was given up waiting for ${nounFor(unfinished, "it", "them")}`,
  ];
}
