/** `poolwise replay`: recorded traffic through the same scheduler again. */
import { basename } from "node:path";
import { Command } from "commander";
import { writeChart } from "../report/chart-file.ts";
import { replayReport, replayText } from "../report/replay.ts";
import { replayFile } from "../study/replay.ts";
import type { Result } from "../study/results/index.ts";
import { STATUS } from "./failure.ts";
import { chartOption, checkCharts } from "./options.ts";
import { note, print, printText } from "./output.ts";
import { version } from "./version.ts";

const EXAMPLES = `
A journal holds every input of a pooler's scheduler and, again and again, a hash of all it has decided so
far. The replay must come to the same hashes. Exit status 1 when it does not. A journal whose end is cut
off, by a crash or while the pooler still writes, is replayed up to there.

Examples:
  poolwise pooler pgbouncer.ini --journal traffic.journal
  poolwise replay traffic.journal
  poolwise replay traffic.journal --json --chart queue.svg`;

interface ReplayOptions {
  json?: boolean;
  chart: string[];
  quiet?: boolean;
}

/** The command; `finish` is told the exit status. */
export function replayCommand(finish: (status: number) => void): Command {
  return new Command("replay")
    .description("Recorded traffic through the same scheduler again: the same decisions?")
    .argument("<journal>", "file that `poolwise pooler --journal` wrote")
    .option("--json", "print one JSON object")
    .addOption(chartOption())
    .option("--quiet", "no notes")
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, options: ReplayOptions) => finish(await run(file, options)));
}

async function run(file: string, options: ReplayOptions): Promise<number> {
  checkCharts(options.chart);
  const replay = replayFile(file);
  const verdict = replay.equal === null ? "unsure" : replay.equal ? "pass" : "fail";
  const head = { poolwise: version(), command: "replay", workload: basename(file), seed: 0 };
  const result: Result = { ...head, runs: [], replay, verdict };
  await (options.json ? print(JSON.stringify(result)) : printText(replayText(result)));
  for (const chart of options.chart) {
    await writeChart(chart, replayReport(result));
    if (!options.quiet) note(`drawn: ${chart}`);
  }
  return verdict === "fail" ? STATUS.notMet : STATUS.done;
}
