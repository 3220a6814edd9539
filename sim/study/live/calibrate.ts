/**
 * What a machine adds, measured where nobody waits: a pool with a connection for every client, the
 * workload's own pace, one statement a transaction, other seeds than any run that is to be predicted.
 * A calibration never sees the run that it helps to predict.
 */
import { MILLISECOND, type Nanos, type Pool } from "../../../engine/core/index.ts";
import { type LiveResult, SECTIONS, type ShowRow } from "../../../workloads/live/index.ts";
import { staying } from "../../../workloads/schema/kinds.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { type DistributionSpec, mean } from "../../kernel/distributions.ts";
import type { Machine } from "../../model/index.ts";
import { keyOf, poolOf } from "../pools.ts";
import type { Capacity } from "./capacity.ts";
import { average, quantile, WAITED_MS } from "./figures.ts";
import { median as middle } from "./verdict.ts";

/** What was measured, and the model's terms that follow from it. */
export interface Calibration {
  machine: Machine;
  /** Setting up a server connection through the pooler. */
  connect_time: DistributionSpec;
  /** From a client's sending to the statement's start at the server, when nobody waits. */
  path: Nanos;
  /** Waits up to this are the path's jitter on this machine: 99 % of it when nobody waits, at least 1 ms. */
  resolution: Nanos;
  /** For the report, in ms: means of the parts as they are used. */
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
export function fewClients(workload: Workload, sizeOf: (pool: Pool) => number): Workload {
  const room = new Map<string, number>();
  const clients = workload.clients.flatMap((kind) => {
    const pool = poolOf(workload, kind);
    const left = room.get(keyOf(pool)) ?? Math.max(1, Math.floor(0.75 * sizeOf(pool)));
    const count = Math.min(kind.count ?? OPEN_CLIENTS, left);
    room.set(keyOf(pool), left - count);
    return count > 0 ? [{ ...kind, count, arrivals: undefined }] : [];
  });
  return { ...workload, clients };
}

const OPEN_CLIENTS = 4;

/**
 * The workload for a calibration: the same clients at the same pace, one statement a transaction. Each has a
 * connection of its own and waits as long as it takes: where nobody waits, that is no difference. Nothing fails.
 */
export function calibrationWorkload(workload: Workload): Workload {
  const clients = workload.clients.map((kind) => ({
    ...kind,
    app_pool: undefined,
    timeout: undefined,
    retry: undefined,
    transaction: {
      ...kind.transaction,
      statements: { kind: "constant" as const, value: 1 },
    },
  }));
  return { ...workload, clients: admitted(clients, workload), faults: undefined };
}

/** Of each kind no more than max_client_conn lets in of all: whoever is turned away comes back at once. */
function admitted(clients: ClientKind[], { settings }: Workload): ClientKind[] {
  const part = settings.max_client_conn / Math.max(1, staying(clients));
  if (part >= 1) return clients;
  const of = (count: number | undefined): number | undefined =>
    count && Math.max(1, Math.floor(part * count));
  return clients.map((kind) => ({ ...kind, count: of(kind.count) }));
}

/** What was measured on idle connections. */
export interface Probed {
  /** Setting up server connections; empty: they could not be seen, and `connect_time` is assumed. */
  connects: readonly Nanos[];
  /** Client logins, for clients that come back only when they have given up. */
  logins: readonly Nanos[];
  resets: readonly Nanos[];
  connect_time: DistributionSpec;
}

/**
 * Reads the terms off a calibration run of `calibrationWorkload`. What is drawn for each statement is a
 * distribution, what is the same for all is a typical value; both are medians over the sections of the
 * window, so that one section in which the machine hesitated does not count. No mean is taken but of what
 * the pooler tells as a total, within a section.
 */
export function calibrate(
  live: LiveResult,
  entries: Entries,
  { connects, logins, resets, connect_time }: Probed,
): Calibration {
  const sections = sectionsOf(live);
  const parts = sections.map(({ rows }) => rows);
  const outside = middle(sections.map((section) => outsideOf(section, live, entries)));
  const statement = typical(parts, (row) => Math.max(0, row.response - row.service - outside));
  const lateness = typical(parts, (row) => row.lateness);
  const ownLogins = sessionLogins(live);
  const login = spread(ownLogins.length > 0 ? ownLogins : logins);
  const reset = spread(resets);
  const connect = connects.length > 0 ? spread(connects) : connect_time;
  const ways = parts.map((rows) => Float64Array.from(rows.map((row) => row.wait)).sort());
  const path = middle(ways.map((each) => quantile(each, 0.5)));
  const jitter = middle(ways.map((each) => quantile(each, 0.99))) - path;
  const resolution = Math.max(WAITED_MS * MILLISECOND, jitter);
  const client = { kind: "constant", value: outside } as const;
  return {
    machine: { statement, client, lateness, login, reset, granularity: MILLISECOND },
    connect_time: connect,
    path,
    resolution,
    parts: {
      transactions: parts.reduce((sum, rows) => sum + rows.length, 0),
      overhead: (mean(statement) + outside) / MILLISECOND,
      held: mean(statement) / MILLISECOND,
      path: path / MILLISECOND,
      resolution: resolution / MILLISECOND,
      timer_lateness: mean(lateness) / MILLISECOND,
      login: mean(login) / MILLISECOND,
      connect: mean(connect) / MILLISECOND,
      reset: mean(reset) / MILLISECOND,
    },
  };
}

/**
 * What of a statement does not occupy the server: the way between client and pooler, and the driver's own
 * reading. The pooler tells only totals, so means must be compared. 0 without a console, the cautious
 * guess: everything counts as holding the server.
 */
function outsideOf({ rows, span }: Section, live: LiveResult, entries: Entries): Nanos {
  const { count, time, wait } = totals(live, entries, span);
  if (count <= 0) return 0;
  // SHOW STATS has microseconds, and its transaction time includes waiting.
  const busy = ((time - wait) / count) * 1_000;
  return Math.max(0, average(rows.map((row) => row.response)) - busy);
}

/** How late the driver's timers were. */
export const latenessOf = (live: LiveResult): DistributionSpec =>
  typical(
    sectionsOf(live).map(({ rows }) => rows),
    (row) => row.lateness,
  );

/**
 * Mean wait for a server by the pooler's own totals, of the window; undefined without a console. Where the
 * cores are busy a statement's start says less: it waits for a core before it can say so.
 */
export function meanWait(live: LiveResult, entries: Entries): Nanos | undefined {
  const { count, wait } = totals(live, entries, WINDOW);
  return count <= 0 ? undefined : (wait / count) * 1_000;
}

interface Row {
  wait: Nanos;
  response: Nanos;
  service: Nanos;
  lateness: Nanos;
}

type Entries = ReadonlySet<string>;

/** A part of the window: between two of the times at which the pooler's totals were taken. */
interface Section {
  /** First and last of these; see `totalsMoments`. */
  span: readonly [number, number];
  /** Transactions that ended in it. */
  rows: Row[];
}

const WINDOW = [1, 1 + SECTIONS] as const;
/** Fewer transactions than these have no 99th percentile: then the window is not divided. */
const ENOUGH = 100;

function sectionsOf(live: LiveResult): Section[] {
  const all: Section = { span: WINDOW, rows: endedIn(live, WINDOW) };
  const parts = Array.from({ length: SECTIONS }, (_, i): Section => {
    const span = [1 + i, 2 + i] as const;
    return { span, rows: endedIn(live, span) };
  });
  return parts.every(({ rows }) => rows.length >= ENOUGH) ? parts : [all];
}

/** Transactions that ended between two of the moments. */
function endedIn({ transactions, window, observed }: LiveResult, span: Section["span"]): Row[] {
  const [from, to] = span.map((moment) => {
    const planned = window.from + ((moment - 1) * (window.to - window.from)) / SECTIONS;
    return observed?.stats[moment]?.at ?? planned;
  }) as [Nanos, Nanos];
  const rows: Row[] = [];
  for (let at = 0; at < transactions.length; at++) {
    const end = (transactions.sent[at] as number) + (transactions.response[at] as number);
    if (!(end >= from && end < to) || transactions.outcome[at] !== 0) continue;
    rows.push({
      wait: transactions.wait[at] as number,
      response: transactions.response[at] as number,
      service: transactions.service[at] as number,
      lateness: transactions.lateness[at] as number,
    });
  }
  return rows;
}

/** What the pooler's totals grew by in between, in microseconds; nothing without them. */
function totals({ observed }: LiveResult, entries: Entries, [from, to]: Section["span"]) {
  const stats = observed?.stats ?? [];
  const [first, last] = [stats[from]?.rows ?? [], stats[to]?.rows ?? []];
  const grown = (column: string): number =>
    total(last, entries, column) - total(first, entries, column);
  return {
    count: grown("total_xact_count"),
    time: grown("total_xact_time"),
    wait: grown("total_wait_time"),
  };
}

function total(rows: readonly ShowRow[], entries: Entries, column: string): number {
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
 * The distribution of single measurements; zero of nothing. The slowest hundredth, and the slowest two in
 * any case, count as slow as the next: what is rarer is a stall of the whole machine, which hits everybody
 * at once and would be counted over and over if it were drawn for each statement by itself.
 */
function spread(values: readonly Nanos[]): DistributionSpec {
  const sorted = Float64Array.from(values).sort();
  const { length } = sorted;
  const rank = Math.max(Math.ceil(length / 2), Math.min(Math.ceil(0.99 * length), length - 2));
  return byQuantiles((p) => quantile(sorted, Math.min(p, rank / length)));
}

/** The distribution over sections: each of its quantiles is the median of theirs; none above the 99th. */
function typical(sections: readonly Row[][], pick: (row: Row) => Nanos): DistributionSpec {
  const sorted = sections.map((rows) => Float64Array.from(rows.map(pick)).sort());
  return byQuantiles((p) => middle(sorted.map((values) => quantile(values, Math.min(p, 0.99)))));
}

function byQuantiles(at: (p: number) => Nanos): DistributionSpec {
  const points = Array.from({ length: POINTS + 1 }, (_, i): [number, number] => {
    return [(100 * i) / POINTS, Math.max(0, Math.round(at(i / POINTS)))];
  });
  return { kind: "quantiles", points };
}
