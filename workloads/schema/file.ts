/**
 * The shape of a workload file. One zod schema: it checks files, gives TypeScript its types, and is
 * published as JSON Schema for editors (`workloads/workload.schema.json`). Names are a contract.
 */
import { z } from "zod";
import { duration, EXPECTED, rateGap, share, size } from "./units.ts";
import { FAULTS, QUEUE_DISCIPLINES, SHUTDOWNS, TIMEOUT_ACTIONS, WORKS } from "./workload.ts";

/** A quantity that `parse` understands. */
const quantity = (parse: (value: unknown) => number | undefined, expected: string) =>
  z
    .union([z.string(), z.number()], { error: expected })
    .refine((value) => parse(value) !== undefined, { error: expected })
    .describe(expected);

const time = quantity(duration, EXPECTED.duration);
const length = time
  .refine((value) => duration(value) !== 0, { error: "a duration above 0, such as 10 min" })
  .describe(EXPECTED.duration);
const WARMUP = `auto, or ${EXPECTED.duration}`;
const positive = (expected: string) => z.number({ error: expected }).positive({ error: expected });
const count = z
  .number({ error: "a whole number from 0" })
  .int({ error: "a whole number from 0" })
  .min(0, { error: "a whole number from 0" });
const atLeastOne = z
  .number({ error: "a whole number from 1" })
  .int({ error: "a whole number from 1" })
  .min(1, { error: "a whole number from 1" });
const text = z.string({ error: "a text" });
/** A time where times are drawn, a number where counts are. */
const amount = z
  .union([z.string(), z.number()], { error: EXPECTED.duration })
  .refine((value) => (typeof value === "number" ? value >= 0 : duration(value) !== undefined), {
    error: `${EXPECTED.duration}; for counts a number from 0`,
  });
const cv = positive("a coefficient of variation above 0, such as 1.5");

/** The shapes of a distribution, by their one key. */
export const DISTRIBUTIONS = {
  constant: z.strictObject({ constant: amount }),
  exponential: z.strictObject({ exponential: amount }),
  erlang: z.strictObject({
    erlang: z.strictObject({
      mean: amount,
      k: z
        .number({ error: "a whole number from 1" })
        .int()
        .min(1, { error: "a whole number from 1" }),
    }),
  }),
  hyperexponential: z.strictObject({
    hyperexponential: z.strictObject({
      mean: z.array(amount, { error: "a list of means" }).min(1, { error: "a list of means" }),
      weights: z
        .array(positive("a weight above 0"), { error: "a list of weights" })
        .min(1, { error: "a list of weights" }),
    }),
  }),
  gamma: z.strictObject({ gamma: z.strictObject({ mean: amount, cv }) }),
  lognormal: z.strictObject({
    lognormal: z.union(
      [z.strictObject({ mean: amount, cv }), z.strictObject({ p50: amount, p99: amount })],
      { error: "{ mean: 10 ms, cv: 2 } or { p50: 4 ms, p99: 60 ms }" },
    ),
  }),
  weibull: z.strictObject({
    weibull: z.strictObject({ scale: amount, shape: positive("a shape above 0") }),
  }),
  pareto: z.strictObject({
    pareto: z.strictObject({ min: amount, max: amount, shape: positive("a shape above 0") }),
  }),
  uniform: z.strictObject({ uniform: z.strictObject({ min: amount, max: amount }) }),
  empirical: z.strictObject({
    empirical: z.union(
      [
        z.strictObject({ values: z.array(amount).min(1, { error: "at least one value" }) }),
        z.strictObject({ quantiles: z.record(z.string(), amount) }),
        z.strictObject({ file: text }),
      ],
      {
        error:
          "{ values: [..] }, { quantiles: { 0: 1 ms, 50: 4 ms, 100: 2 s } } or { file: times.csv }",
      },
    ),
  }),
  mixture: z.strictObject({
    mixture: z
      .array(
        z.strictObject({
          weight: positive("a weight above 0"),
          get of() {
            return distribution;
          },
        }),
      )
      .min(1, { error: "a list of { weight, of }" }),
  }),
} as const;

const distribution: z.ZodType = z.union([amount, ...Object.values(DISTRIBUTIONS)], {
  error: `${EXPECTED.duration}, or one of ${Object.keys(DISTRIBUTIONS).join(" | ")}`,
});

/** Databases or users, by name. */
const ENTRIES = { error: "entries by name, such as { app: { pool_size: 20 } }" };
const setting = z.union([z.string(), z.number(), z.boolean(), z.null()], {
  error: "a setting's value",
});
const settings = z.record(z.string(), setting, { error: "settings by PgBouncer's names" });

const kind = z.strictObject({
  name: text.min(1, { error: "a name" }),
  database: text.optional().describe("entry of `databases`; needed when there are several"),
  user: text.optional().describe("login user; `app` when left out"),
  count: count
    .optional()
    .describe("closed population: so many clients for ever; 0: as if the kind were not there"),
  arrivals: z
    .union(
      [
        z.strictObject({ rate: quantity(rateGap, EXPECTED.rate) }),
        z.strictObject({
          get gap() {
            return distribution;
          },
        }),
      ],
      { error: "{ rate: 200/s } or { gap: DISTRIBUTION }" },
    )
    .optional()
    .describe("open population: sessions arriving from outside"),
  session: z
    .strictObject({
      transactions: z.union([z.literal("forever"), distribution]).optional(),
      duration: distribution.optional(),
      away: distribution
        .optional()
        .describe("before a closed client reconnects; 1 s when left out"),
    })
    .optional(),
  think: distribution.optional().describe("between transactions, connection idle"),
  transaction: z.strictObject({
    statements: distribution.optional().describe("1 when left out"),
    service: distribution.describe("per statement, at the database, nobody else there"),
    gap: distribution.optional().describe("pause inside the transaction, between statements"),
    work: z
      .enum(WORKS, { error: WORKS.join(" | ") })
      .optional()
      .describe("how a live run plays the service: sleep (default), or cpu: rows that it counts"),
  }),
  app_pool: z
    .strictObject({
      instances: atLeastOne.describe("processes, each with a pool of its own"),
      size: atLeastOne.describe("connections to the pooler that each has at most"),
      min_size: count.optional().describe("and at least; `size` when left out"),
      timeout: time.optional().describe("longest wait for one; 30 s when left out"),
      idle_timeout: time.optional().describe("then one above min_size is closed"),
      lifetime: time.optional().describe("then a connection is replaced"),
    })
    .optional()
    .describe("a pool inside the application, in front of the pooler"),
  timeout: z
    .union(
      [
        time,
        z.strictObject({
          after: time,
          action: z.enum(TIMEOUT_ACTIONS),
        }),
      ],
      { error: "a duration such as 5 s, or { after: 5 s, action: cancel }" },
    )
    .optional()
    .describe(
      "a client that waits longer gives its transaction up: it hangs up (disconnect, when only a time is given), or asks to cancel its statement and keeps its connection",
    ),
  retry: z
    .strictObject({
      attempts: count.describe("how many times a failed transaction is tried again"),
      backoff: time.optional().describe("pause before the first of them; 100 ms when left out"),
      factor: positive("a factor above 0, such as 2")
        .optional()
        .describe("by which each pause is longer than the one before; 2 when left out"),
      jitter: quantity(share, EXPECTED.share)
        .optional()
        .describe("part of each pause that is left to chance; 0 when left out"),
    })
    .optional()
    .describe("what failed is tried again: the client's timeout, and being dropped"),
  prepared: z
    .strictObject({
      statements: atLeastOne.describe("different ones, each used as often as the others"),
      parse: time.describe("work of the database at the first use on each server connection"),
    })
    .optional()
    .describe("named prepared statements"),
  parameters: text
    .min(1, { error: "a text, such as TimeZone=Europe/Berlin" })
    .optional()
    .describe(
      "its tracked parameters, such as TimeZone=Asia/Tokyo; DateStyle=SQL: a server that comes from clients with others costs a round trip (SET)",
    ),
});

/** Beyond it load is a slip of the pen, and a run that never ends: an arrival a second is a million of them. */
export const MOST_LOAD = 1_000_000;
const FACTOR = { error: `a factor from 0 to ${MOST_LOAD}, such as 3` };
/** One entry; which keys go together is for `schedule.ts` to say, in words that a union has not. */
const scheduled = z
  .strictObject({
    at: time.optional().describe("from the begin of the measured window"),
    for: time.optional(),
    clients: text.optional().describe("the kind whose load changes"),
    factor: z
      .number(FACTOR)
      .min(0, FACTOR)
      .max(MOST_LOAD, FACTOR)
      .optional()
      .describe("on how often they come"),
    over: time.optional().describe("rises for so long before, and falls for so long after"),
    curve: text.optional().describe("CSV file with lines of time and factor: 06:00, 0.4"),
    every: time.optional().describe("after which the curve repeats; 24 h when left out"),
    fault: z
      .enum(FAULTS, { error: FAULTS.join(" | ") })
      .optional()
      .describe("what happens to the database, or to the pooler"),
    shutdown: z
      .enum(SHUTDOWNS, { error: SHUTDOWNS.join(" | ") })
      .optional()
      .describe(
        "how the old pooler goes: of a pooler_restart immediate when left out, of a pooler_takeover wait_for_clients",
      ),
  })
  .describe("{ at, for, clients, factor }, { clients, curve } or { at, for, fault }");

/** Each is simulated with pools of its own; more have no cores to run on. */
const MOST_PROCESSES = 1000;

/** A workload file, as it is written. */
export const workloadFile = z.strictObject({
  name: text.min(1, { error: "a name" }),
  description: text.optional(),
  pgbouncer: settings.optional().describe("settings of pgbouncer.ini by their own names and units"),
  ini: text.optional().describe("path of a pgbouncer.ini, relative to this file"),
  databases: z
    .record(z.string(), settings.nullable(), ENTRIES)
    .optional()
    .describe("as PgBouncer's [databases]"),
  users: z.record(z.string(), settings).optional().describe("as PgBouncer's [users]"),
  clients: z
    .array(kind, { error: "a list of kinds of clients" })
    .min(1, { error: "at least one kind of clients" }),
  server: z
    .strictObject({
      max_connections: count.default(100),
      connect_time: distribution.default("15 ms"),
      memory_per_connection: quantity(size, EXPECTED.size).default("10 MB"),
      cores: positive("a number of cores above 0")
        .optional()
        .describe("busy statements share so many; left out: service times never stretch"),
      cpu_share: quantity(share, EXPECTED.share)
        .default(1)
        .describe("part of the service time that needs a core"),
      speed: z
        .strictObject({
          cap: positive("a number of cores above 0, such as 6.9"),
          knee: positive("a sharpness above 0")
            .default(4)
            .describe("of the bend before it; met by CPU-bound queries on 2 cores"),
        })
        .optional()
        .describe("measured: what all statements get done together never exceeds `cap` cores"),
      usl: z
        .strictObject({
          sigma: z
            .number({ error: "a serial part from 0 to 1" })
            .min(0, { error: "a serial part from 0 to 1" })
            .max(1, { error: "a serial part from 0 to 1" }),
          kappa: z
            .number({ error: "a cost of each pair from 0" })
            .min(0, { error: "a cost of each pair from 0" }),
        })
        .optional()
        .describe("Universal Scalability Law; not beside `speed`"),
      quantum: time
        .optional()
        .describe(
          "a core's time for a statement before another's turn; left out: all advance alike",
        ),
      connect_cpu: distribution
        .optional()
        .describe("work on a core that each new connection costs; nothing when left out"),
    })
    .prefault({}),
  pooler: z
    .strictObject({
      discipline: z
        .enum(QUEUE_DISCIPLINES, { error: QUEUE_DISCIPLINES.join(" | ") })
        .optional()
        .describe(
          "who is served next: the oldest waiter (fifo, PgBouncer), the youngest, whoever is there first (Odyssey before 1.5.1), or who happens to look (pgagroal)",
        ),
      wake_up: time
        .optional()
        .describe("race: mean time until a waiter that is woken looks; 100 us when left out"),
      sleep: time.optional().describe("poll: between two looks; 500 ms when left out"),
      processes: atLeastOne
        .max(MOST_PROCESSES, { error: `a whole number from 1 to ${MOST_PROCESSES}` })
        .optional()
        .describe("on one port (so_reuseport), each with pools of its own; 1 when left out"),
      peering: time
        .optional()
        .describe(
          "round trip between two processes that know each other ([peers]): a cancel request that reaches another one than its client's is handed on; left out: it is lost, unless the ini has [peers]",
        ),
      cpu_per_message: time
        .optional()
        .describe(
          "work of a process for each request and each answer, one after the other; 0 when left out. Measured: PgBouncer 9 us, Poolwise's own 12 us",
        ),
    })
    .optional()
    .describe("the pooler beyond its settings"),
  network: z
    .strictObject({ client: time.default("0.5 ms"), server: time.default("0.2 ms") })
    .prefault({})
    .describe("round trips"),
  schedule: z.array(scheduled, { error: "a list of entries" }).optional(),
  slo: z
    .strictObject({
      wait_p50: time.optional(),
      wait_p95: time.optional(),
      wait_p99: time.optional(),
      response_p95: time.optional(),
      response_p99: time.optional(),
      timeouts: quantity(share, EXPECTED.share)
        .optional()
        .describe(
          "share of the transactions that may end in a timeout, such as 0.1 %; with retry a share of the attempts, so that a transaction that fails twice counts twice",
        ),
    })
    .optional()
    .describe("objective, for all clients together and for each kind of them by itself"),
  run: z
    .strictObject({
      duration: length.default("60 s"),
      warmup: z.union([z.literal("auto"), quantity(duration, WARMUP)]).default("auto"),
      seed: z.number({ error: "a whole number" }).int({ error: "a whole number" }).default(1),
      precision: quantity(share, EXPECTED.share).default("5 %"),
    })
    .prefault({}),
});

export type WorkloadFile = z.infer<typeof workloadFile>;
export type KindFile = WorkloadFile["clients"][number];

/** The published JSON Schema of a workload file. */
export function workloadJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(workloadFile, { io: "input", unrepresentable: "any" });
  return { ...schema, title: "Poolwise workload", $id: "urn:poolwise:workload" };
}
