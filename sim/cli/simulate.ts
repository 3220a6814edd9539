/** `poolwise simulate`: one configuration. */
import { Command } from "commander";
import { runReport, runText } from "../report/reports.ts";
import { study } from "../study/run.ts";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
Exit status 1 when the workload has an slo and the run does not meet it.

Examples:
  poolwise simulate workloads/storefront.yaml
  poolwise simulate workloads/storefront.yaml --pool-size 115 --chart waits.svg
  poolwise simulate workloads/storefront.yaml --set query_wait_timeout=5 --json`;

const SIMULATE: StudyCommand = {
  name: "simulate",
  answer: async (workload, options) => {
    const { run, notes } = await study(workload, options);
    return { runs: [run], ...(notes.length > 0 ? { notes } : {}) };
  },
  text: runText,
  report: runReport,
  met: ({ runs }) => runs.every((run) => run.slo?.met !== false),
};

/** The command; `finish` is told the exit status. */
export function simulateCommand(finish: (status: number) => void): Command {
  const command = new Command("simulate")
    .description("Waits, utilisation, queue, timeouts and memory of one configuration")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command).action(async (file: string, options: CommonOptions) =>
    finish(await runStudy(SIMULATE, file, options)),
  );
}
