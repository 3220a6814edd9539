/** The parts of a result that are about settings: of `check` and of `diff`. See `results.ts`. */
import { z } from "zod";
import { count } from "./units.ts";

/** One difference between two configurations. */
export const change = z
  .strictObject({
    section: z.enum(["pgbouncer", "databases", "users", "peers"]),
    name: z.string().describe("the setting, `entry.key`, or the entry that came or went"),
    from: z.string().nullable(),
    to: z.string().nullable(),
    needs: z
      .enum(["reload", "reconnect", "restart"])
      .describe("what puts it in force; reconnect: a RELOAD that replaces server connections"),
    scheduler: z
      .boolean()
      .describe(
        "whether it moves the scheduler, or what is simulated beside it: others are not simulated",
      ),
  })
  .describe("one difference between two configurations");

/** What `check` found. */
export const check = z
  .strictObject({
    findings: z
      .array(
        z.strictObject({
          id: z.string().describe("of the rule; stable"),
          severity: z.enum(["error", "warning", "note"]),
          at: z.string().describe("file:line, or the file where a default is at fault"),
          what: z.string(),
          why: z.string().describe("with the numbers"),
          fix: z.string(),
          source: z.string().describe("where the fact behind the rule is from"),
        }),
      )
      .describe("errors first"),
    servers: z.array(
      z.strictObject({
        server: z.string().describe("host:port"),
        pools: count.describe("databases x users x instances"),
        connections: count.describe("most that all poolers together can open"),
        available: count.nullable().describe("for ordinary users; null: not known"),
      }),
    ),
    rules: count.describe("rules that were held against the files"),
  })
  .describe("settings, judged without a simulation");

export type Check = z.infer<typeof check>;
