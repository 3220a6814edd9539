/** What `compare --clients` adds to a result: the largest load that each mode carries. */
import { z } from "zod";
import { count, interval, share } from "./units.ts";

const clients = count
  .nullable()
  .describe("clients that stay, of all kinds; null: all of them come from outside");
const load = z.number().describe("the same as a multiple of the workload's load");

export const mostClients = z
  .strictObject({
    pool_mode: z.enum(["session", "transaction", "statement"]),
    clients,
    load,
    wait_p99_ms: z.number().optional().describe("with so many clients"),
    wait_p99_ms_ci95: interval.optional(),
    throughput_tps: z.number().optional(),
    utilization: share.optional(),
    beyond: z
      .strictObject({
        clients,
        load,
        term: z.string().nullable().describe("the objective's term that is missed, or may be"),
        sure: z.boolean().describe("missed for sure; false: the interval contains the limit"),
      })
      .nullable()
      .describe("the next larger load that was looked at; null: none"),
    any_number: z
      .strictObject({
        app_connections: count.describe(
          "connections that the application's own pools have together",
        ),
      })
      .optional()
      .describe(
        "any number of clients meets the objective; clients: those looked at, who keep the application's own " +
          "pools busy; more of them wait there, which the objective does not count",
      ),
  })
  .describe("the largest load that meets the objective in this mode, with confidence");

export type MostClients = z.infer<typeof mostClients>;
