/** `live` as text and as a report. */
import type { Result, Run } from "../study/results/index.ts";
import { nounFor } from "../study/words.ts";
import { queueDepth, runDistributions } from "./charts/index.ts";
import { configurationOf } from "./figures.ts";
import { runFindings } from "./findings.ts";
import type { Report } from "./html.ts";
import { kindTable, runTable, type Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { duration, NOTHING, whole } from "./units.ts";

/** The whole report, for `--chart`. */
export function liveReport(result: Result): Report {
  const [run] = result.runs as [Run];
  const charts = [runDistributions(`Live waits: ${result.workload}`, [run])];
  const { timeline = [] } = run;
  if (timeline.length > 0)
    charts.push(queueDepth(`Live queue over time: ${result.workload}`, timeline, MEASURED));
  return {
    title: `Live: ${result.workload}, ${configurationOf(run)}`,
    findings: [...runFindings(run), ...(result.notes ?? []), repeat(result, run)],
    charts,
    tables: tablesOf(run),
    data: result,
  };
}

const MEASURED = { time: "Measured time", subtitle: "SHOW POOLS, ten times a second" };

/** The terminal's version. */
export function liveText(result: Result): string {
  const [run] = result.runs as [Run];
  const tables = tablesOf(run).map(terminal).join("\n").trimEnd();
  return [runFindings(run).join("\n"), tables, repeat(result, run)].join("\n\n");
}

/** A live run has no intervals: one run says nothing of the next. What nobody saw is left out. */
function tablesOf(run: Run): Table[] {
  const { title, head, align, rows } = runTable(run);
  const keep = <T>(row: readonly T[]): T[] => row.filter((_, column) => column !== 2);
  const seen = rows.filter(([, value]) => value !== NOTHING && !value?.startsWith(`${NOTHING} `));
  const table = { title, head: keep(head), align: keep(align), rows: seen.map(keep) };
  return Object.keys(run.clients).length > 1 ? [table, kindTable(run)] : [table];
}

function repeat({ seed }: Result, run: Run): string {
  const measured = duration((run.measured_s ?? 0) * 1000);
  return `Measured: ${measured} after ${duration(run.warmup_s * 1000)}; ${whole(run.transactions)} ${nounFor(run.transactions, "transaction")}; seed ${seed}.`;
}
