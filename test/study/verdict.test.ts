/** Predicted beside live: tolerances with both sides of their boundaries, medians, noise. */
import seedrandom from "seedrandom";
import { describe, expect, test } from "vitest";
import { acrossRepeats } from "../../sim/study/live/compared.ts";
import { FIGURES, type Figure, type Figures } from "../../sim/study/live/figures.ts";
import { compareFigures, median, variation } from "../../sim/study/live/verdict.ts";

/** Every figure 100, but one. */
function figures(figure: Figure, value: number): Figures {
  const all = Object.fromEntries(FIGURES.map((name) => [name, 100])) as Figures;
  return { ...all, [figure]: value };
}

const verdictOf = (figure: Figure, predicted: number, live: readonly number[]) =>
  compareFigures(
    [figures(figure, predicted)],
    live.map((value) => figures(figure, value)),
  ).find((comparison) => comparison.figure === figure);

const CASES: readonly [
  figure: Figure,
  predicted: number,
  holds: boolean | undefined,
  why: string,
][] = [
  ["wait_ms.mean", 105.5, true, "5 % and half a millisecond"],
  ["wait_ms.mean", 105.6, false, "just beyond"],
  ["wait_ms.mean", 94.5, true, "below as well as above"],
  ["wait_ms.mean", 94.4, false, "just beyond, below"],
  ["wait_ms.p99", 110.5, true, "10 % for the tail"],
  ["wait_ms.p99", 110.6, false, "just beyond"],
  ["response_ms.p95", 105.5, true, "as the wait"],
  ["response_ms.p95", 105.6, false, "as the wait"],
  ["throughput_tps", 102, true, "2 %, nothing absolute"],
  ["throughput_tps", 102.1, false, "just beyond"],
  ["wait_ms.max", 500, undefined, "an extreme has no verdict"],
];

describe("tolerance of a quiet live run", () => {
  for (const [figure, predicted, holds, why] of CASES)
    test(`${figure} ${predicted} against 100: ${holds ?? "no verdict"} (${why})`, () =>
      expect(verdictOf(figure, predicted, [100, 100, 100])?.holds).toBe(holds));
});

test("a noisy live run widens it to twice the standard error", () => {
  const live = [80, 100, 120]; // cv 0.2: 2 x 0.2 / sqrt(3) = 23.1 %
  expect(verdictOf("wait_ms.mean", 123, live)?.holds).toBe(true);
  expect(verdictOf("wait_ms.mean", 124, live)?.holds).toBe(false);
});

test("half a millisecond is no matter where nobody waits", () => {
  expect(verdictOf("wait_ms.p50", 0.5, [0, 0, 0])?.holds).toBe(true);
  expect(verdictOf("wait_ms.p50", 0.51, [0, 0, 0])?.holds).toBe(false);
  expect(verdictOf("wait_ms.p50", 0.5, [0, 0, 0])?.error).toBeNaN();
});

test("what was not observed has no verdict", () =>
  expect(verdictOf("utilization", 0.5, [Number.NaN])?.holds).toBeUndefined());

test("medians and noise", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(variation([80, 100, 120])).toBeCloseTo(0.2, 12);
  expect(variation([0, 0])).toBe(0);
  expect(variation([5])).toBe(0);
});

test("a live run that is one more twin is predicted too high as often as too low, however far apart the repeats are", () => {
  // 99th percentiles of the tour with 4 connections: of five seeds two are far above the others.
  const middles = [74, 110, 73, 78, 109];
  const uniform = seedrandom("twins");
  const runs = (): Figures[] =>
    middles.map((middle) => figures("wait_ms.p99", middle * (0.82 + 0.36 * uniform())));
  const tail = (all: readonly Figures[]): number => median(all.map((one) => one["wait_ms.p99"]));
  const live = median(Array.from({ length: 4_000 }, () => tail(runs())));
  const drawn = Array.from({ length: 4_000 }, runs);
  const twins = middles.map((_, repeat) => drawn.map((one) => one[repeat] as Figures));
  expect(tail(acrossRepeats(twins)) / live).toBeCloseTo(1, 2);
  // Each repeat's own median first, and the middle one of these, would be far too low.
  expect(median(twins.map(tail)) / live).toBeLessThan(0.97);
});
