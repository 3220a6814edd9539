/**
 * The product's own intervals under many seeds, through the whole model; `stopping.test.ts` does the same
 * with thousands of studies of replications that cost nothing, and so finds smaller faults. By chance alone the first test fails once in more than
 * 10,000 seeds (binomial bounds; the seed is fixed, so what passes once passes for ever).
 */
import { expect, test } from "vitest";
import { binomialBounds, coverage } from "../../../sim/study/theory/coverage.ts";

test("95 % intervals of whole studies hold the truth: means, quantiles, paired differences", async () => {
  const figures = await coverage({ studies: 50, systems: 1 });
  expect(figures.map(({ figure }) => figure)).toEqual(
    expect.arrayContaining(["mean", "p95", "p99", "paired difference, mean"]),
  );
  for (const each of figures) {
    expect(each).toMatchObject({ studies: 50, none: 0 });
    expect(each.replications).toBeGreaterThanOrEqual(10);
    expect(each, each.figure).toMatchObject({ met: true });
  }
}, 300_000);

test("binomial bounds: printed tails of 400 throws at 0.93, and of ten fair coins", () => {
  // Ten coins: P(0) = P(10) = 1/1024, P(at most 1) = 11/1024.
  expect(binomialBounds(10, 0.5, 0.005)).toEqual([1, 9]);
  expect(binomialBounds(10, 0.5, 0.0005)).toEqual([0, 10]);
  const [least, most] = binomialBounds(400, 0.93, 1e-6);
  // Mean 372, standard deviation 5.1; 1e-6 is 4.75 of them, and a little more on the long side.
  expect(least).toBeGreaterThan(340);
  expect(least).toBeLessThan(350);
  expect(most).toBeGreaterThan(388);
});
