/** `poolwise simulate`: one configuration. */
import { Command } from "commander";
import { ConfigError, durationWithUnit } from "../../engine/config/index.ts";
import { MILLISECOND, type Nanos } from "../../engine/core/index.ts";
import { exposition } from "../report/exposition.ts";
import { checkWritable, writeWhole } from "../report/files.ts";
import { runReport, runText } from "../report/reports.ts";
import { study } from "../study/run.ts";
import { UsageError } from "./failure.ts";
import { type CommonOptions, occupancyOption, withCommonOptions } from "./options.ts";
import { checkApart, note } from "./output.ts";
import { runStudy, type StudyCommand } from "./study.ts";

const EXAMPLES = `
Exit status 1 when the workload has an slo and the run does not meet it. Clients that are turned away (by
max_client_conn, say) or never served miss it, whatever the waits of the others are.

--show adds what PgBouncer's own tables would say of the first replication, beside the true waits: SHOW
divides the time waited by all transactions, and leaves out waits that ended without a server. --metrics
writes the same counters under the names of pgbouncer_exporter, with times, as OpenMetrics:
  promtool tsdb create-blocks-from openmetrics FILE

Examples:
  poolwise simulate workloads/storefront.yaml
  poolwise simulate workloads/storefront.yaml --pool-size 115 --chart waits.svg
  poolwise simulate workloads/storefront.yaml --set query_wait_timeout=5 --json
  poolwise simulate workloads/json-api.yaml --pool-size 8 --occupancy '500 ms' --chart who.svg
  poolwise simulate workloads/storefront.yaml --show --every '5 s' --metrics day.txt`;

interface SimulateOptions extends CommonOptions {
  show?: boolean;
  every?: string;
  metrics?: string;
  start?: string;
}

const EVERY = "15 s";
const START = "2026-01-01T00:00:00Z";

/** The command; `finish` is told the exit status. */
export function simulateCommand(finish: (status: number) => void): Command {
  const command = new Command("simulate")
    .description("Waits, utilisation, queue, timeouts and memory of one configuration")
    .argument("<workload>", "workload file, such as workloads/storefront.yaml")
    .option("--show", "also what SHOW STATS and SHOW POOLS would print, beside the true waits")
    .option("--every <time>", `how often they are looked at (default: ${EVERY})`)
    .option(
      "--metrics <file>",
      "write them for Prometheus (OpenMetrics), as pgbouncer_exporter does",
    )
    .option("--start <time>", `time of day of the first sample there (default: ${START})`)
    .addOption(occupancyOption())
    .addHelpText("after", EXAMPLES);
  return withCommonOptions(command).action(async (file: string, options: SimulateOptions) =>
    finish(await runStudy(simulation(file, options), file, options)),
  );
}

/** Errors: ConfigError for a time that is none; UsageError for one that nothing needs. */
function simulation(file: string, options: SimulateOptions): StudyCommand {
  const { metrics, show } = options;
  const looks = show === true || metrics !== undefined;
  if (options.every !== undefined && !looks)
    throw new UsageError("--every has no effect alone; give it --show or --metrics FILE");
  if (options.start !== undefined && metrics === undefined)
    throw new UsageError("--start is of the samples of --metrics; give it --metrics FILE");
  if (show && options.csv)
    throw new UsageError("--csv and --show: one of the two, CSV has only the runs");
  const dashboard = looks ? { every: everyOf(options.every ?? EVERY) } : undefined;
  const start = startOf(options.start ?? START);
  checkApart("--metrics", metrics, file);
  if (metrics !== undefined) checkWritable(metrics);
  return {
    name: "simulate",
    answer: async (workload, watch) => {
      const { run, notes, dashboard: seen } = await study(workload, { ...watch, dashboard });
      if (metrics !== undefined && seen !== undefined) {
        await writeWhole(metrics, exposition(seen, start));
        if (!options.quiet) note(`written: ${metrics}`);
      }
      return { runs: [run], ...(notes.length > 0 ? { notes } : {}) };
    },
    text: runText,
    report: runReport,
    met: ({ runs }) => runs.every((run) => run.slo?.met !== false),
  };
}

/** Each look is kept: nobody has a use for millions of them. */
const SHORTEST_EVERY: Nanos = MILLISECOND;

function everyOf(text: string): Nanos {
  const nanos = durationWithUnit(text) ?? 0;
  if (nanos >= SHORTEST_EVERY) return nanos;
  const expected = "a duration from 1 ms with its unit, such as 15 s";
  throw new ConfigError({ at: "--every", name: "time", got: text, expected });
}

function startOf(text: string): Date {
  const start = new Date(text);
  const [, year = 0, month = 0, day = 0] = /^(\d{4})-(\d\d)-(\d\d)/.exec(text) ?? [];
  // JavaScript takes the 31st of February for the 3rd of March.
  const last = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (Number(day) > 0 && Number(day) <= last && !Number.isNaN(start.getTime())) return start;
  const expected = "a date, or date and time, such as 2026-01-01T00:00:00Z";
  throw new ConfigError({ at: "--start", name: "time", got: text, expected });
}
