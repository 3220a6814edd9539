/** What is measured of a run: per kind of client, and the levels of the whole over time. */
import { type Nanos, REASON_NAMES, START } from "../../engine/core/index.ts";
import { Histogram } from "../kernel/histogram.ts";

/** Figures of one kind of clients, of the transactions sent within the window. */
export class KindMeter {
  /** Wait of every transaction that was granted its servers; ns. */
  readonly wait = new Histogram();
  /** The client's view of every transaction that was completed; ns. */
  readonly response = new Histogram();
  /** Transactions that had to queue. */
  waited = 0;
  /** Clients dropped, by number of the core's reason, whether inside a transaction or not. */
  readonly drops = new Float64Array(REASON_NAMES.length);
  /** Those of them that ended an attempt at a transaction, and those that ended a connection in use or idle. */
  failed = 0;
  lost = 0;
  /** Waits for a connection of the application's own pool; ns. undefined: it has none. */
  app_wait: Histogram | undefined;
  /** Attempts that ended because the client's own timeout was over and it hung up. */
  impatient = 0;
  /** Attempts that ended because the client had cancelled its statement. */
  cancelled = 0;
  /** Attempts that ended because no connection of the application's own pool came free in time. */
  expired = 0;
  /** Further attempts, and transactions that the client gave up. */
  retries = 0;
  given_up = 0;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A number that moves up and down, and its time average over a window. Instead of multiplying at each
 * step, the times of the steps are added up with their sign.
 */
export class Level {
  value = 0;
  max = 0;
  private area = START;

  up(now: Nanos): void {
    this.area -= now;
    if (++this.value > this.max) this.max = this.value;
  }

  down(now: Nanos): void {
    this.area += now;
    this.value--;
  }

  /** The window begins. */
  begin(now: Nanos): void {
    this.area = -this.value * now;
    this.max = this.value;
  }

  /** Time average from `begin` to `now`. */
  mean(begin: Nanos, now: Nanos): number {
    return now > begin ? (this.area + this.value * now) / (now - begin) : this.value;
  }
}

/** One row of the course of a run. */
export interface Moment {
  at: Nanos;
  /** For a connection of the application's own pool, where there is one. */
  app_waiting?: number;
  clients_waiting: number;
  servers_active: number;
  server_connections: number;
}

/** Every transaction of the window by itself, for tests, warm-up rules and paired comparisons. */
export interface Trace {
  kind: number[];
  client: number[];
  transaction: number[];
  sent: Nanos[];
  wait: Nanos[];
  response: Nanos[];
}

/** A trace of no transaction yet. */
export const emptyTrace = (): Trace => ({
  kind: [],
  client: [],
  transaction: [],
  sent: [],
  wait: [],
  response: [],
});
