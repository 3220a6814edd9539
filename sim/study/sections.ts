/**
 * Independent sections of one sample: how far they bear out a quantile or a ratio of all the data.
 * A section is a replication; its own quantile is biased, and the more so the shorter it is, so that
 * only what it adds to the estimate from all data is looked at.
 */
import type { Histogram, Place } from "../kernel/histogram.ts";
import { type Interval, margins, unbounded } from "./statistics.ts";

/** An interval, and the section's estimates of which it is made: their mean is the estimate. */
export interface Estimate {
  interval: Interval;
  /** One for each section; equal indices of two configurations with the same seed are a pair. */
  values: number[];
}

/** A ratio of sums, such as a mean. Source: Law and Kelton 9.5, the ratio estimator linearised. */
export function ratioEstimate(
  pairs: readonly (readonly [sum: number, count: number])[],
  level: number,
): Estimate {
  const count = pairs.reduce((total, [, each]) => total + each, 0);
  const ratio = count === 0 ? 0 : pairs.reduce((total, [sum]) => total + sum, 0) / count;
  const each = count / pairs.length;
  const values = pairs.map(([sum, own]) => (each === 0 ? 0 : ratio + (sum - ratio * own) / each));
  const { below, above } = margins(
    values.map((value) => value - ratio),
    level,
  );
  const halfWidth = (below + above) / 2;
  const interval = { mean: ratio, low: ratio - below, high: ratio + above, halfWidth };
  return { interval: { ...interval, samples: pairs.length }, values };
}

/** Fewest values before a quantile is believed: a hundred beyond it. Source: simulation practice. */
export function leastCount(p: number): number {
  return Math.round(100 / (1 - p));
}

/**
 * The quantile `p` of `all`, which the sections make up together. The interval is that of the share of
 * values beyond it, read off the same distribution; so it is longer on the side of the tail. Unbounded
 * while there are fewer than 100 values beyond. Source: R. S. Woodruff, "Confidence intervals for
 * medians and other position measures", JASA 47 (1952).
 */
export function quantileEstimate(
  all: Histogram,
  sections: readonly Section[],
  p: number,
  level: number,
): Estimate {
  const mean = all.quantile(p);
  const samples = sections.length;
  if (all.count < leastCount(p) || samples < 2) {
    const interval = unbounded({ mean, low: mean, high: mean, halfWidth: 0, samples });
    return { interval, values: sections.map(() => mean) };
  }
  const place = all.locate(p);
  const surplus = sections.map((each) => each.beyond(place) - (1 - p) * each.count);
  const { below, above } = margins(surplus, level);
  const less = (below * samples) / all.count;
  const more = (above * samples) / all.count;
  const share = (less + more) / 2;
  // The estimate is a bucket's middle, the limits are not; it lies between them all the same.
  const low = Math.min(mean, all.interpolate(Math.max(0, p - less)));
  const high = p + more < 1 ? Math.max(mean, all.interpolate(p + more)) : Number.POSITIVE_INFINITY;
  const half = (high - low) / 2;
  const slope = share === 0 || half === Number.POSITIVE_INFINITY ? 0 : half / share;
  const values = surplus.map((each) => mean + (slope * each * samples) / all.count);
  return { interval: { mean, low, high, halfWidth: half, samples }, values };
}

/** A histogram reduced to what its quantiles need. */
export class Section {
  readonly count: number;
  /** Buckets with values, from the highest down, and how many values each and those above it have. */
  private readonly buckets: Int16Array;
  private readonly above: Float64Array;

  constructor(histogram: Histogram) {
    const buckets: number[] = [];
    const above: number[] = [];
    let sum = 0;
    histogram.descend((bucket, count) => {
      buckets.push(bucket);
      sum += count;
      above.push(sum);
    });
    this.count = histogram.count;
    this.buckets = Int16Array.from(buckets);
    this.above = Float64Array.from(above);
  }

  /** Values beyond a place of another histogram: those above its bucket, and its part of the bucket. */
  beyond({ bucket, beyond }: Place): number {
    let [from, to] = [0, this.buckets.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.buckets[middle] as number) > bucket) from = middle + 1;
      else to = middle;
    }
    const above = from === 0 ? 0 : (this.above[from - 1] as number);
    const here = this.buckets[from] === bucket ? (this.above[from] as number) - above : 0;
    return above + beyond * here;
  }
}
