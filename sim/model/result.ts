/** What one simulated run comes to. All times in nanoseconds. */
import type { Nanos } from "../../engine/core/index.ts";
import type { Histogram } from "../kernel/histogram.ts";
import type { DashboardView } from "./dashboard.ts";
import type { Moment, Trace } from "./meters.ts";
import type { StationFigures } from "./station.ts";

/** Figures of one kind of clients, or of all. */
export interface Figures {
  wait: Histogram;
  response: Histogram;
  /** Share of the granted transactions that had to queue. */
  wait_probability: number;
  /** Completed transactions a second. */
  throughput: number;
  /** Clients dropped by a timeout of the pooler, and attempts that a timeout of their own ended. */
  timeouts: number;
  /** Clients refused by a limit. */
  refused: number;
  /**
   * Clients dropped, by PgBouncer's name for the reason; `client_timeout`, `client_cancel` and
   * `app_pool_timeout` are the application's own.
   */
  errors: Record<string, number>;
  /** Attempts at transactions that have failed, for whatever reason. */
  failed: number;
  /** Client connections, logged in, that the pooler has ended. */
  lost: number;
  /** Waits for a connection of the application's own pool, where it has one. */
  app_wait: Histogram | undefined;
  /** Further attempts, and transactions that clients gave up. */
  retries: number;
  given_up: number;
}

/** What the database's cores did within the window. */
export interface CoresFigures {
  /** Jobs on them: time average and most. */
  mean: number;
  max: number;
  /** Work done in a unit of time: cores that were busy. */
  speed: number;
  /** How many times longer the work took than it would have alone. */
  stretch: number;
  /** Statements that were finished when the pooler had closed their connection. */
  wasted: number;
}

/** Cancel requests for transactions of the window, where there are several processes. */
export interface RequestFigures {
  asked: number;
  /** Those that reached another process than their client's and were handed on, or were not. */
  forwarded: number;
  lost: number;
}

/** All that is known of one run. */
export interface RunResult {
  seed: number;
  /** Length of the measured window. */
  duration: Nanos;
  /** What was simulated before it. */
  warmup: Nanos;
  /** Events of the model: everything taken from the event queue, warm-up included. */
  events: number;
  /** Of all kinds together. */
  all: Figures;
  kinds: Record<string, Figures>;
  /** Servers linked to a client: time average, and over the connections that the pools may have; see `inUse`. */
  servers_active: number;
  utilization: number;
  /** As cl_waiting; `logins`: of the mean, clients that are not in yet, for their pool has had no server. */
  clients_waiting: { mean: number; max: number; logins: number };
  clients_connected: number;
  server_connections: { mean: number; max: number; opened: number };
  /** undefined: service times do not stretch. */
  cores: CoresFigures | undefined;
  /** undefined: the pooler's own work takes no time. */
  station: StationFigures | undefined;
  /** undefined: nobody cancels, or there is but one process. */
  requests: RequestFigures | undefined;
  /** Bytes: most connections that the database has admitted, times memory_per_connection. */
  memory: number;
  /** SHOW STATS' totals of the measured window, summed over all pools; by STAT. */
  stats: Float64Array;
  timeline: Moment[];
  trace: Trace | undefined;
  /** What dashboards see of it, where somebody looks. */
  dashboard: DashboardView | undefined;
  /** Transactions sent in the window that had not ended when the run gave up waiting for them. */
  unfinished: number;
}
