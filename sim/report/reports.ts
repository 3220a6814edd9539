/**
 * Whole reports: the text for a terminal and the same content for `--chart`. One function pair for
 * each command that has something to draw.
 */
import type { Result, Run } from "../study/results/index.ts";
import {
  type Chart,
  modeBars,
  occupancySpans,
  queueDepth,
  runDistributions,
  spanChart,
} from "./charts/index.ts";
import { mostCharts, mostFindings, mostTables } from "./clients.ts";
import { dashboardTables } from "./dashboard.ts";
import { configurationOf, provenance } from "./figures.ts";
import { comparisonFindings, runFindings } from "./findings.ts";
import type { Report } from "./html.ts";
import { page } from "./page.ts";
import { occupancyLanes, queueLine, runsBars, waitBars } from "./small-charts.ts";
import { breakageTable, compareTable, differenceTable, kindTable, runTable } from "./tables.ts";
import { terminal } from "./terminal.ts";

/** `simulate`: one run. */
export function runReport(result: Result): Report {
  const run = only(result);
  const charts = [runDistributions(`Waits: ${result.workload}`, [run])];
  const { timeline } = run;
  if (timeline) charts.push(queueDepth(`Queue over time: ${result.workload}`, timeline));
  charts.push(...occupancyCharts([run], result.workload));
  return {
    title: `${result.workload}: ${configurationOf(run)}`,
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
  const pictures = quiet ? [] : [waitBars(run), queueLine(run), ...occupancyTexts([run])];
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
      ...occupancyCharts(result.runs, result.workload),
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
  const pictures = quiet
    ? []
    : [runsBars(result.runs, ({ pool_mode }) => pool_mode), ...occupancyTexts(result.runs)];
  return page([found, tables.map(terminal), pictures, [repeat(result)]]);
}

/** Who has which server connection, for each run that tells it. */
function occupancyCharts(runs: readonly Run[], workload: string): Chart[] {
  return runs.flatMap(({ pool_mode, occupancy }) =>
    occupancy === undefined
      ? []
      : spanChart(
          `Server connections, ${pool_mode} mode: ${workload}`,
          occupancySpans(occupancy),
          occupancy.to_ms,
        ),
  );
}

const occupancyTexts = (runs: readonly Run[]): string[] =>
  runs.flatMap(({ pool_mode, occupancy }) =>
    occupancy === undefined ? [] : occupancyLanes(occupancy, `, ${pool_mode} mode`),
  );

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
  const precise = result.runs.every((each) => each.precise);
  return run === undefined
    ? `Seed ${result.seed}.`
    : `To repeat: ${provenance({ ...run, precise }, result.seed, result.precision)}.`;
}
