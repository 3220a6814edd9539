/** Intervals from sections: known answers, and how often they hold the truth at a fixed seed. */
import seedrandom from "seedrandom";
import { expect, test } from "vitest";
import { Histogram } from "../../sim/kernel/histogram.ts";
import { leastCount, quantileEstimate, ratioEstimate, Section } from "../../sim/study/sections.ts";
import { confidence } from "../../sim/study/statistics.ts";

function sampled(random: () => number, sections: number, size: number) {
  const all = new Histogram();
  const parts = Array.from({ length: sections }, () => {
    const own = new Histogram();
    for (let i = 0; i < size; i++) own.record(-1e6 * Math.log(1 - random()));
    all.merge(own);
    return new Section(own);
  });
  return { all, parts };
}

test("a ratio of equal counts is the plain mean, with the interval of plain means", () => {
  const sums = [3, 5, 4, 8];
  const { interval, values } = ratioEstimate(
    sums.map((sum) => [sum, 2] as const),
    0.95,
  );
  const plain = confidence(sums.map((sum) => sum / 2));
  expect(interval.mean).toBeCloseTo(plain.mean, 12);
  expect(interval.low).toBeCloseTo(plain.low, 12);
  expect(values).toEqual(sums.map((sum) => expect.closeTo(sum / 2, 12)));
});

test("100 values beyond a quantile are the least: 2,000 for p95, 10,000 for p99", () => {
  expect([leastCount(0.95), leastCount(0.99)]).toEqual([2000, 10_000]);
  const { all, parts } = sampled(seedrandom("few"), 10, 199);
  expect(quantileEstimate(all, parts, 0.95, 0.95).interval.high).toBe(Number.POSITIVE_INFINITY);
});

test("what the sections add to a quantile comes to the quantile", () => {
  const { all, parts } = sampled(seedrandom("add"), 10, 500);
  const { interval, values } = quantileEstimate(all, parts, 0.95, 0.95);
  expect(confidence(values).mean / interval.mean).toBeCloseTo(1, 9);
  expect(confidence(values).halfWidth / interval.halfWidth).toBeCloseTo(1, 9);
  // The tail is read off the distribution, so that both sides are as long as it has them there.
  expect(interval.high - interval.mean).toBeGreaterThan(interval.mean - interval.low);
});

test("95 % intervals of an exponential p95 hold it 95 times in 100 (10 sections of 300)", () => {
  const random = seedrandom("coverage");
  let held = 0;
  for (let round = 0; round < 600; round++) {
    const { all, parts } = sampled(random, 10, 300);
    const { low, high } = quantileEstimate(all, parts, 0.95, 0.95).interval;
    if (low <= 1e6 * Math.log(20) && high >= 1e6 * Math.log(20)) held++;
  }
  expect(held / 600).toBeGreaterThan(0.92);
  expect(held / 600).toBeLessThan(0.98);
});
