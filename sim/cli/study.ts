/**
 * What the commands that simulate have in common: load the workload with its overrides, show progress,
 * stop on Ctrl-C, then print the result as text or JSON and draw it.
 */
import { loadWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { writeChart } from "../report/chart-file.ts";
import { csvOf } from "../report/csv.ts";
import type { Report } from "../report/html.ts";
import { percent } from "../report/units.ts";
import { overlooked } from "../study/overlooked.ts";
import type { Result } from "../study/results/index.ts";
import type { StudyOptions, StudyProgress } from "../study/run.ts";
import { openSimulator } from "../study/threads.ts";
import { STATUS, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import {
  type CommonOptions,
  checkCharts,
  natural,
  occupancyTimeOf,
  overridesOf,
  settingsOf,
  threadsOf,
  timeLimitOf,
} from "./options.ts";
import { note, print, printText } from "./output.ts";
import { sayWhenUp, startProgress } from "./progress.ts";
import { version } from "./version.ts";

/** The part of a result that is a command's own. */
export type Answer = Pick<Result, "runs"> & Partial<Result>;

/** A command on a workload: how it finds its answer and how it shows it. */
export interface StudyCommand {
  name: string;
  answer(workload: Workload, study: StudyOptions): Promise<Answer>;
  text(result: Result, quiet: boolean): string;
  report(result: Result): Report;
  /** Real milliseconds after which it says what it is still doing; it is silent when left out. */
  patience?: number;
  /** Its answer rests on intervals, which one replication has not. */
  needsIntervals?: boolean;
  /** Whether the exit status is 0 rather than 1. */
  met(result: Result): boolean;
}

/** Runs such a command from its options to its output; returns the exit status. */
export async function runStudy(
  command: StudyCommand,
  file: string,
  options: CommonOptions,
): Promise<number> {
  checkCharts(options.chart);
  return runLoaded(command, loadWorkload(file, overridesOf(options)), options);
}

/** The same with a workload that is loaded already; it gives the result its name and seed. */
export async function runLoaded(
  command: StudyCommand,
  workload: Workload,
  options: CommonOptions,
): Promise<number> {
  checkCharts(options.chart);
  if (options.json && options.csv) throw new UsageError("--json and --csv: one of the two");
  const timeLimit = timeLimitOf(options.timeLimit);
  const replications = natural(
    "--replications",
    options.replications,
    command.needsIntervals ? 2 : 1,
  );
  const settings = settingsOf(options);
  const occupancy = occupancyTimeOf(options.occupancy);
  const simulator = openSimulator(threadsOf(options.workers));
  const quiet = options.quiet === true;
  try {
    const limit = replications === undefined ? timeLimit : undefined;
    const deadline = limit && Date.now() + limit + patienceWith(limit);
    const { own, interrupted } = await watched(quiet, command.patience, limit, (watch) =>
      command.answer(workload, {
        ...{ ...watch, timeLimit, deadline, replications, settings, occupancy, simulator },
      }),
    );
    const result = complete(command.name, workload, own, interrupted);
    await present(command, result, options);
    if (interrupted) return STATUS.interrupted;
    return command.met(result) ? STATUS.done : STATUS.notMet;
  } finally {
    // Last: Node.js 20 may abort when a thread ends while V8 still optimizes its code.
    await simulator.close();
  }
}

/** Milliseconds beyond a time limit that the first two replications are waited for: as long again. */
const patienceWith = (limit: number): number => Math.max(10_000, limit);

/** Runs `work` with a progress bar and with Ctrl-C as a request to stop; `limit`: of the user, milliseconds. */
async function watched(
  quiet: boolean,
  patience: number | undefined,
  limit: number | undefined,
  work: (watch: Pick<StudyOptions, "signal" | "onProgress">) => Promise<Answer>,
): Promise<{ own: Answer; interrupted: boolean }> {
  const { signal, release } = interruptible(quiet ? undefined : "stops, with what is known so far");
  const progress = startProgress(quiet, patience);
  const inTime = quiet || limit === undefined ? () => undefined : sayWhenUp(limit, note);
  const onProgress = ({ share, replications, precision, what }: StudyProgress): void =>
    progress.update(
      share,
      what ?? `replication ${replications}, intervals +- ${percent(precision)}`,
    );
  try {
    return { own: await work({ signal, onProgress }), interrupted: signal.aborted };
  } finally {
    inTime();
    progress.stop();
    release();
  }
}

function complete(command: string, workload: Workload, own: Answer, interrupted: boolean): Result {
  const { seed, precision } = workload.run;
  const head = { poolwise: version(), command, workload: workload.name, seed, precision };
  const notes = [...overlooked(workload), ...(own.notes ?? [])];
  const more = { ...(interrupted && { interrupted }), ...(notes.length > 0 && { notes }) };
  return { ...head, ...own, ...more };
}

async function present(
  command: StudyCommand,
  result: Result,
  options: CommonOptions,
): Promise<void> {
  const quiet = options.quiet === true;
  if (!quiet) for (const text of result.notes ?? []) note(`note: ${text}`);
  await printed(command, result, options);
  for (const file of options.chart) {
    await writeChart(file, command.report(result));
    if (!quiet) note(`drawn: ${file}`);
  }
}

function printed(command: StudyCommand, result: Result, options: CommonOptions): Promise<void> {
  if (options.json) return print(JSON.stringify(result));
  if (options.csv) return print(csvOf(result));
  return printText(command.text(result, options.quiet === true));
}
