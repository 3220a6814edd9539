/** The histogram against sorted lists: its quantiles are off by no more than it says. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HISTOGRAM_ERROR, Histogram } from "../../sim/kernel/histogram.ts";

const DAY = 86_400e9;
/** A whole time of any scale from 0 to 100 days. */
const time = fc.oneof(
  fc.constantFrom(0, 1, 2),
  fc.integer({ min: 0, max: 1000 }),
  fc
    .tuple(fc.integer({ min: 0, max: 52 }), fc.integer({ min: -1, max: 1 }))
    .map(([power, off]) => 2 ** power + off),
  fc.double({ min: 0, max: Math.log(100 * DAY), noNaN: true }).map((x) => Math.floor(Math.exp(x))),
);
const times = fc.array(time, { minLength: 1, maxLength: 300, size: "max" });
const share = fc.oneof(
  fc.constantFrom(0, 0.5, 0.95, 0.99, 1),
  fc.double({ min: 0, max: 1, noNaN: true }),
);

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** The smallest value that at least the share `p` does not exceed. */
function exactQuantile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(p * sorted.length)) - 1] ?? 0;
}

const figures = (of: Histogram) => ({
  count: of.count,
  zeros: of.zeros,
  mean: of.mean,
  max: of.max,
  quantiles: Array.from({ length: 101 }, (_, percent) => of.quantile(percent / 100)),
});

describe("against the sorted values", () => {
  test("count, mean and max are exact, whatever is recorded", () => {
    fc.assert(
      fc.property(times, (values) => {
        const histogram = histogramOf(values);
        // A sum of 300 times below 100 days is a whole number that a double holds, if not by far.
        const sum = values.reduce((total, value) => total + value, 0);
        fc.pre(sum <= Number.MAX_SAFE_INTEGER);
        expect(histogram.count).toBe(values.length);
        expect(histogram.mean).toBe(sum / values.length);
        expect(histogram.max).toBe(Math.max(...values));
      }),
    );
  });

  test(`every quantile is within ${HISTOGRAM_ERROR} of the exact one, and never above the largest`, () => {
    fc.assert(
      fc.property(times, share, (values, p) => {
        const found = histogramOf(values).quantile(p);
        const want = exactQuantile(values, p);
        expect(Math.abs(found - want)).toBeLessThanOrEqual(HISTOGRAM_ERROR * want);
        expect(found).toBeLessThanOrEqual(Math.max(...values));
      }),
      { numRuns: 1000 },
    );
  });

  test("quantiles rise with p, and the last is the largest value itself", () => {
    fc.assert(
      fc.property(times, share, share, (values, p, q) => {
        const histogram = histogramOf(values);
        const [low, high] = [
          histogram.quantile(Math.min(p, q)),
          histogram.quantile(Math.max(p, q)),
        ];
        expect(low).toBeLessThanOrEqual(high);
        expect(histogram.quantile(1)).toBe(Math.max(...values));
      }),
    );
  });

  test("the share above a value is exact for 0, else right but for the value's own bucket", () => {
    fc.assert(
      fc.property(times, time, (values, value) => {
        const above = (limit: number): number =>
          values.filter((one) => one > limit).length / values.length;
        const histogram = histogramOf(values);
        expect(histogram.shareAbove(0)).toBe(above(0));
        const slack = 2 * HISTOGRAM_ERROR;
        expect(histogram.shareAbove(value)).toBeLessThanOrEqual(above(value - 1));
        expect(histogram.shareAbove(value)).toBeGreaterThanOrEqual(above(value * (1 + slack)));
      }),
    );
  });

  test("merging is recording both", () => {
    fc.assert(
      fc.property(times, times, (a, b) => {
        const merged = histogramOf(a);
        merged.merge(histogramOf(b));
        const both = histogramOf([...a, ...b]);
        // The order of additions may show in the last digit of a sum beyond 2^53.
        expect(merged.mean / Math.max(1, both.mean)).toBeCloseTo(
          both.mean / Math.max(1, both.mean),
        );
        expect({ ...figures(merged), mean: 0 }).toEqual({ ...figures(both), mean: 0 });
      }),
    );
  });

  test("merging with an empty one changes nothing, and the merged one is left as it was", () => {
    const [one, other] = [histogramOf([3, 5, 900]), histogramOf([7])];
    const before = figures(one);
    one.merge(new Histogram());
    expect(figures(one)).toEqual(before);
    one.merge(other);
    expect(figures(other)).toEqual(figures(histogramOf([7])));
  });
});

describe("bounds", () => {
  test("an empty one answers 0", () => {
    const empty = new Histogram();
    expect([empty.mean, empty.max, empty.quantile(0), empty.quantile(0.99)]).toEqual([0, 0, 0, 0]);
    expect(empty.shareAbove(0)).toBe(0);
  });

  test("zeros have no bucket but their place: 95 of 100 make the 95 % quantile 0", () => {
    const histogram = histogramOf([...Array(95).fill(0), 1000, 2000, 3000, 4000, 5000]);
    expect(histogram.zeros).toBe(95);
    expect(histogram.quantile(0.95)).toBe(0);
    expect(histogram.quantile(0.951)).toBeCloseTo(1000, -1);
    expect(histogram.shareAbove(0)).toBe(0.05);
    expect(histogram.mean).toBe(150);
  });

  test("negative durations count as zero", () => {
    const histogram = histogramOf([-5, -1, 0, 10]);
    expect([histogram.zeros, histogram.mean, histogram.quantile(0.75)]).toEqual([3, 2.5, 0]);
  });

  // value, why
  for (const [value, why] of [
    [1, "the first bucket"],
    [127, "below 128 each whole number has a bucket of its own"],
    [2 ** 20 - 1, "the last of an octave"],
    [2 ** 20, "the first of an octave"],
    [1e9 + 1, "a second"],
    [100 * DAY, "a hundred days"],
    [Number.MAX_SAFE_INTEGER, "the largest whole number of a double"],
  ] as const) {
    test(`${value} ns, ${why}: its median is within the error`, () => {
      const histogram = histogramOf([value, value, value * 2]);
      const median = histogram.quantile(0.5);
      expect(Math.abs(median - value)).toBeLessThanOrEqual(HISTOGRAM_ERROR * value);
      expect(histogram.quantile(1)).toBe(value * 2);
    });
  }

  test("the stated error is reached but not passed: values in the corners of buckets", () => {
    let worst = 0;
    for (let value = 2 ** 30; value < 2 ** 31; value += 2 ** 23) {
      for (const corner of [value, value + 2 ** 23 - 1]) {
        const found = histogramOf([corner, 2 ** 40]).quantile(0.5);
        worst = Math.max(worst, Math.abs(found - corner) / corner);
      }
    }
    expect(worst).toBeLessThanOrEqual(HISTOGRAM_ERROR);
    expect(worst).toBeGreaterThan(0.9 * HISTOGRAM_ERROR);
  });
});
