/** Known answers of the statistics, and how often the intervals cover the truth at fixed seeds. */
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import {
  allowedPart,
  batchMeans,
  confidence,
  decisionWidth,
  type Interval,
  lag1,
  nextLook,
  pairedConfidence,
  precise,
  studentQuantile,
  variation,
  warmUp,
} from "../../sim/study/statistics.ts";

describe("Student's t", () => {
  // p, degrees of freedom, the printed table
  const table = [
    [0.975, 1, 12.706],
    [0.975, 2, 4.303],
    [0.975, 4, 2.776],
    [0.975, 9, 2.262],
    [0.975, 30, 2.042],
    [0.975, 1000, 1.962],
    [0.95, 7, 1.895],
    [0.995, 5, 4.032],
    [0.5, 3, 0],
    [0.025, 9, -2.262],
  ] as const;
  for (const [p, freedom, want] of table) {
    test(`t(${p}; ${freedom}) = ${want}`, () => {
      expect(studentQuantile(p, freedom)).toBeCloseTo(want, 3);
    });
  }

  test("refuses a certainty and half a degree of freedom", () => {
    expect(() => studentQuantile(1, 3)).toThrow("needs 0 < p < 1");
    expect(() => studentQuantile(0.9, 2.5)).toThrow("freedom 1, 2, 3");
  });
});

describe("intervals of independent samples", () => {
  test("Law and Kelton's example 4.27: ten values, 90 %", () => {
    const values = [1.2, 1.5, 1.68, 1.89, 0.95, 1.49, 1.58, 1.55, 0.5, 1.09];
    const { mean, low, high } = confidence(values, 0.9);
    expect(mean).toBeCloseTo(1.34, 2);
    // Theirs is Student's; ours is longer on the side of the long tail, which here is the lower.
    expect(high - mean).toBeCloseTo(0.24, 2);
    expect(mean - low).toBeGreaterThan(high - mean);
  });

  test("the extension for skewness: by hand for 0, 0, 0, 4", () => {
    // Mean 1, deviation 2, standard error 1, skewness 2; t = 3.182; 2 (1 + 2 t^2) / 6 / 2 = 3.54 > 0.6 t.
    const { low, high } = confidence([0, 0, 0, 4]);
    expect(low).toBeCloseTo(1 - 3.1824, 3);
    expect(high).toBeCloseTo(1 + 1.6 * 3.1824, 3);
    // 9 ones and 11 values of 2: skewness -0.2166, t = 2.093, deviation 0.5104.
    const values = Array.from({ length: 20 }, (_, i) => (i < 9 ? 1 : 2));
    const wide = confidence(values);
    expect(wide.high - wide.mean).toBeCloseTo(2.093 * 0.11413, 4);
    expect(wide.mean - wide.low).toBeCloseTo((2.093 + 0.0788) * 0.11413, 3);
  });

  test("two samples have no skewness", () => {
    const { mean, low, high } = confidence([1, 2]);
    expect(high - mean).toBeCloseTo(mean - low, 12);
  });

  test("one sample says nothing about its error", () => {
    expect(confidence([3])).toMatchObject({ mean: 3, halfWidth: Number.POSITIVE_INFINITY });
    expect(confidence([]).samples).toBe(0);
  });

  test("pairs with the same noise have a sharp difference", () => {
    const noise = [4, 9, 2, 7, 5];
    const shifted = noise.map((value) => value + 1);
    expect(pairedConfidence(noise, shifted)).toMatchObject({ mean: 1, low: 1, high: 1 });
    expect(() => pairedConfidence([1], [1, 2])).toThrow("pairs of 1 and 2 samples");
  });

  test("variation is the standard deviation over the mean", () => {
    expect(variation([9, 10, 11])).toBeCloseTo(0.1, 12);
    expect(variation([5])).toBe(0);
  });
});

describe("warm-up", () => {
  test("a ramp of 100 before a flat 900 is cut where it ends", () => {
    const random = seedrandom("ramp");
    const series = Array.from({ length: 1000 }, (_, i) => Math.max(0, 100 - i) + random());
    const { cut, trusted } = warmUp(series);
    expect(cut).toBeGreaterThanOrEqual(95);
    expect(cut).toBeLessThanOrEqual(110);
    expect(trusted).toBe(true);
  });

  test("a flat series loses nothing", () => {
    expect(warmUp(new Float64Array(200).fill(3))).toEqual({ cut: 0, trusted: true });
  });

  test("a series that never settles is not trusted, nor is a short one", () => {
    expect(warmUp(Array.from({ length: 1000 }, (_, i) => i * i)).trusted).toBe(false);
    expect(warmUp([1, 2, 3]).trusted).toBe(false);
  });
});

describe("batch means", () => {
  test("lag 1 of an alternating series is near -1, of a constant one 0", () => {
    expect(lag1([1, -1, 1, -1, 1, -1, 1, -1])).toBeCloseTo(-7 / 8, 12);
    expect(lag1([2, 2, 2, 2])).toBe(0);
  });

  test("40 batches when the data are independent, and their length", () => {
    const random = seedrandom("white");
    const answer = batchMeans(Array.from({ length: 4000 }, () => random()));
    expect(answer).toMatchObject({ samples: 40, length: 100, trusted: true });
  });

  test("a trend is not trusted", () => {
    expect(batchMeans(Array.from({ length: 400 }, (_, i) => i)).trusted).toBe(false);
    expect(() => batchMeans([1, 2, 3])).toThrow("3 observations; needs 40");
  });
});

describe("when to stop", () => {
  const interval = (mean: number, halfWidth: number): Interval => ({
    mean,
    halfWidth,
    low: mean - halfWidth,
    high: mean + halfWidth,
    samples: 9,
  });
  // mean, half-width, precision, floor, want, why
  const cases = [
    [100, 4.7, 0.05, 0, true, "4.7 < 100 x 0.05 / 1.05"],
    [100, 4.8, 0.05, 0, false, "5 % of the estimate is not 5 % of the truth"],
    [0, 0, 0.05, 0, true, "nobody ever waits"],
    [0.001, 0.002, 0.05, 0.01, true, "below what anybody cares about"],
    [-10, 0.1, 0.05, 0, true, "differences may be negative"],
    [5, Number.POSITIVE_INFINITY, 0.05, 1, false, "a single replication"],
  ] as const;
  for (const [mean, half, relative, floor, want, why] of cases) {
    test(`${mean} +- ${half} at ${relative}: ${want}: ${why}`, () => {
      expect(precise(interval(mean, half), relative, floor)).toBe(want);
    });
  }

  test("a look after fewer than twenty replications asks for three times the precision", () => {
    expect([10, 19, 20, 160].map(allowedPart)).toEqual([1 / 3, 1 / 3, 1, 1]);
    expect(precise(interval(100, 1.59), 0.05, 0, 1 / 3)).toBe(false);
    expect(precise(interval(100, 1.58), 0.05, 0, 1 / 3)).toBe(true);
    expect(precise(interval(0, 0.003), 0.05, 0.01, 1 / 3)).toBe(true);
    expect(precise(interval(0, 0.004), 0.05, 0.01, 1 / 3)).toBe(false);
  });

  test("an early look decides only with 99.9 and 99 % intervals, which are so many times as wide", () => {
    expect([4, 9, 10, 19, 20, 160].map(decisionWidth)).toEqual([4.06, 4.06, 1.44, 1.44, 1, 1]);
    const wider = (p: number, freedom: number): number =>
      studentQuantile(p, freedom) / studentQuantile(0.975, freedom);
    expect(wider(0.9995, 3)).toBeCloseTo(decisionWidth(4), 2);
    expect(wider(0.995, 9)).toBeCloseTo(decisionWidth(10), 2);
  });

  test("looks at 10, 20, 40, 80 replications", () => {
    const looks = [0, 5, 10, 20, 40].map(nextLook);
    expect(looks).toEqual([10, 10, 20, 40, 80]);
  });
});

describe("95 % intervals cover the truth about 95 times in 100", () => {
  const exponential = (random: () => number): number => -Math.log(1 - random());

  test("replications of exponential means (skewed, 10 of 100 values)", () => {
    const covered = coverage(
      "exponential",
      (random) => {
        const one = (): number => sum(100, () => exponential(random)) / 100;
        return confidence(Array.from({ length: 10 }, one));
      },
      1,
    );
    expect(covered).toBeGreaterThanOrEqual(0.92);
    expect(covered).toBeLessThanOrEqual(0.98);
  });

  test("batch means of AR(1) with correlation 0.9, where the naive interval covers a third", () => {
    const series = (random: () => number): number[] => {
      let x = 0;
      return Array.from({ length: 4000 }, () => {
        x = 0.9 * x + normal(random);
        return x;
      });
    };
    expect(coverage("ar1", (random) => batchMeans(series(random)), 0)).toBeGreaterThanOrEqual(0.9);
    expect(coverage("ar1", (random) => confidence(series(random)), 0)).toBeLessThan(0.45);
  });
});

/** Share of 400 experiments whose interval holds the truth. */
function coverage(
  seed: string,
  experiment: (random: () => number) => Interval,
  truth: number,
): number {
  const random = seedrandom(seed);
  const rounds = 400;
  const hits = sum(rounds, () => {
    const { low, high } = experiment(random);
    return low <= truth && truth <= high ? 1 : 0;
  });
  return hits / rounds;
}

function sum(count: number, draw: () => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += draw();
  return total;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
