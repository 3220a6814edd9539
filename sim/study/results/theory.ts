/** The part of a result that is `theory`'s own. See `results.ts`. */
import { z } from "zod";
import { count, share } from "./units.ts";

const theoryRow = z
  .strictObject({
    family: z.string(),
    system: z.string(),
    figure: z.string().describe("mean, waits (share that does), p95, p99 of the wait, and others"),
    unit: z.enum(["ms", "share", "servers"]),
    exact: z.number(),
    simulated: z.number(),
    z: z.number().describe("difference in standard errors"),
    again: z.number().optional().describe("z of the second look, where the first was beyond 3"),
    met: z.boolean(),
  })
  .describe("one figure of one queueing system, simulated beside exact");

const spread = z
  .strictObject({
    figure: z.string(),
    count: count.describe("systems"),
    mean: z.number(),
    deviation: z.number(),
    statistic: z.number().describe("Anderson and Darling's, against the standard normal law"),
    chance: share.describe("that the statistic comes out larger"),
    met: z.boolean(),
  })
  .describe("whether one figure's differences, over all systems, look like chance");

/** The table of `theory`. */
export const theory = z.strictObject({
  systems: count,
  families: count,
  transactions: count,
  rows: z.array(theoryRow),
  spread: z.array(spread),
  met: z.boolean(),
});

/** One figure of `theory --coverage`. */
export const coveredFigure = z
  .strictObject({
    system: z.string(),
    figure: z.string(),
    studies: count,
    held: count.describe("95 % intervals that hold the exact value, or decisions that are right"),
    below: count.describe("that lie below it, and `above` above it"),
    above: count,
    none: count.describe("studies that gave no interval, or no decision, and said why"),
    replications: z.number().describe("of a study, on the average"),
    bounds: z.tuple([count, count]).describe("what `held` must lie between"),
    met: z.boolean(),
  })
  .describe("how often one figure's intervals hold the truth");

export type Theory = z.infer<typeof theory>;
export type TheorySpread = z.infer<typeof spread>;
export type TheoryRow = z.infer<typeof theoryRow>;
export type CoveredFigure = z.infer<typeof coveredFigure>;
