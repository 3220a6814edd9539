/**
 * What every exact queueing formula of `index.ts` answers with, and the numerical tools they share.
 * Times are in any unit, so long as rates are in its inverse; answers come back in the same unit.
 */

/** The law of the wait of one request in steady state, first come, first served. */
export interface WaitLaw {
  /** Probability that a request waits at all. */
  probability: number;
  /** Mean wait over all requests, those that do not wait included. */
  mean: number;
  /** Share of the servers that is busy, 0 to 1. */
  utilization: number;
  /** Requests served per unit of time. */
  throughput: number;
  /** Probability of waiting longer than `time`. */
  tail(time: number): number;
  /** Smallest time that at least the share `p` of all requests does not exceed; p is in [0, 1). */
  quantile(p: number): number;
}

/** Throws a RangeError that names the first parameter for which `valid` is false. */
export function demand(formula: string, checks: Readonly<Record<string, boolean>>): void {
  for (const [what, valid] of Object.entries(checks)) {
    if (!valid) throw new RangeError(`${formula}: ${what}`);
  }
}

/**
 * Quantile of a law given by its tail, by bisection to a relative width of 1e-12. `scale` is a time
 * of the right order, such as the mean service time. Zero when the share `p` does not wait.
 */
export function quantileOf(tail: (time: number) => number, scale: number, p: number): number {
  demand("quantile", { "p must be in [0, 1)": p >= 0 && p < 1 });
  const rest = 1 - p;
  if (tail(0) <= rest) return 0;
  let high = scale;
  while (tail(high) > rest) high *= 2;
  let low = 0;
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (tail(middle) > rest) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Probabilities of a Poisson variable between `from` and `from + weights.length - 1`. */
export interface PoissonWindow {
  from: number;
  weights: Float64Array;
}

/**
 * The Poisson probabilities with this mean, except outside values of less than 1e-17 in all. They are
 * built outwards from the mode and then normed, which neither overflows nor needs a gamma function.
 */
export function poissonWindow(mean: number): PoissonWindow {
  const reach = Math.ceil(9.5 * Math.sqrt(mean) + 30);
  const mode = Math.floor(mean);
  const from = Math.max(0, mode - reach);
  const weights = new Float64Array(mode + reach - from + 1);
  const middle = mode - from;
  weights[middle] = 1;
  let total = 1;
  for (let k = mode, w = 1; k > from; k--) {
    w *= k / mean;
    weights[k - 1 - from] = w;
    total += w;
  }
  for (let k = mode + 1, w = 1; k <= mode + reach; k++) {
    w *= mean / k;
    weights[k - from] = w;
    total += w;
  }
  for (let i = 0; i < weights.length; i++) weights[i] = (weights[i] as number) / total;
  return { from, weights };
}
