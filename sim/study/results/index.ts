/**
 * What `--json` prints: one object, the same shape for every command. The schema is the single source:
 * TypeScript's types come from it, and so does `result.schema.json`, which is published. Names end in
 * their unit (_ms, _s, _mb, _tps); an interval is [low, high] at 95 %.
 */
import { z } from "zod";
import { capacity } from "./capacity.ts";
import { change, check } from "./check.ts";
import { mostClients } from "./clients.ts";
import { dashboard } from "./dashboard.ts";
import { occupancy } from "./occupancy.ts";
import { best, bigger, curvePoint, knee, recommended, region, sensitivity } from "./size.ts";
import { cores, pooler } from "./stations.ts";
import { coveredFigure, theory } from "./theory.ts";
import { count, interval, share } from "./units.ts";

export type { Check } from "./check.ts";
export type { MostClients } from "./clients.ts";
export type { DashboardResult } from "./dashboard.ts";
export type { CoveredFigure, Theory, TheoryRow, TheorySpread } from "./theory.ts";

const wait = z
  .strictObject({
    mean: z.number().describe("over all transactions, those that did not wait included"),
    mean_ci95: interval.optional(),
    p50: z.number(),
    p50_ci95: interval.optional(),
    p95: z.number(),
    p95_ci95: interval.optional(),
    p99: z.number(),
    p99_ci95: interval.optional(),
    max: z.number(),
  })
  .describe("milliseconds");

const slo = z
  .strictObject({
    met: z.boolean(),
    terms: z.array(
      z.strictObject({
        name: z
          .string()
          .describe(
            "key of the workload's `slo`, such as wait_p99; or what misses every objective: unserved (clients that wait in vain), refused (turned away by a limit), server_error (the database refused a connection)",
          ),
        clients: z
          .string()
          .optional()
          .describe(
            "the kind of clients that does not surely meet this by itself; all of them when absent",
          ),
        limit: z.number(),
        value: z.number().describe("what was simulated, in the unit of the limit"),
        unit: z.string().describe("ms, clients, times, or empty for a share"),
        of: z
          .literal("attempts")
          .optional()
          .describe("what the share is of, where clients retry; transactions when absent"),
        met: z.boolean(),
        certain: z
          .boolean()
          .describe(
            "whether the 95 % interval lies wholly on one side of the limit; without one that of the share of transactions beyond it; where nothing settles only a miss is",
          ),
      }),
    ),
  })
  .describe("service level objective of the workload, held against this run");

const ERRORS =
  "clients dropped, by PgBouncer's reason; client_timeout, client_cancel and app_pool_timeout are the application's own";
const RETRIES = "further attempts at transactions that had failed";
const TIMEOUT_SHARE =
  "of the transactions asked for, with retries of the attempts at them, the part that ended in a timeout";
const GIVEN_UP = "transactions that clients with a timeout, retries or a pool of their own gave up";

const kind = z
  .strictObject({
    transactions: count,
    wait_ms: wait.describe("wait for a server connection, milliseconds"),
    response_ms: wait.describe("whole transaction as the client sees it, milliseconds"),
    app_wait_ms: wait.optional().describe("wait for a connection of the application's own pool"),
    throughput_tps: z.number(),
    timeouts: count,
    timeout_share_ci95: interval.optional().describe(TIMEOUT_SHARE),
    refused: count,
    retries: count.optional().describe(RETRIES),
    given_up: count.optional().describe(GIVEN_UP),
    errors: z.record(z.string(), count).describe(ERRORS),
  })
  .describe("one kind of client");

const distributionPoint = z.strictObject({
  p: share.describe("share of the transactions"),
  wait_ms: z.number().describe("that did not wait longer"),
  response_ms: z.number().describe("that did not take longer"),
});

const moment = z.strictObject({
  at_s: z.number().describe("seconds since the start, simulated or recorded"),
  clients_waiting: z.number(),
  servers_active: z.number().describe("server connections linked to a client"),
  server_connections: z.number(),
});

const pools = z
  .array(
    z.strictObject({
      database: z.string(),
      user: z.string(),
      pool_mode: z.enum(["session", "transaction", "statement"]),
      pool_size: count,
    }),
  )
  .describe("the pools of the clients, where they have several");

/** One configuration, simulated. */
export const runSchema = z
  .strictObject({
    pool_mode: z.enum(["session", "transaction", "statement"]),
    pool_size: count.describe("default_pool_size, or the size that all pools of the clients have"),
    pools: pools.optional(),
    settings: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe("settings that differ from the workload file"),
    simulated_s: z.number().describe("simulated seconds behind the figures, all replications"),
    measured_s: z.number().optional().describe("live: measured seconds; nothing was simulated"),
    warmup_s: z.number().describe("simulated seconds dropped at the start of each replication"),
    replications: count.describe("independent runs"),
    precise: z.boolean().describe("whether the asked-for precision was reached in time"),
    unsteady: z
      .string()
      .optional()
      .describe("why there is no steady state: waits are only those of the simulated time"),
    transactions: count,
    events: count,
    wall_s: z.number().describe("real seconds it took"),
    wait_ms: wait.describe(
      "from a transaction's first message reaching the pooler (session mode: from login) to a server connection being assigned, milliseconds",
    ),
    wait_probability: share.describe("share of the transactions that waited at all"),
    wait_probability_ci95: interval.optional(),
    timeout_share_ci95: interval.optional().describe(TIMEOUT_SHARE),
    response_ms: wait.describe("whole transaction as the client sees it, milliseconds"),
    app_wait_ms: wait.optional().describe("wait for a connection of the application's own pool"),
    throughput_tps: z.number().describe("transactions completed a second"),
    throughput_tps_ci95: interval.optional(),
    utilization: share.describe(
      "server connections linked to a client / pool size, or connections where a reserve makes them more",
    ),
    clients_waiting: z.strictObject({
      mean: z.number(),
      max: z.number(),
      unserved: z.number().describe("of the mean: clients that wait and get no server connection"),
      logins: z.number().optional().describe("of the mean: to be let in, for want of any server"),
    }),
    server_connections: z.strictObject({
      mean: z.number(),
      max: z.number().describe("as in SHOW SERVERS: also one in login that is refused in the end"),
      opened: z.number().describe("opened after the warm-up, per replication"),
    }),
    multiplexing: z
      .number()
      .describe(
        "connected clients per server connection, without those that are never served; where nothing settles the queue is among them",
      ),
    memory_mb: z.number().describe("admitted connections (most) x memory_per_connection"),
    cores: cores.optional(),
    pooler: pooler.optional(),
    timeouts: count.describe("clients dropped by a timeout"),
    refused: count.describe("clients refused by a limit"),
    retries: count.optional().describe(RETRIES),
    given_up: count.optional().describe(GIVEN_UP),
    errors: z.record(z.string(), count).describe(ERRORS),
    clients: z.record(z.string(), kind).describe("the same figures for each kind of client"),
    slo: slo.optional(),
    distribution: z.array(distributionPoint).optional(),
    timeline: z.array(moment).optional().describe("course of the first replication"),
    dashboard: dashboard.optional(),
    occupancy: occupancy.optional(),
  })
  .describe("one configuration");

const unseen = z.number().nullable();

/** One configuration, measured live: what nobody could see is null. */
const liveRunSchema = runSchema
  .extend({
    utilization: share.nullable(),
    clients_waiting: z.strictObject({ mean: unseen, max: unseen, unserved: z.number() }),
    server_connections: z.strictObject({ mean: unseen, max: unseen, opened: z.null() }),
    multiplexing: unseen,
    memory_mb: unseen,
  })
  .describe("one configuration, measured live; null: what nobody could see");

const difference = z
  .strictObject({
    from: z.string().describe("pool mode, value of the varied setting, or configuration file"),
    to: z.string(),
    wait_mean_ms: z.number().describe("mean wait of `to` minus that of `from`"),
    wait_mean_ms_ci95: interval,
    wait_p99_ms: z.number(),
    wait_p99_ms_ci95: interval,
    throughput_tps: z.number(),
    throughput_tps_ci95: interval,
    timeouts: z.number().optional().describe(TIMEOUT_SHARE),
    timeouts_ci95: interval.optional(),
    server_connections: z.number().optional().describe("open over time"),
    server_connections_ci95: interval.optional(),
    memory_mb: z
      .number()
      .optional()
      .describe("for the most connections of a replication; the mean of all"),
    memory_mb_ci95: interval.optional(),
  })
  .describe(
    "paired difference on the same draws; an interval without 0 is a difference that is real",
  );

const figures = z
  .record(z.string(), z.number())
  .describe("figures by their path in a run, such as wait_ms.p99");

const comparedQuantile = z.strictObject({
  p: share,
  predicted_ms: z.number(),
  live_ms: z.number(),
});

const firstLook = z
  .strictObject({
    repeats: count,
    failed: z.array(z.string()).describe("figures that were off by more than their tolerance"),
    error: figures.describe("of these: predicted / live - 1"),
  })
  .describe("how it looked before it was played more often, because a figure missed its tolerance");

const validation = z
  .strictObject({
    pool_mode: z.enum(["session", "transaction", "statement"]),
    pool_size: count,
    pools: pools.optional(),
    repeats: count.describe("live runs, each predicted from its own seed"),
    predicted: figures,
    live: figures.describe("measured, median of the repeats"),
    noise: figures.describe(
      "repeat-to-repeat variation of the live run, relative; of real work that of predicted / live",
    ),
    error: figures.describe("predicted / live - 1; of real work the median of the repeats' own"),
    tolerance: figures.describe("what the prediction may be off by, in the figure's unit"),
    verdict: z.enum(["pass", "fail"]),
    failed: z.array(z.string()).describe("figures that are off by more than their tolerance"),
    first_look: firstLook.optional(),
    quantiles: z.array(comparedQuantile),
    errors: z.record(z.string(), count).describe("live errors by SQLSTATE and text"),
  })
  .describe("one configuration, predicted and live");

const measuredAgain = z
  .strictObject({
    what: z.enum(["calibration", "live"]).describe("the measurement without queueing, or the run"),
    repeat: count.describe("from 1"),
    times: count.describe("further attempts, at most two"),
    longest_ms: z.number().describe("how long the machine stood still in what was dropped"),
    used_ms: z.number().describe("and in what is used: the last attempt, or the quietest"),
    quiet: z.boolean().describe("false: no attempt was quiet, and what is used is not either"),
  })
  .describe(
    "measured again, because a timer or the event loop of the measuring process was more than 250 ms late; the figures that are compared have no say in it",
  );

const replay = z
  .strictObject({
    recorded_s: z.number().describe("length of the recording"),
    inputs: count.nullable().describe("inputs of the scheduler; null: not all could be replayed"),
    turns: count.describe("batches of inputs"),
    decisions: count.describe("what the scheduler decided in answer to them"),
    kinds: z.record(z.string(), count).describe("decisions by kind"),
    checks: count.describe("hashes of all decisions so far that were compared"),
    equal: z.boolean().nullable().describe("null: the journal is too short to have a hash"),
    difference: z
      .strictObject({ at_s: z.number().nullable(), message: z.string() })
      .optional()
      .describe("where the replay stopped being the recording"),
    cut_bytes: count.describe("incomplete record at the end of a journal that was cut off"),
    pools: z.array(
      z.strictObject({
        database: z.string(),
        user: z.string(),
        pool_mode: z.enum(["session", "transaction", "statement"]),
        pool_size: count,
        transactions: count,
        assignments: count.describe("server connections given to clients"),
        wait_s: z.number().describe("time that clients waited for them, all together"),
      }),
    ),
    wait_ms: wait.describe("wait for each server connection that was given, milliseconds"),
    timeline: z.array(moment),
  })
  .describe("a journal, replayed");

/** The whole answer of one command. */
export const resultSchema = z
  .strictObject({
    poolwise: z.string().describe("version"),
    command: z.string(),
    workload: z.string().describe("name of the workload; replay: of the journal; check: files"),
    seed: z.number().int().describe("0 where nothing is drawn"),
    precision: z.number().optional().describe("asked-for relative half-width of the intervals"),
    interrupted: z.boolean().optional().describe("true: stopped by hand, figures so far"),
    runs: z.array(runSchema),
    differences: z.array(difference).optional().describe("compare, sweep, diff"),
    most_clients: z.array(mostClients).optional().describe("compare --clients"),
    changes: z.array(change).optional().describe("diff: settings that differ"),
    recommended: recommended.optional().describe("size, advise"),
    slo: slo
      .optional()
      .describe("size: the objective at the recommended size; diff: with the new settings"),
    curve: z.array(curvePoint).optional().describe("size: the curve around the answer"),
    knee: knee.optional(),
    best: best.optional().describe("size, where the database's cores are shared"),
    region: region.optional().describe("size, where the database's cores are shared"),
    bigger: bigger.optional().describe("size, where the database's cores are shared"),
    reasons: z
      .array(z.string())
      .optional()
      .describe("size: why no size will do, and what else may"),
    sensitivity: z.array(sensitivity).optional().describe("size: harder days"),
    predicted: figures.optional().describe("validate: simulated"),
    live: figures.optional().describe("validate: measured, median of the repeats"),
    noise: figures
      .optional()
      .describe("validate: repeat-to-repeat variation of the live run, relative"),
    error: figures.optional().describe("validate: predicted / live - 1"),
    quantiles: z.array(comparedQuantile).optional().describe("validate: wait, predicted and live"),
    validations: z.array(validation).optional().describe("validate: every configuration"),
    calibration: figures.optional().describe("validate: what the machine adds, mean milliseconds"),
    capacity: capacity.optional().describe("validate, where statements are real work"),
    instrument: figures
      .optional()
      .describe("validate: the driver's own part, never taken off the waits; worst of all runs"),
    measured_again: z
      .array(measuredAgain)
      .optional()
      .describe("validate: what was measured more than once, because the machine stood still"),
    replay: replay.optional(),
    check: check.optional(),
    theory: theory.optional().describe("theory: simulated beside exact"),
    coverage: z.array(coveredFigure).optional().describe("theory --coverage"),
    verdict: z
      .enum(["pass", "fail", "unsure"])
      .optional()
      .describe("validate, replay, check, diff, size, theory"),
    notes: z
      .array(z.string())
      .optional()
      .describe("what a reader should know before believing this"),
  })
  .describe("Result of a poolwise command");

/** The answer of `live`. */
export const liveResultSchema = resultSchema.extend({ runs: z.array(liveRunSchema) });

export type Run = z.infer<typeof runSchema>;
export type Result = z.infer<typeof resultSchema>;
export type Validated = z.infer<typeof validation>;
export type Occupancy = z.infer<typeof occupancy>;
export type Replay = z.infer<typeof replay>;
export type Wait = z.infer<typeof wait>;
export type KindResult = z.infer<typeof kind>;
export type Difference = z.infer<typeof difference>;
export type CurvePoint = z.infer<typeof curvePoint>;
export type Sensitivity = z.infer<typeof sensitivity>;
export type SloOutcome = z.infer<typeof slo>;
export type Moment = z.infer<typeof moment>;
export type ComparedQuantile = z.infer<typeof comparedQuantile>;
export type Recommended = z.infer<typeof recommended>;
/** A setting as it stands in a result. */
export type SettingValue = string | number | boolean;
/** [low, high], or null when there is no interval. */
export type Interval95 = z.infer<typeof interval>;

/** The published JSON Schema of a result, as in `result.schema.json`. */
export function resultJsonSchema(): Record<string, unknown> {
  const runs = z.array(z.union([runSchema, liveRunSchema]));
  const schema = z.toJSONSchema(resultSchema.extend({ runs }), { io: "output" });
  return { ...schema, title: "poolwise --json", $id: "urn:poolwise:result" };
}
