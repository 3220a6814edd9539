/**
 * Whole reports: the text for a terminal and the same content for `--chart`. One function pair for
 * each command that has something to draw.
 */
import type { Result, Run } from "../study/results.ts";
import { bars, sparkline } from "./blocks.ts";
import { modeBars, queueDepth, runDistributions } from "./charts.ts";
import { mostCharts, mostFindings, mostTables } from "./clients.ts";
import { dashboardTables } from "./dashboard.ts";
import { connectionsOf, provenance } from "./figures.ts";
import { comparisonFindings, runFindings } from "./findings.ts";
import type { Report } from "./html.ts";
import { page } from "./page.ts";
import {
  breakageTable,
  compareTable,
  differenceTable,
  kindTable,
  runTable,
  terminal,
} from "./tables.ts";
import { digits, duration, percent } from "./units.ts";

/** `simulate`: one run. */
export function runReport(result: Result): Report {
  const run = only(result);
  const charts = [runDistributions(`Waits: ${result.workload}`, [run])];
  const { timeline } = run;
  if (timeline) charts.push(queueDepth(`Queue over time: ${result.workload}`, timeline));
  return {
    title: `${result.workload}: ${run.pool_mode} mode, ${connectionsOf(run)}`,
    findings: [...runFindings(run), ...(result.notes ?? []), repeat(result)],
    charts,
    tables: [runTable(run), ...kindTables([run]), ...dashboardTables(run)],
    data: result,
  };
}

/** The terminal's version of `runReport`; `quiet` leaves out meanings and pictures. */
export function runText(result: Result, quiet: boolean): string {
  const run = only(result);
  const own = [runTable(run, !quiet), ...kindTables([run]), ...dashboardTables(run)];
  const tables = own.map(terminal);
  const pictures = quiet ? [] : [waitPicture(run), queuePicture(run)];
  return page([runFindings(run), tables, pictures, [repeat(result)]]);
}

/** `compare`: the pool modes side by side. */
export function comparisonReport(result: Result): Report {
  return {
    title: `Pool modes: ${result.workload}`,
    findings: [
      ...mostFindings(result.most_clients ?? []),
      ...comparisonFindings(result),
      ...(result.notes ?? []),
      repeat(result),
    ],
    charts: [
      ...mostCharts(result.workload, result.most_clients),
      modeBars(`Pool modes: ${result.workload}`, result.runs),
      runDistributions("Waits in each mode", result.runs),
    ],
    tables: [
      ...mostTables(result.most_clients),
      compareTable(result.runs),
      differenceTable(result.differences ?? []),
      breakageTable(),
      ...kindTables(result.runs),
    ],
    data: result,
  };
}

/** The terminal's version of `comparisonReport`. */
export function comparisonText(result: Result, quiet: boolean): string {
  const tables = [
    ...mostTables(result.most_clients),
    compareTable(result.runs, !quiet),
    differenceTable(result.differences ?? []),
    ...(quiet ? [] : [breakageTable()]),
  ];
  const found = [...mostFindings(result.most_clients ?? []), ...comparisonFindings(result)];
  return page([found, tables.map(terminal), [repeat(result)]]);
}

function only(result: Result): Run {
  const [run] = result.runs;
  if (run === undefined) throw new RangeError("a report needs a run");
  return run;
}

/** Tables of the kinds of clients, where there is more than one kind. */
function kindTables(runs: readonly Run[]) {
  return runs.filter((run) => Object.keys(run.clients).length > 1).map(kindTable);
}

function repeat(result: Result): string {
  const [run] = result.runs;
  return run === undefined
    ? `Seed ${result.seed}.`
    : `To repeat: ${provenance(run, result.seed, result.precision)}.`;
}

const PICTURED = [0.5, 0.9, 0.95, 0.99, 0.999];

function waitPicture(run: Run): string {
  const rows = PICTURED.flatMap((p) => {
    const point = (run.distribution ?? []).find((each) => Math.abs(each.p - p) < 1e-9);
    if (point === undefined) return [];
    const label = `${percent(p)} wait at most`;
    return [{ label, value: point.wait_ms, text: duration(point.wait_ms) }];
  });
  return rows.length === 0 ? "" : `Waits\n${bars(rows)}\n`;
}

function queuePicture(run: Run): string {
  const { timeline = [] } = run;
  const most = Math.max(0, ...timeline.map((moment) => moment.clients_waiting));
  const last = timeline.at(-1);
  if (last === undefined || most === 0) return "";
  const line = sparkline(timeline.map((moment) => moment.clients_waiting));
  const title = `Clients waiting, first replication, 0 to ${duration(last.at_s * 1000)}`;
  return `${title}; at most ${digits(most)}\n${line}\n`;
}
