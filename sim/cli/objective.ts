/** `--wait-p99` and `--timeouts`: an objective on the command line, for commands that need one. */
import type { Command } from "commander";
import type { Workload } from "../../workloads/schema/workload.ts";
import { hasObjective } from "../study/slo.ts";
import { UsageError } from "./failure.ts";
import type { CommonOptions } from "./options.ts";

export interface ObjectiveOptions {
  waitP99?: string;
  timeouts?: string;
}

/** Adds the options. */
export function withObjective(command: Command): Command {
  return command
    .option(
      "--wait-p99 <time>",
      "objective: 99 % of the transactions wait no longer (default: the file's slo)",
    )
    .option(
      "--timeouts <share>",
      "objective: share of the transactions, with retry of the attempts, that may time out (default: the file's slo)",
    );
}

/** The same options with the objective as assignments to the keys of the file that it stands for. */
export function withObjectiveSet<T extends CommonOptions & ObjectiveOptions>(options: T): T {
  const { waitP99, timeouts } = options;
  const typed = {
    ...(waitP99 !== undefined && { [`slo.wait_p99=${waitP99}`]: `--wait-p99 ${waitP99}` }),
    ...(timeouts !== undefined && { [`slo.timeouts=${timeouts}`]: `--timeouts ${timeouts}` }),
  };
  return { ...options, set: [...options.set, ...Object.keys(typed)], typed };
}

/** Errors: UsageError when there is no objective; `what` says what it is needed for. */
export function demandObjective({ file, slo }: Workload, what: string): void {
  if (hasObjective(slo)) return;
  throw new UsageError(
    `${file}: no objective ${what}; give --wait-p99 '10 ms', or slo: { wait_p99: 10 ms } in the file`,
  );
}
