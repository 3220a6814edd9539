/**
 * A workload, checked and in the core's units: times in nanoseconds, sizes in bytes, shares as fractions.
 * `load.ts` makes it from a YAML file; DESIGN: the names are those of the file.
 */
import type { CoreSettings, Nanos } from "../../engine/core/index.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";

export interface Workload {
  name: string;
  description: string;
  /** Path of the file that it came from, for messages. */
  file: string;
  /** Settings of the pooler and its databases, resolved. */
  settings: CoreSettings;
  /** PgBouncer's setting, which moves averages and nothing else; its default when left out. */
  stats_period?: Nanos | undefined;
  /** PgBouncer's setting: named statements that a server keeps; 0: it does not look after them. */
  max_prepared_statements?: number | undefined;
  clients: ClientKind[];
  server: ServerModel;
  /** undefined: one process like PgBouncer's, whose work takes no time. */
  pooler?: PoolerModel | undefined;
  network: NetworkModel;
  schedule: ScheduleEntry[];
  curves?: LoadCurve[] | undefined;
  /** In order of time; no two at once. */
  faults?: Fault[] | undefined;
  slo: Slo;
  run: RunSettings;
}

/** One kind of clients: `count` of them for ever (closed), or `arrivals` of sessions (open). */
export interface ClientKind {
  name: string;
  database: string;
  user: string;
  count?: number | undefined;
  arrivals?: { gap: DistributionSpec } | undefined;
  session: SessionModel;
  /** Between transactions, connection idle. */
  think: DistributionSpec;
  transaction: TransactionModel;
  app_pool?: AppPool | undefined;
  /** How long a client waits for a transaction before it gives up; undefined: as long as it takes. */
  timeout?: Nanos | undefined;
  /** It then asks to cancel its statement, and waits for what comes of it; otherwise it hangs up. */
  cancels?: boolean | undefined;
  /** How a client tries a transaction again that failed; undefined: not at all. */
  retry?: RetryModel | undefined;
  /** Named prepared statements, each used as often as the others: the first use on a server costs a parse. */
  prepared?: { statements: number; parse: Nanos } | undefined;
  /** Its parameters, as one text; a server that comes from clients with others is told by a SET. */
  parameters?: string | undefined;
}

/** What a client does whose timeout is over. */
export const TIMEOUT_ACTIONS = ["disconnect", "cancel"] as const;

/** A failed transaction is tried again `attempts` times, after `backoff`, `backoff x factor`, and so on. */
export interface RetryModel {
  attempts: number;
  backoff: Nanos;
  factor: number;
  /** Part of each pause, from 0 to 1, that is left to chance. */
  jitter: number;
}

/** How long a session lasts: so many transactions, or so long; then `away` before the next. */
export interface SessionModel {
  transactions: DistributionSpec | "forever";
  duration?: DistributionSpec | undefined;
  away: DistributionSpec;
}

export interface TransactionModel {
  statements: DistributionSpec;
  /** Per statement, at the database, nobody else there. */
  service: DistributionSpec;
  /** The client's pause inside the transaction, between statements. */
  gap: DistributionSpec;
  /** How a live run plays the service; `sleep` when left out. The simulator's cores do not ask. */
  work?: Work | undefined;
}

/** `sleep`: pg_sleep, which needs no core. `cpu`: counting rows, which needs one all the time. */
export const WORKS = ["sleep", "cpu"] as const;
export type Work = (typeof WORKS)[number];

/** A pool inside the application, in front of the pooler. */
export interface AppPool {
  /** Processes, each with a pool of its own. */
  instances: number;
  /** Connections to the pooler that each has at most. */
  size: number;
  /** And at least; `size` when left out. */
  min_size?: number | undefined;
  /** How long a client waits for one. */
  timeout: Nanos;
  /** A connection above `min_size` that is idle for so long is closed. */
  idle_timeout?: Nanos | undefined;
  /** A connection that is older is replaced. */
  lifetime?: Nanos | undefined;
}

export interface ServerModel {
  max_connections: number;
  connect_time: DistributionSpec;
  /** Bytes. */
  memory_per_connection: number;
  /** Busy statements share so many; undefined: service times never stretch for lack of them. */
  cores?: number | undefined;
  /** Part of the service time that needs a core, 0 to 1. */
  cpu_share: number;
  /**
   * Work after which a core goes on with the next busy statement, where there are more than cores;
   * undefined: all advance at the same rate.
   */
  quantum?: Nanos | undefined;
  /** A measured limit of what all statements get done together, in cores, and how sharp the bend is. */
  speed?: { cap: number; knee: number } | undefined;
  /** Universal Scalability Law: serial part, and cost of each pair. */
  usl?: { sigma: number; kappa: number } | undefined;
  /** Work on a core that each new connection costs, after its `connect_time`. */
  connect_cpu?: DistributionSpec | undefined;
}

/** In which order those that wait are served; `fifo` is PgBouncer's. */
export const QUEUE_DISCIPLINES = ["fifo", "lifo", "race", "poll"] as const;

/** The pooler beyond its settings. */
export interface PoolerModel {
  discipline: (typeof QUEUE_DISCIPLINES)[number];
  /** race: mean time until a waiter that is woken looks for the server. */
  wake_up: Nanos;
  /** poll: time between two looks of a waiter. */
  sleep: Nanos;
  /** Processes on one port, each with pools of its own. */
  processes: number;
  /** Round trip from one of them to another, which hands cancel requests on; undefined: they are lost. */
  peering?: Nanos | undefined;
  /** Work of a process for each message, request or answer; it does one after the other. */
  cpu_per_message: Nanos;
}

/** Round trips: client to pooler, pooler to server. */
export interface NetworkModel {
  client: Nanos;
  server: Nanos;
}

/**
 * From `at` on, for `for`, the load of a kind is multiplied; `over`: it rises to the factor for so long
 * before, and falls for so long after. Times count from the begin of the measured window.
 */
export interface ScheduleEntry {
  at: Nanos;
  for: Nanos;
  clients: string;
  factor: number;
  over?: Nanos | undefined;
}

/** The load of a kind by a curve that repeats: straight lines between its points. */
export interface LoadCurve {
  clients: string;
  /** In order of time; the first is at 0. */
  points: { at: Nanos; factor: number }[];
  every: Nanos;
}

export const FAULTS = [
  "restart",
  "failover",
  "stall",
  "pooler_restart",
  "pooler_takeover",
] as const;

/** How a pooler that is to be restarted goes: PgBouncer's SHUTDOWN. */
export const SHUTDOWNS = ["immediate", "wait_for_servers", "wait_for_clients"] as const;

/**
 * The database fails at `at`, for `for`. `restart`: all connections die, logins are refused meanwhile.
 * `failover`: nothing answers; at the end the connections die and logins succeed again. `stall`: statements
 * and logins stand still and then go on. `pooler_restart`: the pooler is told to shut down at `at`, and a new one is
 * there after `for`; what the old one still has then is lost. `pooler_takeover`: at `at` a second pooler
 * takes all new connections and the old one is told to shut down; what it still has after `for` is lost.
 */
export interface Fault {
  at: Nanos;
  for: Nanos;
  fault: (typeof FAULTS)[number];
  /** See `shutdownOf`. */
  shutdown?: Shutdown | undefined;
}

type Shutdown = (typeof SHUTDOWNS)[number];

/** How the old pooler goes, unless told: at once in a restart, when its clients have left in a takeover. */
export const shutdownOf = ({ fault, shutdown }: Fault): Shutdown =>
  shutdown ?? (fault === "pooler_takeover" ? "wait_for_clients" : "immediate");

export interface Slo {
  wait_p50?: Nanos | undefined;
  wait_p95?: Nanos | undefined;
  wait_p99?: Nanos | undefined;
  response_p95?: Nanos | undefined;
  response_p99?: Nanos | undefined;
  /** Fraction of transactions that may end in a timeout; of attempts at them, where clients retry. */
  timeouts?: number | undefined;
}

export interface RunSettings {
  duration: Nanos;
  warmup: Nanos | "auto";
  seed: number;
  /** Relative half-width of the 95 % intervals that is aimed at, as a fraction. */
  precision: number;
}
