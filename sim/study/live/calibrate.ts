/**
 * What a machine adds, measured where nobody waits: a pool with a connection for every client, the
 * workload's own pace, one statement a transaction, other seeds than any run that is to be predicted.
 * A calibration never sees the run that it helps to predict.
 */
import { MILLISECOND, type Nanos } from "../../../engine/core/index.ts";
import type { LiveResult, ShowRow } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { type DistributionSpec, mean } from "../../kernel/distributions.ts";
import type { Machine } from "../../model/index.ts";
import type { Capacity } from "./capacity.ts";
import { average, quantile, WAITED_MS } from "./figures.ts";

/** What was measured, and the model's terms that follow from it. */
export interface Calibration {
  machine: Machine;
  /** Setting up a server connection through the pooler. */
  connect_time: DistributionSpec;
  /** From a client's sending to the statement's start at the server, when nobody waits. */
  path: Nanos;
  /** Waits up to this are the path's jitter on this machine: 99 % of it when nobody waits, at least 1 ms. */
  resolution: Nanos;
  /** For the report, in ms: means of the parts. */
  parts: CalibrationParts;
  /** Where statements are real work: the database's, with the throughput measured at its two sizes. */
  capacity?: (Capacity & { measured: number[] }) | undefined;
}

/** Means in ms. */
export interface CalibrationParts {
  transactions: number;
  /** Of a statement, beside its service: all of it, and what of it occupies the server. */
  overhead: number;
  held: number;
  path: number;
  resolution: number;
  timer_lateness: number;
  login: number;
  connect: number;
  reset: number;
}

/**
 * The workload for a calibration on pools of a given size: of each kind only so many clients that three
 * quarters of their pool suffice for all of them, so that nobody waits. Clients that arrive from outside
 * stay instead.
 */
export function fewClients(workload: Workload, sizeOf: (database: string) => number): Workload {
  const room = new Map<string, number>();
  const clients = workload.clients.flatMap((kind) => {
    const { database } = kind;
    const left = room.get(database) ?? Math.max(1, Math.floor(0.75 * sizeOf(database)));
    const count = Math.min(kind.count ?? OPEN_CLIENTS, left);
    room.set(database, left - count);
    return count > 0 ? [{ ...kind, count, arrivals: undefined }] : [];
  });
  return { ...workload, clients };
}

const OPEN_CLIENTS = 4;

/** The workload for a calibration: the same clients at the same pace, one statement a transaction. */
export function calibrationWorkload(workload: Workload): Workload {
  const clients = workload.clients.map((kind) => ({
    ...kind,
    transaction: {
      ...kind.transaction,
      statements: { kind: "constant" as const, value: 1 },
    },
  }));
  return { ...workload, clients };
}

/** What was measured on idle connections. */
export interface Probed {
  /** Setting up server connections; empty: they could not be seen, and `connect_time` is assumed. */
  connects: readonly Nanos[];
  resets: readonly Nanos[];
  connect_time: DistributionSpec;
}

/** Reads the terms off a calibration run of `calibrationWorkload`. */
export function calibrate(
  live: LiveResult,
  entries: ReadonlySet<string>,
  { connects, resets, connect_time }: Probed,
): Calibration {
  const rows = measured(live);
  const overhead = rows.map((row) => row.response - row.service).sort((a, b) => a - b);
  const all = average(overhead);
  const busy = heldTime(live, entries);
  // Without a console everything counts as holding the server: the cautious guess.
  const held = busy === undefined ? all : busy - average(rows.map((row) => row.service));
  // What does not occupy the server: the way between client and pooler, and the driver's own reading.
  const outside = Math.max(0, all - held);
  const lateness = rows.map((row) => row.lateness);
  const logins = sessionLogins(live);
  const ways = Float64Array.from(rows.map((row) => row.wait)).sort();
  const path = quantile(ways, 0.5);
  const resolution = Math.max(WAITED_MS * MILLISECOND, quantile(ways, 0.99) - path);
  return {
    machine: {
      statement: spread(overhead.map((value) => Math.max(0, value - outside))),
      client: { kind: "constant", value: outside },
      lateness: spread(lateness),
      login: spread(logins),
      reset: spread(resets),
      granularity: MILLISECOND,
    },
    connect_time: connects.length > 0 ? spread(connects) : connect_time,
    path,
    resolution,
    parts: {
      transactions: rows.length,
      overhead: all / MILLISECOND,
      held: held / MILLISECOND,
      path: path / MILLISECOND,
      resolution: resolution / MILLISECOND,
      timer_lateness: average(lateness) / MILLISECOND,
      login: average(logins) / MILLISECOND,
      connect: (connects.length > 0 ? average(connects) : mean(connect_time)) / MILLISECOND,
      reset: average(resets) / MILLISECOND,
    },
  };
}

/** How late the driver's timers were. */
export const latenessOf = (live: LiveResult): DistributionSpec =>
  spread(measured(live).map((row) => row.lateness));

/**
 * Mean wait for a server by the pooler's own totals, of the window; undefined without a console. Where the
 * cores are busy a statement's start says less: it waits for a core before it can say so.
 */
export function meanWait(live: LiveResult, entries: ReadonlySet<string>): Nanos | undefined {
  const { count, wait } = totals(live, entries);
  return count <= 0 ? undefined : (wait / count) * 1_000;
}

interface Row {
  wait: Nanos;
  response: Nanos;
  service: Nanos;
  lateness: Nanos;
}

function measured({ transactions, window }: LiveResult): Row[] {
  const rows: Row[] = [];
  for (let at = 0; at < transactions.length; at++) {
    const sent = transactions.sent[at] as number;
    if (sent < window.from || sent >= window.to || transactions.outcome[at] !== 0) continue;
    rows.push({
      wait: transactions.wait[at] as number,
      response: transactions.response[at] as number,
      service: transactions.service[at] as number,
      lateness: transactions.lateness[at] as number,
    });
  }
  return rows;
}

/**
 * How long a transaction occupied its server on average, by the pooler's own totals: its transaction
 * time (which includes waiting) less the time waited; undefined without a console that tells them. SHOW
 * STATS has microseconds.
 */
function heldTime(live: LiveResult, entries: ReadonlySet<string>): Nanos | undefined {
  const { count, time, wait } = totals(live, entries);
  return count <= 0 ? undefined : ((time - wait) / count) * 1_000;
}

/** What the pooler's totals grew by within the window, in microseconds. */
function totals(live: LiveResult, entries: ReadonlySet<string>) {
  const stats = live.observed?.stats ?? [];
  const [first, last] = [stats.at(-2)?.rows ?? [], stats.at(-1)?.rows ?? []];
  const grown = (column: string): number =>
    total(last, entries, column) - total(first, entries, column);
  return {
    count: grown("total_xact_count"),
    time: grown("total_xact_time"),
    wait: grown("total_wait_time"),
  };
}

function total(rows: readonly ShowRow[], entries: ReadonlySet<string>, column: string): number {
  let sum = 0;
  for (const row of rows) if (entries.has(String(row.database))) sum += Number(row[column] ?? 0);
  return sum;
}

/** Logins made while the run was on; those before it come all at once and say nothing. */
function sessionLogins({ sessions }: LiveResult): Nanos[] {
  const times: Nanos[] = [];
  for (let at = 0; at < sessions.length; at++)
    if (sessions.outcome[at] === 0 && (sessions.connected[at] as number) > 0)
      times.push(sessions.login[at] as number);
  return times;
}

const POINTS = 200;

/**
 * A distribution by its quantiles; zero when nothing was measured. The slowest hundredth counts as slow
 * as the 99th percentile: what is rarer is a stall of the whole machine, which hits everybody at once and
 * would be counted over and over if it were drawn for each statement by itself.
 */
function spread(values: readonly Nanos[]): DistributionSpec {
  if (values.length === 0) return { kind: "constant", value: 0 };
  const sorted = Float64Array.from(values).sort();
  const points: [number, number][] = [];
  for (let i = 0; i <= POINTS; i++) {
    const p = i / POINTS;
    points.push([100 * p, Math.max(0, Math.round(quantile(sorted, Math.min(p, 0.99))))]);
  }
  return { kind: "quantiles", points };
}
