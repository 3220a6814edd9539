/** How far a simulated figure is from an exact one, in standard errors, and whether all of them together
 * are as far as chance would have them.
 */
import { normalTail } from "./general-service.ts";

/**
 * The z of a ratio estimate against its exact value, from independent replications' sums and counts:
 * Student's t, freed from the skewness of tails (Hall's cubic, which only ever grows) and turned to the
 * normal variable of the same probability. 0 when nothing varies and the value is met. Sources: Law and
 * Kelton 9.5 (ratio estimator); P. Hall, "On the removal of skewness by transformation", J. R. Statist.
 * Soc. B 54 (1992); D. L. Wallace, "Bounds on normal approximations to Student's and the chi-square
 * distributions", Ann. Math. Statist. 30 (1959), good to 0.01 from four degrees of freedom on.
 */
export function standardErrors(
  pairs: readonly (readonly [sum: number, count: number])[],
  exact: number,
): number {
  const [sum, count] = pairs.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  const ratio = sum / count;
  const size = pairs.length;
  const off = pairs.map(([x, y]) => x - ratio * y);
  const spread = Math.sqrt(off.reduce((total, x) => total + x * x, 0) / (size - 1));
  if (spread === 0) return ratio === exact ? 0 : Math.sign(ratio - exact) * BEYOND;
  const skewness = off.reduce((total, x) => total + (x / spread) ** 3, 0) / size;
  const t = ((ratio - exact) * count) / (spread * Math.sqrt(size));
  return toNormal(hall(t, skewness / Math.sqrt(size)), size - 1);
}

/** Stands for a distance that has no measure, because nothing varies. */
const BEYOND = 99;

/** `skew`: the samples' skewness over the root of their number. */
function hall(t: number, skew: number): number {
  return t + (skew * t * t) / 3 + (skew * skew * t ** 3) / 27 + skew / 6;
}

function toNormal(t: number, freedom: number): number {
  const scale = (8 * freedom + 1) / (8 * freedom + 3);
  return Math.sign(t) * scale * Math.sqrt(freedom * Math.log1p((t * t) / freedom));
}

/** Whether values look like a standard normal sample. */
export interface Normality {
  count: number;
  mean: number;
  deviation: number;
  /** Anderson and Darling's statistic, and the chance that it comes out larger. */
  statistic: number;
  chance: number;
}

/**
 * Anderson and Darling's test against the standard normal law. Values must be independent.
 * Source: T. Anderson, D. Darling 1952; its limiting law by G. and J. Marsaglia, "Evaluating the
 * Anderson-Darling distribution", J. Statistical Software 9 (2), 2004.
 */
export function normality(values: readonly number[]): Normality {
  const sorted = [...values].sort((a, b) => a - b);
  const count = sorted.length;
  const least = 1e-300;
  let sum = 0;
  sorted.forEach((z, i) => {
    const other = sorted[count - 1 - i] as number;
    const logs =
      Math.log(Math.max(least, normalTail(-z))) + Math.log(Math.max(least, normalTail(other)));
    sum += (2 * i + 1) * logs;
  });
  const statistic = -count - sum / count;
  const mean = values.reduce((total, z) => total + z, 0) / count;
  const squares = values.reduce((total, z) => total + (z - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (count - 1));
  return { count, mean, deviation, statistic, chance: 1 - limitLaw(statistic) };
}

function limitLaw(x: number): number {
  const powers = (factors: readonly number[]): number =>
    factors.reduceRight((total, factor) => total * x + factor, 0);
  if (x <= 0) return 0;
  if (x < 2) {
    const near = [2.00012, 0.247105, -0.0649821, 0.0347962, -0.011672, 0.00168691];
    return (Math.exp(-1.2337141 / x) / Math.sqrt(x)) * powers(near);
  }
  const far = [1.0776, -2.30695, 0.43424, -0.082433, 0.008056, -0.0003146];
  return Math.exp(-Math.exp(powers(far)));
}
