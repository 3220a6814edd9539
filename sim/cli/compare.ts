/** `poolwise compare`: the three pool modes on the same draws. */
import { Command } from "commander";
import { comparisonReport, comparisonText } from "../report/reports.ts";
import { compareModes } from "../study/compare.ts";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
Differences are between runs with the same think and service times, so they are due to the mode.
Exit status 1 when the workload has an slo and no mode meets it.

Examples:
  poolwise compare workloads/eleventh-client.yaml
  poolwise compare workloads/storefront.yaml --chart modes.html
  poolwise compare workloads/storefront.yaml --pool-size 50 --json`;

const COMPARE: StudyCommand = {
  name: "compare",
  answer: async (workload, options) => {
    const { runs, differences, notes } = await compareModes(workload, options);
    return { runs, differences, ...(notes.length > 0 ? { notes } : {}) };
  },
  text: comparisonText,
  report: comparisonReport,
  met: ({ runs }) => runs.some((run) => run.slo?.met !== false),
};

/** The command; `finish` is told the exit status. */
export function compareCommand(finish: (status: number) => void): Command {
  const command = new Command("compare")
    .description("Session, transaction and statement mode side by side on the same draws")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command, { mode: false }).action(
    async (file: string, options: CommonOptions) => finish(await runStudy(COMPARE, file, options)),
  );
}
