/** The part of a run that says who had which server connection. See `results.ts`. */
import { z } from "zod";
import { count } from "./units.ts";

/** What `--occupancy` adds to a run. */
export const occupancy = z
  .strictObject({
    to_ms: z.number().describe("simulated time from the start, with an empty pool, to here"),
    servers: count.describe("server connections that had a client by then; the first 40 are told"),
    spans: z.array(
      z.strictObject({
        server: count.describe("number of the server connection, by first use, from 1"),
        client: count.describe("number of the client that has it, from 1"),
        used: z.boolean().describe("false: it is held by a client that asks nothing of it"),
        from_ms: z.number(),
        to_ms: z.number(),
      }),
    ),
  })
  .describe("who had which server connection, at the start of the first replication");
