/**
 * What the clients of one kind draw, and under which names. The simulator and the live driver both draw
 * here and nowhere else: that is why a live run and its prediction are about the very same transactions.
 */
import { type DistributionSpec, type Sampler, sampler } from "../../sim/kernel/distributions.ts";
import { Stream } from "../../sim/kernel/streams.ts";
import type { ClientKind } from "./workload.ts";

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
}

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
  };
}
