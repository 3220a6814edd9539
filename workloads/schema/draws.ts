/**
 * What the clients of one kind draw, and under which names. The simulator and the live driver both draw
 * here and nowhere else: that is why a live run and its prediction are about the very same transactions.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { type DistributionSpec, type Sampler, sampler } from "../../sim/kernel/distributions.ts";
import { Stream } from "../../sim/kernel/streams.ts";
import type { ClientKind, RetryModel } from "./workload.ts";

/** A distribution that is never drawn from. */
const NOTHING: DistributionSpec = { kind: "constant", value: 0 };

/** `draw(client, n, part)`: the client's number within its kind; which draw; which statement of it. */
export interface KindDraws {
  /** Before transaction `n` of the client. */
  think: Sampler;
  /** Statements of transaction `n`; take at least one. */
  statements: Sampler;
  /** Of statement `part` of transaction `n`. */
  service: Sampler;
  /** After statement `part` of transaction `n`. */
  gap: Sampler;
  /** Transactions of session `n`; a session that never ends by count has none to draw. */
  transactions: Sampler | undefined;
  /** Length of session `n`. */
  duration: Sampler | undefined;
  /** After session `n`. */
  away: Sampler;
  /** Open kinds: between arrival `n` and the next; the client is 0. */
  arrivals: Sampler;
  /** After attempt `part` of transaction `n` that failed: whole numbers up to `JITTER_RANGE`. */
  jitter: Sampler;
  /** Which of its prepared statements statement `part` of transaction `n` is, from 0; undefined: it has none. */
  prepared: Choice | undefined;
}

/** One of `count`, each as often as the others. */
export class Choice {
  private readonly stream: Stream;
  private readonly count: number;

  constructor(stream: Stream, count: number) {
    this.stream = stream;
    this.count = count;
  }

  /** A whole number from 0 to `count` - 1. */
  draw(client: number, n: number, part: number): number {
    return Math.floor(this.stream.uniform(client, n, part) * this.count);
  }
}

/** The jitter's sampler draws whole numbers: from 0 to this. */
const JITTER_RANGE = 1e6;

/** The draws of one kind of clients under a seed. */
export function kindDraws(kind: ClientKind, seed: number): KindDraws {
  const draw = (purpose: string, spec: DistributionSpec): Sampler =>
    sampler(spec, new Stream(seed, kind.name, purpose));
  const { session, transaction } = kind;
  return {
    think: draw("think", kind.think),
    statements: draw("statements", transaction.statements),
    service: draw("service", transaction.service),
    gap: draw("gap", transaction.gap),
    transactions:
      session.transactions === "forever" ? undefined : draw("transactions", session.transactions),
    duration: session.duration === undefined ? undefined : draw("duration", session.duration),
    away: draw("away", session.away),
    arrivals: draw("arrivals", kind.arrivals?.gap ?? NOTHING),
    jitter: draw("jitter", { kind: "uniform", min: 0, max: JITTER_RANGE }),
    prepared:
      kind.prepared &&
      new Choice(new Stream(seed, kind.name, "prepared"), kind.prepared.statements),
  };
}

/**
 * Pause after an attempt at transaction `n` of `client` that failed, as `failed` did before it; -1: that was
 * the last one.
 */
export function retryPause(
  retry: RetryModel | undefined,
  { jitter }: Pick<KindDraws, "jitter">,
  client: number,
  n: number,
  failed: number,
): Nanos {
  if (retry === undefined || failed >= retry.attempts) return -1;
  const less = (retry.jitter * jitter.draw(client, n, failed)) / JITTER_RANGE;
  return Math.round(retry.backoff * retry.factor ** failed * (1 - less));
}
