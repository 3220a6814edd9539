/** `poolwise size`: the smallest pool that meets the objective, and why. */
import { Command } from "commander";
import { sizeReport, sizeText } from "../report/size.ts";
import { sizePool } from "../study/size/size.ts";
import {
  demandObjective,
  type ObjectiveOptions,
  withObjective,
  withObjectiveSet,
} from "./objective.ts";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
The objective is the slo of the workload, or what the options say. A size meets it when the upper end of
the 95 % interval does. Exit status 1 when no size does.

Examples:
  poolwise size workloads/storefront.yaml
  poolwise size workloads/five-thousand-on-fifty.yaml --wait-p99 '5 ms' --chart curve.svg
  poolwise size workloads/json-api.yaml --pool-mode session --json`;

const SIZE: StudyCommand = {
  name: "size",
  answer: async (workload, options) => {
    demandObjective(workload, "to size for");
    return await sizePool(workload, options);
  },
  patience: 10_000,
  needsIntervals: true,
  text: sizeText,
  report: sizeReport,
  met: ({ verdict }) => verdict === "pass",
};

/** The command; `finish` is told the exit status. */
export function sizeCommand(finish: (status: number) => void): Command {
  const command = new Command("size")
    .description("The smallest default_pool_size that meets the objective, the curve, and why")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(withObjective(command), { size: false }).action(
    async (file: string, options: CommonOptions & ObjectiveOptions) =>
      finish(await runStudy(SIZE, file, withObjectiveSet(options))),
  );
}
