/** An answer on the page: the very report that the command makes of it. */
import type { Report } from "../../sim/report/html.ts";
import { comparisonReport, runReport } from "../../sim/report/reports.ts";
import { sweepReport } from "../../sim/report/sweep.ts";
import type { Result } from "../../sim/study/results.ts";
import type { Point } from "../../sim/study/sweep.ts";
import { draw } from "../lib/chart.ts";
import { element } from "../lib/dom.ts";
import { table } from "../lib/table.ts";
import type { Question } from "./state.ts";

/** The report of a result; `points` are those of a sweep. */
export function reportOf(question: Question, result: Result, points: readonly Point[]): Report {
  switch (question) {
    case "simulate":
      return runReport(result);
    case "compare":
      return comparisonReport(result);
    case "sweep":
      return sweepReport(result, Object.keys(points[0] ?? {}));
  }
}

/** A report as elements: what was found, the charts, the tables. */
export async function shown(report: Report): Promise<HTMLElement[]> {
  const charts = await Promise.all(report.charts.map((chart) => draw(chart)));
  return [
    element("h2", {}, report.title),
    ...report.findings.map((text) => element("p", {}, text)),
    ...charts,
    ...report.tables
      .filter(({ rows }) => rows.length > 0)
      .map(({ title, head, rows, align }) => table(title, head, rows, align)),
  ];
}
