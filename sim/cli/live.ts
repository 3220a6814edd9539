/** `poolwise live`: a workload played for real, once. */
import { Command } from "commander";
import { loadWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { writeChart } from "../report/chart-file.ts";
import { liveReport, liveText } from "../report/live.ts";
import { playOnce } from "../study/live/live.ts";
import { ownPools } from "../study/live/pools.ts";
import type { Result } from "../study/results/index.ts";
import { counted } from "../study/words.ts";
import { STATUS } from "./failure.ts";
import { checkCharts, natural, settingsOf } from "./options.ts";
import { note, print, printText } from "./output.ts";
import {
  checkBreakable,
  checkPlaces,
  playing,
  type RealOptions,
  type RealWords,
  roomFor,
  time,
  withPlaying,
} from "./real.ts";
import { version } from "./version.ts";

const EXAMPLES = `
Statements are pg_sleep: whole milliseconds, no load on a core; with work: cpu in a transaction they are
queries that keep a core busy. The report has the figures of "simulate";
what nobody could see (a queue without a console) is left out, and null in JSON.
Faults of the schedule are played where database and pooler are the run's own: stall (the database's
processes stand still), restart (it dies and comes back), failover (it stands still until a second one, made of
a copy of its data, has its place), pooler_restart and pooler_takeover, each over by the window's end.
Where there are several poolers, or one takes another's place, each has a journal: FILE, FILE.2 and so on.
Exit status 1 when the workload has an slo and the run does not meet it.

Without --dsn (or DATABASE_URL) a private PostgreSQL is started and removed again. With --pooler-dsn, --dsn
names the database behind that pooler; without it the clocks are compared through the pooler.

Examples:
  poolwise live workloads/tour.yaml
  poolwise live workloads/tour.yaml --pool-mode session --pool-size 20 --journal tour.journal
  poolwise live workloads/tour.yaml --dsn postgresql://me@localhost/test --json
  poolwise live workloads/tour.yaml --pooler-dsn postgresql://me@localhost:6432/test --chart live.html`;

const WORDS: RealWords = {
  poolMode: "pool_mode: session, transaction or statement",
  poolSize: "default_pool_size, such as 60",
  duration: "measured time",
  seed: "random seed; the draws are those of the simulator",
};

/** The command; `finish` is told the exit status. */
export function liveCommand(finish: (status: number) => void): Command {
  const command = new Command("live").description(
    "Play a workload for real, through a real pooler into a real PostgreSQL",
  );
  return withPlaying(command, WORDS)
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: RealOptions) => finish(await run(file, options)));
}

async function run(file: string, options: RealOptions): Promise<number> {
  checkCharts(options.chart);
  const workload = workloadOf(file, options);
  const plan = {
    workload,
    warmup: time("--warmup", options.warmup),
    duration: time("--duration", options.duration),
    seed: workload.run.seed,
    settings: settingsOf(options),
  };
  checkPlaces(file, options);
  checkBreakable(workload, options, plan.duration);
  const { run, notes, instrument } = await playing(
    options,
    roomFor(workload),
    (places, signal, progress) =>
      playOnce({
        ...plan,
        ...places,
        signal,
        onProgress: ({ phase, elapsed, transactions }) =>
          progress.update(
            elapsed / (plan.warmup + plan.duration),
            `${phase}, ${counted(transactions, "transaction")}`,
          ),
      }),
  );
  const head = { poolwise: version(), command: "live", workload: workload.name, seed: plan.seed };
  const result: Result = { ...head, runs: [run], instrument, notes };
  await present(result, options);
  return run.slo?.met === false ? STATUS.notMet : STATUS.done;
}

async function present(result: Result, options: RealOptions): Promise<void> {
  if (!options.quiet) for (const text of result.notes ?? []) note(`note: ${text}`);
  await (options.json ? print(JSON.stringify(result)) : printText(liveText(result)));
  for (const file of options.chart) {
    await writeChart(file, liveReport(result));
    if (!options.quiet) note(`drawn: ${file}`);
  }
}

/** With its options. Errors: ConfigError, also where pools of several modes cannot be played together. */
function workloadOf(file: string, options: RealOptions): Workload {
  const { set, poolMode, poolSize } = options;
  const seed = natural("--seed", options.seed, 0);
  const size = natural("--pool-size", poolSize);
  const workload = loadWorkload(file, { set, seed, poolMode, poolSize: size });
  if (options.poolerDsn === undefined) ownPools(workload);
  return workload;
}
