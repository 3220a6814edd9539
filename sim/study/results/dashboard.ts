/** The part of a run that is about what dashboards see of it. See `results.ts`. */
import { z } from "zod";
import { count, share } from "./units.ts";

const cell = z.union([z.string(), z.number()]).nullable();
const row = z.record(z.string(), cell);

/** What `simulate --show` adds to a run. */
export const dashboard = z
  .strictObject({
    every_s: z.number().describe("how often SHOW was asked, seconds"),
    stats_period_s: z.number().describe("PgBouncer's setting: avg_ looks back one to two of these"),
    stats: z
      .array(row)
      .describe(
        "SHOW STATS at the window's end, a row for each database: totals since the process began, warm-up included; times in microseconds",
      ),
    pools: z
      .array(row)
      .describe("SHOW POOLS over time, a row for each pool, with at_s since the window's begin"),
    shown: z
      .strictObject({
        wait_mean_ms: z
          .number()
          .describe("growth of total_wait_time / growth of total_server_assignment_count"),
        avg_wait_ms: z.number().describe("longest avg_wait_time of all databases at the end"),
        maxwait_ms: z.number().describe("longest maxwait of all looks at SHOW POOLS"),
        cl_waiting: count.describe("most of all looks, pools added up"),
      })
      .describe("what is to be read off these tables, for the window"),
    truth: z
      .strictObject({
        transactions: count.describe("sent in the window: served, or ended while they waited"),
        wait_ms: z.strictObject({
          mean: z.number(),
          p50: z.number(),
          p95: z.number(),
          p99: z.number(),
          max: z.number(),
        }),
        waited: share.describe("share of them that waited at all"),
        waited_mean_ms: z.number().describe("mean wait of those"),
        unserved: count.describe(
          "waits that ended without a server: PgBouncer counts them nowhere",
        ),
        unserved_s: z.number().describe("time of those waits, all together"),
      })
      .describe("the waits of the same replication, uncensored"),
  })
  .describe("what PgBouncer's SHOW would print of the first replication, and the true waits");

export type DashboardResult = z.infer<typeof dashboard>;
