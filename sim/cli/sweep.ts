/** `poolwise sweep`: a grid of settings on the same draws. */
import { Command } from "commander";
import { loadWorkload } from "../../workloads/schema/load.ts";
import { sweepReport, sweepText } from "../report/sweep.ts";
import type { Point } from "../study/points.ts";
import { type Axis, gridOf, parseVary, sweep } from "../study/sweep.ts";
import { UsageError } from "./failure.ts";
import { type CommonOptions, gather, overridesOf, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
Any key of the file or setting of PgBouncer can be varied, several at once; every combination is simulated
on the same draws. Exit status 1 when the workload has an slo and no point meets it.

Examples:
  poolwise sweep workloads/tour.yaml --vary default_pool_size=4..8
  poolwise sweep workloads/json-api.yaml --vary default_pool_size=8..16:2 --vary pool_mode=session,transaction
  poolwise sweep workloads/tour.yaml --vary clients.visitors.count=16..64:16 --csv
  poolwise sweep workloads/tour.yaml --vary default_pool_size=4..8 --vary clients.visitors.count=20..40:10 --chart map.svg`;

interface SweepOptions extends CommonOptions {
  vary: string[];
}

/** The command; `finish` is told the exit status. */
export function sweepCommand(finish: (status: number) => void): Command {
  const command = new Command("sweep")
    .description("Any grid of settings, every point on the same draws")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--vary <key=a..b:step>", "what to vary; repeatable; or KEY=A,B,C", gather, [])
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command).action(async (file: string, options: SweepOptions) =>
    finish(await runStudy(sweeping(file, options), file, options)),
  );
}

function sweeping(file: string, options: SweepOptions): StudyCommand {
  if (options.vary.length === 0)
    throw new UsageError(
      "nothing to vary; give --vary KEY=A..B[:STEP], such as default_pool_size=4..8",
    );
  const axes = options.vary.map(parseVary);
  checkKeys(axes, options);
  const points: Point[] = gridOf(axes);
  const overrides = overridesOf(options);
  const load = (assignments: string[]) =>
    loadWorkload(file, {
      ...overrides,
      set: [...options.set, ...assignments],
      typed: Object.fromEntries(assignments.map((text) => [text, `--vary ${text}`])),
    });
  return {
    name: "sweep",
    answer: async (_, study) => {
      const { runs, differences, notes } = await sweep(points, load, study);
      return { runs, differences, ...(notes.length > 0 ? { notes } : {}) };
    },
    text: (result, quiet) => sweepText(result, Object.keys(points[0] ?? {}), quiet),
    report: (result) => sweepReport(result, Object.keys(points[0] ?? {})),
    met: ({ runs }) => runs.some((run) => run.slo?.met !== false),
  };
}

/** Options that stand for a key of the file. Given with it, the option would hold at every point. */
const OPTIONS = [
  ["poolMode", "--pool-mode", /^(pgbouncer\.)?pool_mode$|^databases\..*\.pool_mode$/],
  ["poolSize", "--pool-size", /^(pgbouncer\.)?default_pool_size$|^databases\..*\.pool_size$/],
  ["duration", "--duration", /^run\.duration$/],
  ["precision", "--precision", /^run\.precision$/],
] as const;

/** What all points have in common, so that they can be held against each other. */
const COMMON = /^run\.(seed|warmup)$/;

/** Errors: UsageError for a key that an option sets as well, or that is the same at every point. */
function checkKeys(axes: readonly Axis[], options: SweepOptions): void {
  for (const text of options.set) {
    const varied = axes.find(({ key }) => bare(key) === bare(text.split("=")[0] ?? ""));
    if (varied !== undefined)
      throw new UsageError(`--set ${text} and --vary ${varied.key}: one of the two`);
  }
  const common = axes.find((axis) => COMMON.test(axis.key));
  if (common !== undefined)
    throw new UsageError(
      `--vary ${common.key} has no effect: every point has the same draws and the same warm-up; ` +
        `try poolwise simulate --set ${common.key}=VALUE`,
    );
  for (const [name, option, key] of OPTIONS) {
    const varied = axes.find((axis) => options[name] !== undefined && key.test(axis.key));
    if (varied === undefined) continue;
    throw new UsageError(`${option} and --vary ${varied.key}: one of the two`);
  }
}

/** A setting by its own name, whether it is said where in the file it stands or not. */
const bare = (key: string): string => key.trim().replace(/^pgbouncer\./, "");
