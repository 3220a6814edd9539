/**
 * M/M/c with waiters who give up, as `query_wait_timeout` makes them: after a fixed time (M/M/c+D) or
 * after an exponential one (M/M/c+M). Exact in textbook time; PgBouncer looks at the clock only every
 * third of a second, so its real patience is up to 333 ms longer.
 */
import { erlangB, type OpenPool } from "./exponential.ts";
import { demand, quantileOf, type WaitLaw } from "./law.ts";

/** How long a request waits before it gives up: always the same, or exponential with this mean. */
export type Patience = { constant: number } | { exponential: number };

/** Poisson arrivals at a pool that are not served in time go away. */
export interface ImpatientPool extends OpenPool {
  patience: Patience;
}

/** `mean`, `tail`, `quantile`: time in the queue of all requests, whether served or given up. */
export interface ImpatientLaw extends WaitLaw {
  /** Share of the requests that give up. */
  abandoned: number;
  /** The same figures for the requests that are served, as PgBouncer counts them. */
  served: Pick<WaitLaw, "mean" | "tail" | "quantile">;
}

/**
 * M/M/c+G for constant and exponential patience G; every load has a steady state. The wait V offered
 * to an arrival has the density v(x) = lambda p(c-1) exp(lambda H(x) - c mu x), where H is the integral
 * of the patience's survival function S; it gives up with probability 1 - S(V).
 * Source: F. Baccelli and G. Hebuterne, "On queues with impatient customers", 1981; S. Zeltyn and
 * A. Mandelbaum, Queueing Systems 51 (2005). The integrals are Simpson's, good to about 1e-10.
 */
export function impatientPool({ rate, service, servers, patience }: ImpatientPool): ImpatientLaw {
  const limit = "constant" in patience ? patience.constant : patience.exponential;
  demand("impatientPool", {
    "rate, service and patience must be positive": rate > 0 && service > 0 && limit > 0,
    "servers must be a natural number": Number.isInteger(servers) && servers >= 1,
  });
  const will = willToWait(patience);
  const offered = offeredWait(will, rate, servers / service, erlangB(servers - 1, rate * service));
  const abandoned = offered((x) => 1 - will.survival(x), 0);
  const share = 1 - abandoned;
  const tail = (time: number): number => will.survival(time) * offered(() => 1, time);
  const servedTail = (time: number): number => offered(will.survival, time) / share;
  return {
    probability: offered(() => 1, 0),
    mean: offered(will.total, 0),
    abandoned,
    utilization: (rate * share * service) / servers,
    throughput: rate * share,
    tail,
    quantile: (p) => quantileOf(tail, service, p),
    served: {
      mean: offered((x) => x * will.survival(x), 0) / share,
      tail: servedTail,
      quantile: (p) => quantileOf(servedTail, service, p),
    },
  };
}

/** A patience as functions of the time waited. */
interface Will {
  /** S(x): share still willing to wait after x. */
  survival(time: number): number;
  /** H(x): integral of S from 0 to x. */
  total(time: number): number;
  /** Where S jumps; integrals are split there. */
  jump: number;
  /** Where lambda S falls below `drain`, which is where the offered wait is most likely. */
  peak(rate: number, drain: number): number;
}

function willToWait(patience: Patience): Will {
  if ("constant" in patience) {
    const end = patience.constant;
    return {
      survival: (time) => (time < end ? 1 : 0),
      total: (time) => Math.min(time, end),
      jump: end,
      peak: (rate, drain) => (rate > drain ? end : 0),
    };
  }
  const mean = patience.exponential;
  return {
    survival: (time) => Math.exp(-time / mean),
    total: (time) => -mean * Math.expm1(-time / mean),
    jump: Number.POSITIVE_INFINITY,
    peak: (rate, drain) => Math.max(0, mean * Math.log(rate / drain)),
  };
}

/** The integral of weight(x) v(x) over x > from. */
type Offered = (weight: (x: number) => number, from: number) => number;

/** `idleOdds` is B(c-1, a) = p(c-1) / (p(0) + .. + p(c-1)), which norms the density. */
function offeredWait(will: Will, rate: number, drain: number, idleOdds: number): Offered {
  const exponent = (x: number): number => rate * will.total(x) - drain * x;
  const peak = will.peak(rate, drain);
  const top = exponent(peak);
  // Below exp(-50) of the peak the density adds nothing; the exponent is concave, so one cut each side.
  const faint = (x: number): boolean => exponent(x) < top - 50;
  let high = Math.max(peak, 1 / drain) * 2;
  while (!faint(high)) high *= 2;
  const right = cut(faint, high, peak);
  const left = faint(0) ? cut(faint, 0, peak) : 0;
  const density = (x: number): number => Math.exp(exponent(x) - top);
  const raw: Offered = (weight, from) => {
    const start = Math.max(left, from);
    const middle = Math.min(Math.max(start, will.jump), right);
    const value = (x: number): number => weight(x) * density(x);
    // Just before the jump the weight has its left-hand value.
    const before = (x: number): number => (x < middle ? value(x) : value(middle * (1 - 1e-15)));
    return (start < middle ? simpson(before, start, middle) : 0) + simpson(value, middle, right);
  };
  // Normed by p(0..c-1) + integral of v = 1, both in units of lambda p(c-1) exp(top).
  const whole = Math.exp(-top) / (idleOdds * rate) + raw(() => 1, 0);
  return (weight, from) => (from >= right ? 0 : raw(weight, from) / whole);
}

/** Where `faint` changes between `out` (true) and `inside` (false); the outer side of it. */
function cut(faint: (x: number) => boolean, out: number, inside: number): number {
  let [outer, inner] = [out, inside];
  for (let round = 0; round < 50; round++) {
    const middle = (outer + inner) / 2;
    if (faint(middle)) outer = middle;
    else inner = middle;
  }
  return outer;
}

function simpson(value: (x: number) => number, from: number, to: number): number {
  const panels = 2048;
  const width = (to - from) / panels;
  let sum = value(from) + value(to);
  for (let i = 1; i < panels; i++) sum += (i % 2 === 0 ? 2 : 4) * value(from + i * width);
  return (sum * width) / 3;
}
