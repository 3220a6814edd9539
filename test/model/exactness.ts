/** Simulated figures against exact ones, with a stated chance of a false alarm. */
import { expect } from "vitest";
import { confidence } from "../../sim/study/statistics.ts";

const LEVEL = 1 - 1e-5;

/** One figure of all runs. */
export function samplesOf<T>(runs: readonly T[], figure: (each: T) => number): number[] {
  return runs.map(figure);
}

/** The mean of the samples is the exact value; chance of a false alarm 1e-5. */
export function holds(name: string, samples: readonly number[], exact: number): void {
  const { mean, halfWidth } = confidence(samples, LEVEL);
  expect(Math.abs(mean - exact), `${name}: ${mean} for ${exact}`).toBeLessThanOrEqual(halfWidth);
}

/** The counts that a binomial variable leaves with a chance of at most `alpha`, half on each side. */
export function binomialBounds(count: number, p: number, alpha: number): readonly [number, number] {
  let term = (1 - p) ** count;
  let sum = term;
  let low = 0;
  for (let k = 0; ; k++) {
    if (sum < alpha / 2) low = k + 1;
    if (sum > 1 - alpha / 2) return [low, k];
    term *= ((count - k) / (k + 1)) * (p / (1 - p));
    sum += term;
  }
}
