/**
 * Plays a workload for real, against any PostgreSQL or pooler, from a process of its own, on the
 * draws of the simulator. Reports raw measurements; what they mean is for others to say.
 */
import { type Nanos, SECOND } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { type Breaker, Breaking, playedFaults } from "./breaking.ts";
import { notPlayed } from "./notes.ts";
import { type Observations, Observer, totalsMoments } from "./observer.ts";
import { type DriverResult, type LiveProgress, type Plan, targetAddress } from "./plan.ts";
import { checkPrepared } from "./prepared.ts";
import { withDriver } from "./process.ts";
import { rowTimeOf, usesCores } from "./work.ts";

export type { ServerError } from "./answers.ts";
export { type Breaker, playedFaults } from "./breaking.ts";
export type { ErrorCount } from "./errors.ts";
export type { DriverMeasures, Spread } from "./measures.ts";
export { noFault } from "./notes.ts";
export { type Observations, SECTIONS, type ShowRow, type ShowSample } from "./observer.ts";
export type { ClockReport, DriverResult, LiveProgress, LiveTarget } from "./plan.ts";
export { preparedSql, prepares } from "./prepared.ts";
export type { SessionRecords, TransactionRecords } from "./records.ts";
export { Counts, Sleeps, wholeMilliseconds } from "./statements.ts";
export { rowTimeOf, usesCores } from "./work.ts";

const PATIENCE: Nanos = 10 * SECOND;

/** A live run. */
export interface LiveOptions extends Omit<Plan, "direct" | "patience" | "rowTime"> {
  /** The database itself, past any pooler; without it the clocks are compared through `target`. */
  direct?: Address | undefined;
  /** How long after the end transactions sent before it may still take; 10 s unless given. */
  patience?: Nanos | undefined;
  /**
   * Time that the database takes to count one row, for kinds whose work is `cpu`; measured first, while
   * nothing else is asked for, when left out.
   */
  rowTime?: number | undefined;
  /** A PgBouncer-like console to watch; one of each process where the pooler has several. */
  admin?: Address | readonly Address[] | undefined;
  /** Plays the faults of the workload's schedule; without it there must be none. */
  breaker?: Breaker | undefined;
  onProgress?: ((progress: LiveProgress) => void) | undefined;
  /** Ends the run at once; `runLive` then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What a live run found. */
export interface LiveResult extends DriverResult {
  seed: number;
  poolMode: Plan["poolMode"];
  /** Measured transactions were sent from `from` on and before `to`; ns since the common start. */
  window: { from: Nanos; to: Nanos };
  /** What the pooler said of itself, when there was a console. */
  observed: Observations | undefined;
  /** What of the workload was not played, in sentences. */
  notes: string[];
  /** What counting a row was taken to last; undefined: no kind's work is `cpu`. */
  rowTime: number | undefined;
}

/**
 * Plays `options.workload` for `warmup` + `duration`. Errors: OutsideError when the target or the
 * database cannot be reached or goes away; ConfigError for a workload that cannot be played; the
 * signal's reason when aborted.
 */
export async function runLive(options: LiveOptions): Promise<LiveResult> {
  options.signal?.throwIfAborted();
  const { admin = [] } = options;
  const restarts = options.workload.faults?.some(({ fault }) => fault.startsWith("pooler_"));
  const observer = [admin].flat().length > 0 ? new Observer([admin].flat(), restarts) : undefined;
  await observer?.open();
  try {
    checkPrepared(options.workload, options.poolMode);
    const { duration, breaker } = options;
    const faults = playedFaults(options.workload, duration);
    const breakage = { duration, faults, breaks: breaker !== undefined };
    const notes = notPlayed(options.workload, breakage);
    const rowTime = await rowTimeFor(options);
    const workload = { ...options.workload, faults: faults.length > 0 ? faults : undefined };
    const breaking = breaker && new Breaking(faults, breaker);
    await breaking?.prepare();
    const result = await drive({ ...options, workload, rowTime }, observer, breaking);
    notes.push(...(breaking?.notes ?? []));
    const window = { from: options.warmup, to: options.warmup + options.duration };
    const { seed, poolMode } = options;
    const observed = observer?.observations;
    return { ...result, seed, poolMode, window, observed, notes, rowTime };
  } finally {
    await observer?.close();
  }
}

/** On a connection of its own to the database, or to the pooler when that is all that is known. */
async function rowTimeFor(options: LiveOptions): Promise<number | undefined> {
  const { direct, rowTime, workload } = options;
  if (!usesCores(workload)) return undefined;
  return rowTime ?? (await rowTimeOf(direct ?? targetAddress(options, 0)));
}

async function drive(
  options: LiveOptions,
  observer: Observer | undefined,
  breaking: Breaking | undefined,
): Promise<DriverResult> {
  const { workload, poolMode, seed, duration, warmup, patience = PATIENCE, rowTime } = options;
  const { databases, users } = options.target;
  const target = { ...plainAddress(options.target), databases, users };
  const direct = options.direct && {
    ...plainAddress(options.direct),
    database: options.direct.database,
  };
  const moments = totalsMoments(warmup, duration);
  const length = { duration, warmup, patience };
  const plan: Plan = { workload, target, direct, poolMode, seed, ...length, rowTime };
  const failure = new AbortController();
  const signal = options.signal
    ? AbortSignal.any([options.signal, failure.signal])
    : failure.signal;
  try {
    return await withDriver(plan, signal, {
      onStarted: (wall) => {
        observer?.watch(wall, moments);
        breaking?.start(wall + warmup / 1e6, (error) => failure.abort(error));
      },
      onProgress: (progress) => options.onProgress?.(progress),
    });
  } finally {
    await breaking?.end();
  }
}

/** What can cross to another process: the caller may well have handed us a whole `Database`. */
function plainAddress(address: Omit<Address, "database">): Omit<Address, "database"> {
  const { host, port, user, password, sslmode } = address;
  return { host, port, user, password, sslmode };
}
