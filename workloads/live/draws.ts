/**
 * A client's view of its random decisions. They are drawn where the simulator draws them
 * (workloads/schema/draws.ts), under the same numbers, so that both play the same transactions.
 */
import type { Nanos } from "../../engine/core/units.ts";
import { type KindDraws, kindDraws, retryPause } from "../schema/draws.ts";
import type { AppPool, ClientKind, RetryModel, Work } from "../schema/workload.ts";

/** A kind of clients. */
export class Kind {
  /** Its place in the workload. */
  readonly index: number;
  readonly name: string;
  /** Clients that are there all the time. */
  readonly count: number;
  /** Whether clients arrive from outside, each for one session. */
  readonly open: boolean;
  readonly draws: KindDraws;
  readonly work: Work;
  /** How long its clients wait for a transaction; undefined: as long as it takes. */
  readonly timeout: Nanos | undefined;
  /** They cancel their statement then and keep their connection. */
  readonly cancels: boolean;
  readonly retry: RetryModel | undefined;
  /** The pool that each instance of its application has. */
  readonly app_pool: AppPool | undefined;
  /** Clients there have been so far. */
  joined: number;

  constructor(seed: number, kind: ClientKind, index: number) {
    this.index = index;
    this.name = kind.name;
    this.count = kind.count ?? 0;
    this.open = kind.arrivals !== undefined;
    this.draws = kindDraws(kind, seed);
    this.work = kind.transaction.work ?? "sleep";
    this.timeout = kind.timeout;
    this.cancels = kind.cancels ?? false;
    this.retry = kind.retry;
    this.app_pool = kind.app_pool;
    this.joined = this.count;
  }

  /** Pause before the arrival of client `number`. */
  arrivalGap(number: number): Nanos {
    return this.draws.arrivals.draw(0, number, 0);
  }
}

/** Draws of one client; `transaction` and `session` count from 0 over the client's whole life. */
export class ClientDraws {
  readonly kind: Kind;
  /** The client's number within its kind. */
  readonly client: number;

  constructor(kind: Kind, client: number) {
    this.kind = kind;
    this.client = client;
  }

  /** Pause before `transaction`. */
  think(transaction: number): Nanos {
    return this.kind.draws.think.draw(this.client, transaction, 0);
  }

  /** Number of its statements, at least one. */
  statements(transaction: number): number {
    return Math.max(1, this.kind.draws.statements.draw(this.client, transaction, 0));
  }

  /** `later`: how many statements follow; like the simulator, parts are counted down. */
  service(transaction: number, later: number): Nanos {
    return this.kind.draws.service.draw(this.client, transaction, later);
  }

  /** The name of the prepared statement that it is; undefined: it is a simple query. */
  prepared(transaction: number, later: number): string | undefined {
    const which = this.kind.draws.prepared?.draw(this.client, transaction, later);
    return which === undefined ? undefined : `kind_${this.kind.index}_${which}`;
  }

  /** Pause after a statement that `later` others follow. */
  gap(transaction: number, later: number): Nanos {
    return this.kind.draws.gap.draw(this.client, transaction, later);
  }

  /** Pause after an attempt at `transaction` before which `failed` have failed; -1: it was the last. */
  retryPause(transaction: number, failed: number): Nanos {
    return retryPause(this.kind.retry, this.kind.draws, this.client, transaction, failed);
  }

  /** Transactions in `session`; infinite for ever. */
  transactions(session: number): number {
    return this.kind.draws.transactions?.draw(this.client, session, 0) ?? Number.POSITIVE_INFINITY;
  }

  /** After how long `session` ends with its current transaction; infinite for never. */
  duration(session: number): Nanos {
    return this.kind.draws.duration?.draw(this.client, session, 0) ?? Number.POSITIVE_INFINITY;
  }

  /** Pause after `session`, or after the login that it failed with. */
  away(session: number): Nanos {
    return this.kind.draws.away.draw(this.client, session, 0);
  }
}
