/**
 * Plays a workload for real, against any PostgreSQL or pooler, from a process of its own, on the
 * draws of the simulator. Reports raw measurements; what they mean is for others to say.
 */
import { type Nanos, SECOND } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import { notPlayed } from "./notes.ts";
import { type Observations, Observer } from "./observer.ts";
import type { DriverResult, LiveProgress, Plan } from "./plan.ts";
import { withDriver } from "./process.ts";

export type { ServerError } from "./answers.ts";
export type { ErrorCount } from "./errors.ts";
export type { DriverMeasures, Spread } from "./measures.ts";
export type { Observations, ShowRow, ShowSample } from "./observer.ts";
export type { ClockReport, DriverResult, LiveProgress, LiveTarget } from "./plan.ts";
export type { SessionRecords, TransactionRecords } from "./records.ts";
export { wholeMilliseconds } from "./statements.ts";

const PATIENCE: Nanos = 10 * SECOND;

/** A live run. */
export interface LiveOptions extends Omit<Plan, "direct" | "patience"> {
  /** The database itself, past any pooler; without it the clocks are compared through `target`. */
  direct?: Address | undefined;
  /** How long after the end transactions sent before it may still take; 10 s unless given. */
  patience?: Nanos | undefined;
  /** A PgBouncer-like console to watch. */
  admin?: Address | undefined;
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
}

/**
 * Plays `options.workload` for `warmup` + `duration`. Errors: OutsideError when the target or the
 * database cannot be reached or goes away; ConfigError for a workload that cannot be played; the
 * signal's reason when aborted.
 */
export async function runLive(options: LiveOptions): Promise<LiveResult> {
  options.signal?.throwIfAborted();
  const observer = options.admin === undefined ? undefined : new Observer(options.admin);
  await observer?.open();
  try {
    const notes = notPlayed(options.workload);
    const result = await drive(options, observer);
    const window = { from: options.warmup, to: options.warmup + options.duration };
    const { seed, poolMode } = options;
    const observed = observer?.observations;
    return { ...result, seed, poolMode, window, observed, notes };
  } finally {
    await observer?.close();
  }
}

function drive(options: LiveOptions, observer: Observer | undefined): Promise<DriverResult> {
  const { workload, poolMode, seed, duration, warmup, patience = PATIENCE, signal } = options;
  const { databases, users } = options.target;
  const target = { ...plainAddress(options.target), databases, users };
  const direct = options.direct && {
    ...plainAddress(options.direct),
    database: options.direct.database,
  };
  const moments = [0, warmup, warmup + duration];
  const plan: Plan = { workload, target, direct, poolMode, seed, duration, warmup, patience };
  return withDriver(plan, signal, {
    onStarted: (wall) => observer?.watch(wall, moments),
    onProgress: (progress) => options.onProgress?.(progress),
  });
}

/** What can cross to another process: the caller may well have handed us a whole `Database`. */
function plainAddress(address: Omit<Address, "database">): Omit<Address, "database"> {
  const { host, port, user, password, sslmode } = address;
  return { host, port, user, password, sslmode };
}
