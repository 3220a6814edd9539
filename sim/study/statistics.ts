/**
 * How sure a simulated figure is: warm-up cut, confidence intervals, and when to stop.
 *
 * Consecutive waits are far from independent, so the naive interval of n waits is several times too
 * narrow. Two honest ways are here: independent replications (`confidence`; quantiles in `sections.ts`),
 * which also serve load that changes with time, and batch means of one long run (`batchMeans`). Source for
 * the choice: Law and Kelton, Simulation Modeling and Analysis, chapter 9; Asmussen and Glynn, Stochastic Simulation, III.5.
 */
import { mean, sampleStandardDeviation } from "simple-statistics";

/** An estimate with its two-sided confidence interval, in the unit of the samples. */
export interface Interval {
  mean: number;
  low: number;
  high: number;
  /** Half the width; infinite for fewer than two samples. */
  halfWidth: number;
  /** Independent samples behind it. */
  samples: number;
}

/** Confidence of every interval unless told: 95 %. */
export const CONFIDENCE = 0.95;

/**
 * Quantile of Student's t with a whole number of degrees of freedom, p in (0, 1).
 * Errors: RangeError otherwise. Source: Abramowitz and Stegun 26.7.3 and 26.7.4, inverted by bisection.
 */
export function studentQuantile(p: number, freedom: number): number {
  if (!(p > 0 && p < 1) || !Number.isInteger(freedom) || freedom < 1) {
    throw new RangeError(`studentQuantile(${p}, ${freedom}): needs 0 < p < 1, freedom 1, 2, 3, ..`);
  }
  if (p < 0.5) return -studentQuantile(1 - p, freedom);
  // In theta = atan(t / sqrt(freedom)) the half line is the bounded interval [0, pi/2).
  let low = 0;
  let high = Math.PI / 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (studentWithin(middle, freedom) < 2 * p - 1) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan((low + high) / 2);
}

/** P(|T| < sqrt(freedom) tan(theta)). */
function studentWithin(theta: number, freedom: number): number {
  const cosine = Math.cos(theta);
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < freedom; k += 2) {
    term *= (cosine * cosine * (k - 1)) / k;
    sum += term;
  }
  const area = Math.sin(theta) * sum;
  return odd ? (2 / Math.PI) * (theta + area) : area;
}

/** Interval for the mean of independent samples, at the given level. */
export function confidence(samples: readonly number[], level = CONFIDENCE): Interval {
  return samples.length === 0
    ? around(Number.NaN, [], level)
    : around(mean([...samples]), samples, level);
}

/** Interval for the mean difference b - a of samples drawn in pairs (same seed, another setting). */
export function pairedConfidence(
  a: readonly number[],
  b: readonly number[],
  level = CONFIDENCE,
): Interval {
  if (a.length !== b.length) throw new RangeError(`pairs of ${a.length} and ${b.length} samples`);
  return confidence(
    b.map((value, i) => value - (a[i] as number)),
    level,
  );
}

/** The estimate without any claim about its error. */
export function unbounded(interval: Interval): Interval {
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return { ...interval, low, high, halfWidth: high };
}

function around(centre: number, samples: readonly number[], level: number): Interval {
  const count = samples.length;
  if (count < 2) {
    return unbounded({ mean: centre, low: centre, high: centre, halfWidth: 0, samples: count });
  }
  const { below, above } = margins(
    samples.map((value) => value - centre),
    level,
  );
  return {
    mean: centre,
    low: centre - below,
    high: centre + above,
    halfWidth: (below + above) / 2,
    samples: count,
  };
}

/** How far the truth may lie from an estimate, on either side. */
export interface Margins {
  below: number;
  above: number;
}

/** Longest extension for skewness, in half-widths: of a handful of values it is hardly known. */
const MOST_EXTENSION = 0.6;

/**
 * How far the true mean of independent values may lie below and above theirs, which is 0: Student's
 * half-width, and on the side of the long tail as much more as the first term for skewness asks for.
 * Waits are skewed: a sample that has missed the tail has too small a mean and too small a spread as well,
 * so that Student's interval lies below the truth far more often than above it. The term would shorten
 * the other side by as much; that costs coverage while the skewness is itself an estimate, and is left out.
 * Source: N. J. Johnson, "Modified t tests and confidence intervals for asymmetrical populations", JASA 73
 * (1978); P. Hall, "On the removal of skewness by transformation", J. R. Statist. Soc. B 54 (1992).
 */
export function margins(values: readonly number[], level: number): Margins {
  const count = values.length;
  if (count < 2) return { below: Number.POSITIVE_INFINITY, above: Number.POSITIVE_INFINITY };
  let [squares, cubes] = [0, 0];
  for (const value of values) {
    squares += value * value;
    cubes += value ** 3;
  }
  const deviation = Math.sqrt(squares / (count - 1));
  const error = deviation / Math.sqrt(count);
  const t = studentQuantile((1 + level) / 2, count - 1);
  if (count < 3 || deviation === 0) return { below: t * error, above: t * error };
  const skewness = (cubes * count) / ((count - 1) * (count - 2)) / deviation ** 3;
  const term = (skewness * (1 + 2 * t * t)) / 6 / Math.sqrt(count);
  const extension = Math.min(MOST_EXTENSION * t, Math.abs(term));
  return {
    below: (t + (term < 0 ? extension : 0)) * error,
    above: (t + (term > 0 ? extension : 0)) * error,
  };
}

/** Where a steady state begins. */
export interface WarmUp {
  /** Leading observations to drop. */
  cut: number;
  /** False when the best cut lies in the second half: the run is too short to tell, run longer. */
  trusted: boolean;
}

/**
 * MSER-5: the cut that minimises the squared standard error of what is left, on means of five.
 * Source: White, Cobb and Spratt 2000; judged best of 44 rules by Hoad, Robinson and Davies 2008.
 * The last five means are no candidates: they are too few to have an error.
 */
export function warmUp(observations: ArrayLike<number>): WarmUp {
  const count = Math.floor(observations.length / 5);
  let best = Number.POSITIVE_INFINITY;
  let cut = 0;
  // Welford's sums, from the end towards the start.
  let average = 0;
  let squares = 0;
  for (let at = count - 1, kept = 1; at >= 0; at--, kept++) {
    const value = meanOfFive(observations, at * 5);
    const step = value - average;
    average += step / kept;
    squares += step * (value - average);
    const error = squares / (kept * kept);
    if (kept > 5 && error <= best) {
      best = error;
      cut = at;
    }
  }
  return { cut: cut * 5, trusted: count >= 10 && cut <= count / 2 };
}

function meanOfFive(values: ArrayLike<number>, from: number): number {
  let sum = 0;
  for (let i = from; i < from + 5; i++) sum += values[i] as number;
  return sum / 5;
}

/** Correlation of each value with the one before it; 0 when there is nothing to correlate. */
export function lag1(values: readonly number[]): number {
  if (values.length < 3) return 0;
  const centre = mean([...values]);
  let product = 0;
  let square = 0;
  for (let i = 0; i < values.length; i++) {
    const here = (values[i] as number) - centre;
    square += here * here;
    if (i > 0) product += here * ((values[i - 1] as number) - centre);
  }
  return square === 0 ? 0 : product / square;
}

/** The interval of one run's mean by batch means. */
export interface BatchMeans extends Interval {
  /** Observations in each batch. */
  length: number;
  lag1: number;
  /** False when even the longest batches are correlated: the interval is too narrow, run longer. */
  trusted: boolean;
}

/** Numbers of batches to try, most first. Source: Law and Kelton 9.5.3: 20 to 40. */
const BATCHES = [40, 36, 32, 28, 24, 20] as const;
const LAG1_LIMIT = 0.1;

/**
 * Interval for the mean of one correlated series: batches as short as they can be while their means
 * look uncorrelated (lag 1 below 0.1). Errors: RangeError for fewer than 40 observations.
 */
export function batchMeans(observations: ArrayLike<number>, level = CONFIDENCE): BatchMeans {
  if (observations.length < BATCHES[0]) {
    throw new RangeError(`batchMeans: ${observations.length} observations; needs ${BATCHES[0]}`);
  }
  let answer: BatchMeans | undefined;
  for (const batches of BATCHES) {
    const length = Math.floor(observations.length / batches);
    const means = meansOf(observations, batches, length);
    const correlation = lag1(means);
    const trusted = correlation < LAG1_LIMIT;
    answer = { ...confidence(means, level), length, lag1: correlation, trusted };
    if (trusted) break;
  }
  return answer as BatchMeans;
}

/** Means of the last `batches` runs of `length` observations; the odd ones at the start are left out. */
function meansOf(values: ArrayLike<number>, batches: number, length: number): number[] {
  const start = values.length - batches * length;
  return Array.from({ length: batches }, (_, batch) => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += values[start + batch * length + i] as number;
    return sum / length;
  });
}

/**
 * Whether an estimate is as precise as asked: half-width at most `relative` of the true value, or at
 * most `floor` (a difference nobody cares about; without it a wait of zero is never precise). The
 * estimate is not the true value, hence r / (1 + r). Source: Law and Kelton 9.4.1. `part`: of what is
 * allowed, no more than this part.
 */
export function precise(interval: Interval, relative: number, floor = 0, part = 1): boolean {
  const allowed = (Math.abs(interval.mean) * relative) / (1 + relative);
  return interval.halfWidth <= part * Math.max(allowed, floor);
}

/** Number of replications at which a study looks first whether it has enough. */
export const LEAST_REPLICATIONS = 10;
/** Number from which on an interval is believed that is just narrow enough. */
const BELIEVED = 20;

/**
 * Number of replications at which to look next: twice as many. Few looks keep the rule from stopping at
 * the first lucky moment.
 */
export function nextLook(done: number): number {
  return Math.max(LEAST_REPLICATIONS, 2 * done);
}

/**
 * Part of the half-width that is asked for which a look after `done` replications must find: all of it from
 * twenty on, a third before. Stopping when the interval is narrow enough favours samples that came out
 * narrow by luck, and of skewed data these have too small a mean as well: of replications with skewness 2
 * 95 % intervals cover 92 % of the time where ten may be enough, and 94 % so. What is three times as precise
 * as asked after ten is so by more than luck, and stops there. Sources: Y. S. Chow and H. Robbins, "On the
 * asymptotic theory of fixed-width sequential confidence intervals", Ann. Math. Statist. 36 (1965); D. I.
 * Singham and L. W. Schruben, "Finite-sample performance of absolute precision stopping rules", INFORMS
 * J. on Computing 24 (2012): intervals that are stopped at early cover less than they say.
 */
export function allowedPart(done: number): number {
  return done < BELIEVED ? 1 / 3 : 1;
}

/** Looks of a study that decides about an objective before it is believed, and how much wider than 95 % each is. */
const EARLY_LOOKS = [
  { before: LEAST_REPLICATIONS, width: 4.06 },
  { before: BELIEVED, width: 1.44 },
] as const;

/**
 * How many times as wide as a 95 % interval one must be that decides after `done` replications: 99.9 % at
 * the first look (Student's t with three degrees of freedom: 12.92 over 3.18), 99 % at ten (nine degrees:
 * 3.25 over 2.26), 95 % from twenty on. Who looks several times is wrong more often than one look is, and
 * with few replications an interval is often narrow by luck. Source of the rule that early looks ask for
 * more: P. C. O'Brien, T. R. Fleming, "A multiple testing procedure for clinical trials", Biometrics 35 (1979).
 */
export function decisionWidth(done: number): number {
  return EARLY_LOOKS.find(({ before }) => done < before)?.width ?? 1;
}

/** Standard deviation over mean, of independent samples: the noise from run to run. */
export function variation(samples: readonly number[]): number {
  const centre = samples.length > 0 ? mean([...samples]) : 0;
  return samples.length < 2 || centre === 0 ? 0 : sampleStandardDeviation([...samples]) / centre;
}
