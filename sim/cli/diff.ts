/** `poolwise diff`: a change of settings, judged on a workload before it is made. */
import { Command } from "commander";
import { diffReport, diffText } from "../report/diff.ts";
import { diffConfigs, loadPair, type Pair } from "../study/diff.ts";
import { UsageError } from "./failure.ts";
import { type ObjectiveOptions, withObjective, withObjectiveSet } from "./objective.ts";
import { type CommonOptions, checkCharts, overridesOf, withCommonOptions } from "./options.ts";
import { runLoaded, type StudyCommand } from "./study.ts";

const EXAMPLES = `
The two files take the place of all settings of the pooler in the workload; --set changes both. The names
of databases in the workload must be known to both files. Differences are between runs with the same think
and service times, so they are due to the settings.
Exit status 1 when the new settings miss the slo of the workload (or of --wait-p99 and --timeouts), or
turn clients away or leave them unserved where the old ones did not: a gate for a change of settings.

Examples:
  poolwise diff pgbouncer.ini pgbouncer.new.ini workloads/storefront.yaml
  poolwise diff old.ini new.ini peak.yaml --wait-p99 10ms --timeouts '0.1 %'
  poolwise diff old.ini new.ini peak.yaml --json --chart change.html`;

/** The command; `finish` is told the exit status. */
export function diffCommand(finish: (status: number) => void): Command {
  const command = new Command("diff")
    .description("A change of pgbouncer.ini: what it does to a workload, and whether it may pass")
    .argument("<old>", "pgbouncer.ini as it is")
    .argument("<new>", "pgbouncer.ini as it is to be")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(withObjective(command), { mode: false, size: false }).action(
    async (from: string, to: string, workload: string, given: CommonOptions & ObjectiveOptions) => {
      checkCharts(given.chart);
      const options = withObjectiveSet(given);
      const pair = loadPair([from, to], workload, overridesOf(options));
      checkSet(given, pair);
      finish(await runLoaded(commandFor(pair), pair.fresh, options));
    },
  );
}

/** Errors: UsageError for a setting that --set gives both files although it is what they differ in. */
function checkSet({ set }: CommonOptions, { changes }: Pair): void {
  for (const text of set) {
    const key = text.slice(0, text.indexOf("=")).trim();
    const hidden = changes.find(({ section, name }) =>
      [`${section}.${name}`, ...(section === "pgbouncer" ? [name] : [])].includes(key),
    );
    if (hidden === undefined) continue;
    throw new UsageError(
      `--set ${text} holds for both files, and would hide that they differ in ${key}; leave it out`,
    );
  }
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
