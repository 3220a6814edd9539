/**
 * What the driver process is told, and what it tells. Everything in it survives structured cloning.
 */
import type { PoolMode } from "../../engine/core/settings.ts";
import type { Nanos } from "../../engine/core/units.ts";
import type { Address } from "../database/dsn.ts";
import type { Workload } from "../schema/workload.ts";
import type { ErrorCount } from "./errors.ts";
import type { DriverMeasures } from "./measures.ts";
import type { SessionRecords, TransactionRecords } from "./records.ts";

/** Where the clients connect to. */
export interface LiveTarget extends Omit<Address, "database"> {
  /** Names of kinds of clients -> their database there; it has the workload's name when left out. */
  databases?: Record<string, string> | undefined;
  /** The workload's user names -> the target's; `user` when left out. */
  users?: Record<string, string> | undefined;
}

/** A run, as the driver is told it. */
export interface Plan {
  workload: Workload;
  target: LiveTarget;
  /**
   * The database itself, past any pooler: there the clocks are compared, and its end is noticed.
   */
  direct: Address | undefined;
  poolMode: PoolMode;
  seed: number;
  /** Measured time; it follows the warm-up. */
  duration: Nanos;
  warmup: Nanos;
  /** How long after the end the transactions sent before it may still take. */
  patience: Nanos;
  /** Time that the database takes to count one row; needed where a kind's work is `cpu`. */
  rowTime: number | undefined;
}

/** How far the run is. */
export interface LiveProgress {
  phase: "connecting" | "running" | "draining";
  /** Since the common start. */
  elapsed: Nanos;
  connected: number;
  transactions: number;
  errors: number;
}

/** How the server's clock and ours compare. */
export interface ClockReport {
  /** Shortest round trip of the comparison; half of it bounds the error of every wait. */
  round_trip_before: Nanos;
  round_trip_after: Nanos;
  /** What the server's clock gained on ours in between; already taken into account. */
  drift: Nanos;
}

/** What the driver found. */
export interface DriverResult {
  /** In the workload's order, with how many clients there were. */
  kinds: { name: string; clients: number }[];
  transactions: TransactionRecords;
  sessions: SessionRecords;
  errors: ErrorCount[];
  /** Transactions sent before the end that the run did not wait for any longer. */
  unfinished: number;
  clock: ClockReport;
  driver: DriverMeasures;
}

/** Messages of the driver to the one who started it. */
export type Report =
  | { kind: "hello" }
  | { kind: "started" /** Unix time of the common start, in ms. */; wall: number }
  | { kind: "progress"; progress: LiveProgress }
  | { kind: "result"; result: DriverResult }
  | { kind: "failed"; message: string; outside: boolean };

/** Where and as whom clients of kind `index` log in. */
export function targetAddress(plan: Pick<Plan, "workload" | "target">, index: number): Address {
  const { databases, users, ...place } = plan.target;
  const kind = plan.workload.clients[index];
  const database = kind?.database ?? "";
  const user = users?.[kind?.user ?? ""] ?? place.user;
  return { ...place, user, database: databases?.[kind?.name ?? ""] ?? database };
}
