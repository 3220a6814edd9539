/** `poolwise validate` and `poolwise tour`: predicted beside live, with a verdict. */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { ConfigError } from "../../engine/config/index.ts";
import { POOL_MODES, type PoolMode } from "../../engine/core/index.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { writeChart } from "../report/chart-file.ts";
import { validationReport, validationText } from "../report/validation.ts";
import { validationAnswer } from "../study/live/answer.ts";
import { ROOM_FOR_SET_UPS } from "../study/live/calibrating.ts";
import { hasOwnPools, ownPools, workloadOf } from "../study/live/pools.ts";
import { mostServerConnections } from "../study/live/room.ts";
import type { Cell } from "../study/live/stand.ts";
import { validate } from "../study/live/validate.ts";
import { poolsOf } from "../study/pools.ts";
import type { Result } from "../study/results/index.ts";
import { STATUS, UsageError } from "./failure.ts";
import { checkCharts, natural } from "./options.ts";
import { note, print, printText } from "./output.ts";
import {
  checkBreakable,
  checkPlaces,
  playing,
  type RealOptions,
  type RealWords,
  roomForClients,
  time,
  withPlaying,
} from "./real.ts";
import { packageFolder, version } from "./version.ts";

const EXAMPLES = `
Each repeat plays the same draws live and in the simulator. What the machine itself adds is measured
first, on a run without queueing. Exit status 1 when a prediction does not hold.

A measurement during which the machine stood still, so that a timer or the event loop of the measuring
process was more than 250 ms late, is made again, up to three times in all; the result says which were. The
figures that are compared have no say in it.

Without --dsn (or DATABASE_URL) a private PostgreSQL is started and removed again. With --pooler-dsn the
one configuration of that pooler is validated; it is read from its console, SHOW CONFIG and SHOW DATABASES,
if that user may use it, and else taken from the workload file. --dsn then names the database behind it,
where connection set-up and resets are measured.

Where the workload's transactions have work: cpu, real queries keep the cores busy. Then the database is
measured at two pool sizes, one connection and ten for each core, and all other sizes are predicted from it.

Faults of the schedule (stall, restart, failover, pooler_restart, pooler_takeover) are played, one
configuration at a time, where database and pooler are the run's own. Compared are then also the
transactions that failed, the clients' connections that were lost and the logins that came to nothing.
What is measured first knows no fault, and no global timeout of the pooler.

With pooler: { processes: 2 } two of our pooler share a port. Whom the system deals to which is looked at,
and the prediction is made for it.

Examples:
  poolwise validate workloads/cpu-bound.yaml --pool-size 2,3,4,6,8,12,16,24,40 --repeats 3 --duration '10 s'
  poolwise validate workloads/tour.yaml --pool-mode transaction --pool-size 5,7
  poolwise validate workloads/tour.yaml --dsn postgresql://me@localhost/test --json
  poolwise validate workloads/tour.yaml --pgbouncer /usr/sbin/pgbouncer --chart report.html
  poolwise validate workloads/tour.yaml --pooler-dsn postgresql://me@localhost:6432/test`;

const WORDS: RealWords = {
  poolMode: "session, transaction, statement, or several with commas",
  poolSize: "default_pool_size, or several with commas, such as 5,7",
  duration: "measured time of a live run",
  seed: "random seed; repeats derive theirs from it",
};

interface ValidateOptions extends RealOptions {
  repeats: string;
  secondLook?: string;
  all?: boolean;
}

/** The command; `finish` is told the exit status. */
export function validateCommand(finish: (status: number) => void): Command {
  const command = new Command("validate")
    .description("Play a workload for real and hold the prediction against it")
    .option("--repeats <number>", "live runs of each configuration", "5")
    .option(
      "--second-look <number>",
      "further ones where a figure misses its tolerance; 0: none (default: as many again)",
    )
    .option("--all", "print every figure of every configuration");
  return withPlaying(command, WORDS)
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: ValidateOptions) => finish(await run(file, options)));
}

/** The command behind `npm start`. */
export function tourCommand(finish: (status: number) => void): Command {
  return new Command("tour")
    .description("The main job in two minutes: a shipped workload, live and predicted, all modes")
    .option("--dsn <dsn>", "database to run against (default: DATABASE_URL, else a private one)")
    .option("--report <file>", "where to write the report", join(tmpdir(), "poolwise-tour.html"))
    .option("--json", "print one JSON object")
    .option("--quiet", "no progress, no notes")
    .action(async (options: { dsn?: string; report: string; json?: boolean; quiet?: boolean }) => {
      checkCharts([options.report], "--report");
      const file = join(packageFolder(), "workloads/tour.yaml");
      const status = await run(file, {
        poolMode: POOL_MODES.join(","),
        poolSize: TOUR_SIZES,
        repeats: "5",
        duration: "4 s",
        warmup: "1 s",
        set: [],
        chart: [options.report],
        ...(options.dsn === undefined ? {} : { dsn: options.dsn }),
        ...(options.json ? { json: true } : {}),
        ...(options.quiet ? { quiet: true } : {}),
      });
      if (!options.quiet) note(`report: ${options.report}`);
      finish(status);
    });
}

/** Connections for the tour; session mode needs one for each client that is connected, so it gets more. */
const TOUR_SIZES = "4,5,7";
const SESSION_FACTOR = 4;

async function run(file: string, options: ValidateOptions): Promise<number> {
  checkCharts(options.chart);
  const seed = natural("--seed", options.seed, 0);
  const workload = loadWorkload(file, { set: options.set, seed });
  const cells = options.poolerDsn === undefined ? cellsOf(workload, options) : [];
  const plan = {
    workload,
    cells,
    repeats: natural("--repeats", options.repeats),
    secondLook: natural("--second-look", options.secondLook ?? options.repeats, 0),
    warmup: time("--warmup", options.warmup),
    duration: time("--duration", options.duration),
    seed: workload.run.seed,
    together: TOGETHER,
  };
  checkPlaces(file, options);
  checkBreakable(workload, options, plan.duration);
  const result = await measured(plan, options);
  await present(result, options);
  return result.verdict === "pass" ? STATUS.done : STATUS.notMet;
}

/** Configurations that run at the same time: one of each mode, so that they meet the same machine. */
const TOGETHER = 3;

async function measured(
  plan: Omit<Parameters<typeof validate>[0], "database">,
  options: ValidateOptions,
): Promise<Result> {
  const { workload, seed } = plan;
  const connections = plan.cells.reduce(
    (sum, cell) => sum + mostServerConnections(workloadOf(workload, cell)),
    roomForClients(workload) + ROOM_FOR_SET_UPS,
  );
  const found = await playing(options, connections, (places, signal, progress) =>
    validate({
      ...plan,
      ...places,
      signal,
      onProgress: ({ done, what }) => progress.update(done, what),
    }),
  );
  const head = { poolwise: version(), command: "validate", workload: workload.name };
  const answer = validationAnswer(found);
  const notes = [...ownNotes(plan.cells, workload), ...(answer.notes ?? [])];
  return { ...head, seed, ...answer, ...(notes.length > 0 && { notes }) };
}

/** A configuration whose pools differ goes by the global settings; these are its pools. */
function ownNotes(cells: readonly Cell[], workload: Workload): string[] {
  if (!cells.some((cell) => cell.own)) return [];
  const pools = poolsOf(workload).map(
    ({ database, user, mode, size }) =>
      `${database.settings.name}/${user.settings.name} ${mode} mode, ${size}`,
  );
  return [`pools keep the mode and size that the file gives them: ${pools.join("; ")}`];
}

async function present(result: Result, options: ValidateOptions): Promise<void> {
  if (!options.quiet) for (const text of result.notes ?? []) note(`note: ${text}`);
  if (options.json) await print(JSON.stringify(result));
  else await printText(validationText(result, options.all === true));
  for (const file of options.chart) await writeChart(file, validationReport(result));
}

/** Where pools have a mode or a size of their own and nothing else is asked for, they keep them. */
function cellsOf(workload: Workload, options: ValidateOptions): Cell[] {
  if (!(options.poolMode ?? options.poolSize) && hasOwnPools(workload)) {
    const { pool_mode, pool_size } = ownPools(workload);
    return [{ name: "own", pool_mode, pool_size, own: true }];
  }
  const modes = (options.poolMode ?? workload.settings.pool_mode).split(",").map(modeOf);
  const own = String(workload.settings.default_pool_size);
  const texts = (options.poolSize ?? own).split(",");
  const place = options.poolSize === undefined ? "default_pool_size" : "--pool-size";
  const sizes = texts.map((text) => natural(place, text.trim(), 1, LARGEST));
  checkOnce("--pool-mode", modes);
  checkOnce("--pool-size", sizes);
  return sizes.flatMap((size) =>
    modes.map((pool_mode): Cell => {
      // With several modes at once a size is transaction mode's; session mode needs its multiple.
      const pool_size = modes.length > 1 && pool_mode === "session" ? size * SESSION_FACTOR : size;
      return { name: `${pool_mode}_${size}`, pool_mode, pool_size };
    }),
  );
}

/** Connections of a pool beyond which no PostgreSQL has room for all of them. */
const LARGEST = 10_000;

/** Errors: UsageError for one that is given twice: its configurations would have one name. */
function checkOnce(option: string, values: readonly (string | number)[]): void {
  const twice = values.find((value, i) => values.indexOf(value) < i);
  if (twice !== undefined)
    throw new UsageError(`${option}: ${twice} is given twice; once is enough`);
}

function modeOf(text: string): PoolMode {
  const mode = POOL_MODES.find((known) => known === text.trim());
  if (mode !== undefined) return mode;
  const expected = POOL_MODES.join(" | ");
  throw new ConfigError({ at: "--pool-mode", name: "mode", got: text, expected });
}
