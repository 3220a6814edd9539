/** What `size` adds to a result: the curve over the pool size, the answer, and what lies around it. */
import { z } from "zod";
import { count, interval, share } from "./units.ts";

/** One size of the curve. */
export const curvePoint = z
  .strictObject({
    pool_size: count,
    wait_mean_ms: z.number(),
    wait_mean_ms_ci95: interval,
    wait_p99_ms: z.number(),
    wait_p99_ms_ci95: interval,
    throughput_tps: z.number(),
    throughput_tps_ci95: interval,
    response_mean_ms: z.number().optional(),
    response_p99_ms: z.number(),
    response_p99_ms_ci95: interval.optional(),
    stretch: z
      .number()
      .optional()
      .describe("with cores: how many times longer the work took than it would alone"),
    utilization: share,
    timeouts: count,
    slo_met: z.boolean().optional(),
  })
  .describe("one pool size");

/** The answer. */
export const recommended = z.strictObject({
  pool_size: count,
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  reason: z.string().describe("one sentence"),
  ini: z.string().describe("a pgbouncer.ini that says so"),
});

/** Where connections more stop getting more done. */
export const knee = z
  .strictObject({ pool_size: count, throughput_tps: z.number() })
  .describe("the smallest size of the curve that gets through 99 % of the most of all sizes");

/** Where clients wait least, all in all. */
export const best = z
  .strictObject({
    pool_size: count,
    response_p99_ms: z.number(),
    response_p99_ms_ci95: interval,
    throughput_tps: z.number(),
  })
  .describe("of the sizes looked at, the one with the shortest response at p99");

/** Sizes that will do. */
export const region = z
  .strictObject({ from: count, to: count })
  .describe("sizes that meet the objective, the largest that was found to included");

const pairOf = (what: string) =>
  z.tuple([z.number(), z.number()]).describe(`${what} at \`than\` and at \`pool_size\``);

/** What more than the answer costs. */
export const bigger = z
  .strictObject({
    pool_size: count,
    than: count.describe("the recommended size, or the best where none is"),
    response_p99_ms: pairOf("response, p99,"),
    response_p99_change_ms: z.number().describe("paired difference on the same draws"),
    response_p99_change_ms_ci95: interval,
    throughput_tps: pairOf("throughput"),
    throughput_change_tps: z.number().describe("paired difference on the same draws"),
    throughput_change_tps_ci95: interval,
    hurts: z.boolean().describe("whether the interval of the response's change lies above 0"),
  })
  .describe("what a bigger pool does to the clients' response");

/** What the answer is worth on another day. */
export const sensitivity = z
  .strictObject({
    change: z.string().describe("what is different, everything else being equal"),
    wait_p99_ms: z.number(),
    wait_p99_ms_ci95: interval,
    utilization: share,
    slo_met: z.boolean().describe("with confidence"),
    missed: z
      .array(z.string())
      .optional()
      .describe("the terms that are not surely met, such as wait_p99, or refused: by a limit"),
  })
  .describe("a harder day at the recommended size");
