/**
 * GI/M/c: independent gaps of any law between the arrivals, exponential service. Times in milliseconds,
 * or any unit.
 */
import { demand, type WaitLaw } from "../analytic/law.ts";

/** A law of gaps by its mean and its Laplace-Stieltjes transform E(exp(-s gap)). */
export interface Gaps {
  mean: number;
  transform(s: number): number;
}

export const regularGaps = (mean: number): Gaps => ({
  mean,
  transform: (s) => Math.exp(-s * mean),
});

/** Sums of `k` equal exponential phases. */
export const erlangGaps = (mean: number, k: number): Gaps => ({
  mean,
  transform: (s) => (1 + (s * mean) / k) ** -k,
});

/** Exponential with one of several means. */
export function mixedGaps(means: readonly number[], weights: readonly number[]): Gaps {
  const sum = (value: (mean: number) => number): number =>
    means.reduce((total, mean, i) => total + (weights[i] as number) * value(mean), 0);
  return { mean: sum((mean) => mean), transform: (s) => sum((mean) => 1 / (1 + s * mean)) };
}

/**
 * The exact law of the wait in GI/M/c: none, or else exponential with rate (1 - sigma) c / service, where
 * sigma = A*((1 - sigma) c / service). Errors: RangeError when the load reaches the number of servers, and where
 * (1 - sigma) c is a whole number below c, at which the formula divides by nothing.
 * Source: L. Takacs, Introduction to the Theory of Queues, 1962, chapter 2, theorem 3; Gross, Shortle,
 * Thompson and Harris, Fundamentals of Queueing Theory, 5.3.2.
 */
export function generalArrivals(gaps: Gaps, service: number, servers: number): WaitLaw {
  const utilization = service / gaps.mean / servers;
  demand("generalArrivals", { "load must be below the number of servers": utilization < 1 });
  const drain = servers / service;
  const sigma = fixedPoint((x) => gaps.transform(drain * (1 - x)));
  const probability = takacs(gaps, service, servers, sigma) / (1 - sigma);
  const rate = drain * (1 - sigma);
  return {
    probability,
    mean: probability / rate,
    utilization,
    throughput: 1 / gaps.mean,
    tail: (time) => probability * Math.exp(-rate * time),
    quantile: (p) => Math.max(0, Math.log(probability / (1 - p)) / rate),
  };
}

/** The root in (0, 1) of x = f(x), which is convex with a second root at 1: bisection between. */
function fixedPoint(f: (x: number) => number): number {
  let [low, high] = [0, 1];
  for (let round = 0; round < 200; round++) {
    const middle = (low + high) / 2;
    if (f(middle) > middle) low = middle;
    else high = middle;
  }
  return low;
}

/** Takacs's constant A: the share that waits, times (1 - sigma). */
function takacs(gaps: Gaps, service: number, servers: number, sigma: number): number {
  let sum = 1 / (1 - sigma);
  let odds = 1;
  let choices = 1;
  for (let j = 1; j <= servers; j++) {
    const alpha = gaps.transform(j / service);
    odds *= alpha / (1 - alpha);
    choices *= (servers - j + 1) / j;
    const gap = servers * (1 - sigma) - j;
    demand("generalArrivals", { "(1 - sigma) c must not be whole": Math.abs(gap) > 1e-7 });
    const ratio = (servers * (1 - alpha) - j) / gap;
    sum += (choices / (odds * (1 - alpha))) * ratio;
  }
  return 1 / sum;
}
