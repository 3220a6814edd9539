/** `poolwise diff`: a change of settings, judged on a workload before it is made. */
import { Command } from "commander";
import { ConfigError } from "../../engine/config/index.ts";
import { duration, EXPECTED, share } from "../../workloads/schema/units.ts";
import type { Slo } from "../../workloads/schema/workload.ts";
import { diffReport, diffText } from "../report/diff.ts";
import { diffConfigs, loadPair, type Pair } from "../study/diff.ts";
import { type CommonOptions, checkCharts, overridesOf, withCommonOptions } from "./options.ts";
import { runLoaded, type StudyCommand } from "./study.ts";

const EXAMPLES = `
The two files take the place of all settings of the pooler in the workload; --set changes both. The names
of databases in the workload must be known to both files. Differences are between runs with the same think
and service times, so they are due to the settings.
Exit status 1 when the new settings miss the slo of the workload (or of --wait-p99 and --timeouts), or
turn clients away where the old ones did not: a gate for a change of settings.

Examples:
  poolwise diff pgbouncer.ini pgbouncer.new.ini workloads/storefront.yaml
  poolwise diff old.ini new.ini peak.yaml --wait-p99 10ms --timeouts '0.1 %'
  poolwise diff old.ini new.ini peak.yaml --json --chart change.html`;

interface DiffOptions extends CommonOptions {
  waitP99?: string;
  timeouts?: string;
}

/** The command; `finish` is told the exit status. */
export function diffCommand(finish: (status: number) => void): Command {
  const command = new Command("diff")
    .description("A change of pgbouncer.ini: what it does to a workload, and whether it may pass")
    .argument("<old>", "pgbouncer.ini as it is")
    .argument("<new>", "pgbouncer.ini as it is to be")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--wait-p99 <time>", "longest 99th-percentile wait to accept, such as 10ms")
    .option("--timeouts <share>", "share of timeouts to accept, such as '0.1 %'")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command, { mode: false, size: false }).action(
    async (from: string, to: string, workload: string, options: DiffOptions) => {
      checkCharts(options.chart);
      const slo = objectiveOf(options);
      const pair = loadPair([from, to], workload, overridesOf(options), slo);
      finish(await runLoaded(commandFor(pair), pair.fresh, options));
    },
  );
}

function commandFor(pair: Pair): StudyCommand {
  return {
    name: "diff",
    answer: (_workload, options) => diffConfigs(pair, options),
    text: diffText,
    report: diffReport,
    met: ({ verdict }) => verdict !== "fail",
  };
}

function objectiveOf({ waitP99, timeouts }: DiffOptions): Slo {
  return {
    ...(waitP99 === undefined
      ? {}
      : { wait_p99: quantity("--wait-p99", "time", waitP99, duration, EXPECTED.duration) }),
    ...(timeouts === undefined
      ? {}
      : { timeouts: quantity("--timeouts", "share", timeouts, share, EXPECTED.share) }),
  };
}

function quantity(
  at: string,
  name: string,
  got: string,
  read: (text: string) => number | undefined,
  expected: string,
): number {
  const value = read(got);
  if (value === undefined) throw new ConfigError({ at, name, got, expected });
  return value;
}
