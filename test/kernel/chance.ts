/**
 * Tests of randomness that state how often they may err. All seeds are fixed, so a test that passes once
 * passes for ever; `ALPHA` is the chance that it would have failed a perfect generator.
 */

/** Chance of a false alarm of one comparison. Some hundred comparisons are made in all. */
const ALPHA = 1e-6;
/** Two-sided normal quantile of ALPHA. */
export const Z = 4.892;

/**
 * Largest distance of the empirical distribution function of `sample` from `law`, over what ALPHA
 * allows; above 1 it is refused. `law` is continuous. Bound: P(D > e) <= 2 exp(-2 n e^2) for any n
 * (P. Massart, Annals of Probability 18, 1990).
 */
export function distance(sample: readonly number[], law: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  const count = sorted.length;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const x = sorted[i] as number;
    const share = law(x);
    // The empirical function steps at the first of equal values to what it is after the last.
    if (sorted[i + 1] !== x) most = Math.max(most, Math.abs((i + 1) / count - share));
    if (sorted[i - 1] !== x) most = Math.max(most, Math.abs(i / count - share));
  }
  return most / Math.sqrt(Math.log(2 / ALPHA) / (2 * count));
}

/**
 * Pearson's statistic of `counts` against equal shares, over its quantile at ALPHA (one-sided); above 1
 * it is refused. Quantile: E. Wilson, M. Hilferty, PNAS 17, 1931.
 */
export function unevenness(counts: ArrayLike<number>): number {
  const cells = counts.length;
  const total = Array.from(counts).reduce((sum, count) => sum + count, 0);
  const expected = total / cells;
  const statistic = Array.from(counts).reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  const spread = 2 / (9 * (cells - 1));
  return statistic / ((cells - 1) * (1 - spread + 4.754 * Math.sqrt(spread)) ** 3);
}

/** Correlation of two samples in units of what ALPHA allows: above 1 it is refused. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const [centreA, centreB] = [average(a), average(b)];
  let [product, squareA, squareB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const x = (a[i] as number) - centreA;
    const y = (b[i] as number) - centreB;
    product += x * y;
    squareA += x * x;
    squareB += y * y;
  }
  return (Math.abs(product / Math.sqrt(squareA * squareB)) * Math.sqrt(a.length)) / Z;
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Mean and standard deviation with their standard errors, the latter by the fourth moment. */
export function moments(values: readonly number[]) {
  const count = values.length;
  const mean = average(values);
  let [second, fourth] = [0, 0];
  for (const value of values) {
    const square = (value - mean) ** 2;
    second += square / count;
    fourth += (square * square) / count;
  }
  const deviation = Math.sqrt(second);
  const deviationError = Math.sqrt(Math.max(0, fourth - second ** 2) / count) / (2 * deviation);
  return { mean, meanError: deviation / Math.sqrt(count), deviation, deviationError };
}
