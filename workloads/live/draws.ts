/**
 * The random decisions of a workload's clients: the same as in the simulator, because every draw is
 * named by seed, kind, purpose, client and place, and by nothing that happens in a run.
 */
import type { Nanos } from "../../engine/core/units.ts";
import { type Sampler, sampler } from "../../sim/kernel/distributions.ts";
import { Stream } from "../../sim/kernel/streams.ts";
import type { ClientKind } from "../schema/workload.ts";

/** Draws of one client; `transaction` and `session` count from 0 over the client's whole life. */
export class ClientDraws {
  /** Index of the kind in the workload. */
  readonly kind: number;
  /** Number within the kind. */
  readonly client: number;
  private readonly source: KindDraws;

  constructor(source: KindDraws, client: number) {
    this.source = source;
    this.kind = source.index;
    this.client = client;
  }

  get kindName(): string {
    return this.source.name;
  }

  /** Whether it leaves for good after one session, having arrived from outside. */
  get once(): boolean {
    return this.source.open;
  }

  /** Pause before `transaction`. */
  think(transaction: number): Nanos {
    return this.source.think.draw(this.client, transaction, 0);
  }

  /** Number of its statements, at least one. */
  statements(transaction: number): number {
    return Math.max(1, this.source.statements.draw(this.client, transaction, 0));
  }

  service(transaction: number, statement: number): Nanos {
    return this.source.service.draw(this.client, transaction, statement);
  }

  /** Pause after `statement`. */
  gap(transaction: number, statement: number): Nanos {
    return this.source.gap.draw(this.client, transaction, statement);
  }

  /** Transactions in `session`; infinite for ever. */
  transactions(session: number): number {
    return this.source.transactions?.draw(this.client, session, 0) ?? Number.POSITIVE_INFINITY;
  }

  /** After how long `session` ends with its current transaction; infinite for never. */
  duration(session: number): Nanos {
    return this.source.duration?.draw(this.client, session, 0) ?? Number.POSITIVE_INFINITY;
  }

  /** Pause after `session`. */
  away(session: number): Nanos {
    return this.source.away.draw(this.client, session, 0);
  }
}

/** Draws of one kind of clients. */
export class KindDraws {
  readonly index: number;
  readonly name: string;
  /** Clients that are there all the time. */
  readonly count: number;
  /** Whether clients arrive from outside. */
  readonly open: boolean;
  readonly think: Sampler;
  readonly statements: Sampler;
  readonly service: Sampler;
  readonly gap: Sampler;
  readonly transactions: Sampler | undefined;
  readonly duration: Sampler | undefined;
  readonly away: Sampler;
  private readonly arrivals: Sampler | undefined;

  constructor(seed: number, kind: ClientKind, index: number) {
    const stream = (purpose: string): Stream => new Stream(seed, kind.name, purpose);
    const { session, transaction, arrivals } = kind;
    this.index = index;
    this.name = kind.name;
    this.count = kind.count ?? 0;
    this.open = arrivals !== undefined;
    this.think = sampler(kind.think, stream("think"));
    this.statements = sampler(transaction.statements, stream("statements"));
    this.service = sampler(transaction.service, stream("service"));
    this.gap = sampler(transaction.gap, stream("gap"));
    if (session.transactions !== "forever")
      this.transactions = sampler(session.transactions, stream("session"));
    if (session.duration !== undefined)
      this.duration = sampler(session.duration, stream("duration"));
    this.away = sampler(session.away, stream("away"));
    if (arrivals !== undefined) this.arrivals = sampler(arrivals.gap, stream("arrival"));
  }

  client(number: number): ClientDraws {
    return new ClientDraws(this, number);
  }

  /** Pause before the arrival of client `number`. */
  arrivalGap(number: number): Nanos {
    return this.arrivals?.draw(0, number, 0) ?? Number.POSITIVE_INFINITY;
  }
}
