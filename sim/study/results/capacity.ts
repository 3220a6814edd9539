/** What `validate` adds to a result where statements are real work. */
import { z } from "zod";
import { count } from "./units.ts";

/** What was measured of the cores, and whether the best pool size was predicted. */
export const capacity = z
  .strictObject({
    measured: z
      .array(z.strictObject({ pool_size: count, throughput_tps: z.number() }))
      .describe("the sizes of the calibration; all others are predicted"),
    row_ns: z.number().describe("time that the database takes to count a row, alone"),
    statement_ms: z.number().describe("work of a mean statement alone on a core"),
    cap: z.number().describe("cores' worth of work that gets done at most: server.speed.cap"),
    knee: z.number().describe("sharpness of the bend before it: server.speed.knee"),
    quantum_ms: z
      .number()
      .describe(
        "a core's time for a statement before another's turn: server.quantum; 0: none is seen",
      ),
    reached: z.boolean().describe("false: the load was too little to tell"),
    best: z
      .strictObject({
        predicted: count,
        live: count,
        steps: count.describe("how many of the compared sizes they are apart"),
        holds: z.boolean().describe("at most one"),
      })
      .optional()
      .describe("the size with the shortest response at p99"),
  })
  .describe("what the database's cores do, median of the repeats");
