/** The part of a result about what a statement passes beside the pool: the database's cores, the pooler itself. */
import { z } from "zod";
import { count } from "./units.ts";

export const cores = z
  .strictObject({
    mean: z.number().describe("statements on the database's cores, over time"),
    max: z.number(),
    speed: z.number().describe("cores' worth of work done at a time"),
    stretch: z.number().describe("how many times longer the work took than it would alone"),
    wasted: z.number().describe("statements finished after the pooler had closed the connection"),
  })
  .describe("the database's cores, where the workload has any; `wasted` per replication");

export const pooler = z
  .strictObject({
    discipline: z.enum(["fifo", "lifo", "race", "poll"]).describe("fifo is PgBouncer's"),
    processes: count.describe("each with pools of pool_size connections"),
    cpu_per_message_us: z.number().describe("work of a process for each request and each answer"),
    utilization: z
      .number()
      .describe("part of the time that the processes were at work, for messages"),
    message_wait_ms: z.number().describe("mean wait of a message for its process"),
    message_wait_max_ms: z.number(),
    cancel_requests: z
      .strictObject({
        asked: count,
        forwarded: count.describe(
          "reached another process, which handed them on to their client's",
        ),
        lost: count.describe("reached another process, which knows nothing of their client's"),
      })
      .optional()
      .describe("of clients that cancel, where there are several processes"),
  })
  .describe("the pooler beyond its settings, where the workload says something of it");
