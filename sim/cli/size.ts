/** `poolwise size`: the smallest pool that meets the objective, and why. */
import { Command } from "commander";
import { sizeReport, sizeText } from "../report/size.ts";
import { sizePool } from "../study/size/size.ts";
import { UsageError } from "./failure.ts";
import { type CommonOptions, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
The objective is the slo of the workload, or what the options say. A size meets it when the upper end of
the 95 % interval does. Exit status 1 when no size does.

Examples:
  poolwise size workloads/storefront.yaml
  poolwise size workloads/five-thousand-on-fifty.yaml --wait-p99 '5 ms' --chart curve.svg
  poolwise size workloads/json-api.yaml --pool-mode session --json`;

interface SizeOptions extends CommonOptions {
  waitP99?: string;
  timeouts?: string;
}

const SIZE: StudyCommand = {
  name: "size",
  answer: async (workload, options) => {
    if (Object.values(workload.slo).every((limit) => limit === undefined))
      throw new UsageError(
        `${workload.file}: no objective to size for; give --wait-p99 '10 ms', or slo: { wait_p99: 10 ms } in the file`,
      );
    return await sizePool(workload, options);
  },
  text: sizeText,
  report: sizeReport,
  met: ({ verdict }) => verdict === "pass",
};

/** The command; `finish` is told the exit status. */
export function sizeCommand(finish: (status: number) => void): Command {
  const command = new Command("size")
    .description("The smallest default_pool_size that meets the objective, the curve, and why")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--wait-p99 <time>", "objective: 99 % of the transactions wait no longer")
    .option("--timeouts <share>", "objective: share of the transactions that may time out")
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command, { size: false }).action(
    async (file: string, options: SizeOptions) =>
      finish(
        await runStudy(SIZE, file, { ...options, set: [...options.set, ...objective(options)] }),
      ),
  );
}

/** The objective's options as the keys of the file that they stand for. */
function objective({ waitP99, timeouts }: SizeOptions): string[] {
  const given = { "slo.wait_p99": waitP99, "slo.timeouts": timeouts };
  return Object.entries(given).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${value}`],
  );
}
