/** `poolwise compare`: the three pool modes on the same draws. */
import { Command } from "commander";
import { comparisonReport, comparisonText } from "../report/reports.ts";
import { compareModes, compareModesAndClients } from "../study/compare.ts";
import { UsageError } from "./failure.ts";
import {
  demandObjective,
  type ObjectiveOptions,
  withObjective,
  withObjectiveSet,
} from "./objective.ts";
import { type CommonOptions, occupancyOption, withCommonOptions } from "./options.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
Differences are between runs with the same think and service times, so they are due to the mode.
Exit status 1 when the workload has an slo and no mode meets it. Clients that are turned away (by
max_client_conn, say) or never served miss it, whatever the waits of the others are.

--clients multiplies the load (the number of clients of each kind, the rate of arrivals from outside) and
searches for the most that each mode carries within the objective: the slo of the workload, or what
--wait-p99 and --timeouts say. A load counts when the upper end of the 95 % interval is within the limit.
max_client_conn is raised with the clients, and a note says so. Where all clients pass through pools of the
application (app_pool) and the objective is for the pooler's wait alone, it may be any number. It takes 60 s at most, or --time-limit.
Exit status 1 when no mode carries anybody.

Examples:
  poolwise compare workloads/eleventh-client.yaml
  poolwise compare workloads/storefront.yaml --chart modes.html
  poolwise compare workloads/storefront.yaml --pool-size 50 --json
  poolwise compare workloads/eleventh-client.yaml --occupancy '10 s' --chart who.html
  poolwise compare workloads/ten-times.yaml --clients
  poolwise compare workloads/thousands-on-twenty.yaml --clients --wait-p99 '5 ms' --time-limit '2 min'`;

interface CompareOptions extends CommonOptions, ObjectiveOptions {
  clients?: boolean;
}

const COMPARE: StudyCommand = {
  name: "compare",
  answer: async (workload, options) => {
    const { notes, ...found } = await compareModes(workload, options);
    return { ...found, ...(notes.length > 0 ? { notes } : {}) };
  },
  text: comparisonText,
  report: comparisonReport,
  met: ({ runs }) => runs.some((run) => run.slo?.met !== false),
};

const WITH_CLIENTS: StudyCommand = {
  ...COMPARE,
  answer: async (workload, options) => {
    demandObjective(workload, "that clients are to meet");
    const { notes, ...found } = await compareModesAndClients(workload, options);
    return { ...found, ...(notes.length > 0 ? { notes } : {}) };
  },
  needsIntervals: true,
  met: ({ most_clients = [] }) => most_clients.some(({ load }) => load > 0),
};

/** The command; `finish` is told the exit status. */
export function compareCommand(finish: (status: number) => void): Command {
  const command = new Command("compare")
    .description("Session, transaction and statement mode side by side on the same draws")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--clients", "the most clients that each mode carries within the objective")
    .addOption(occupancyOption())
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(withObjective(command), { mode: false }).action(
    async (file: string, options: CompareOptions) => {
      checkModes(options);
      const study = options.clients === true ? WITH_CLIENTS : COMPARE;
      finish(await runStudy(study, file, withObjectiveSet(options)));
    },
  );
}

/** Errors: UsageError for a pool mode of all pools: every mode is tried. */
function checkModes({ set }: CompareOptions): void {
  const mode = set.find((text) => /^(pgbouncer\.)?pool_mode=/.test(text));
  if (mode === undefined) return;
  throw new UsageError(`--set ${mode} has no effect: compare tries every pool mode; leave it out`);
}
