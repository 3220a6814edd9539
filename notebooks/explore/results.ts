/** An answer on the page: the very report that the command makes of it. */
import type { Report } from "../../sim/report/html.ts";
import { partsOf } from "../../sim/report/kept.ts";
import { comparisonReport, runReport } from "../../sim/report/reports.ts";
import { sweepReport } from "../../sim/report/sweep.ts";
import type { Point } from "../../sim/study/points.ts";
import type { Result } from "../../sim/study/results/index.ts";
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
export interface Shown {
  elements: HTMLElement[];
  /** Draws the charts, one after the other, into their places; stops when `over` says so. */
  draw(over: () => boolean): Promise<void>;
}

/**
 * Words and figures are there at once, and the charts of before stay in the places of the new ones (`before`), for a
 * chart takes longer than a frame.
 */
export function shown(report: Report, before: readonly HTMLElement[]): Shown {
  const places = report.charts.map((_, i) => before[i] ?? element("figure"));
  const elements = [
    element("h2", {}, report.title),
    ...report.findings.map((text) => element("p", {}, ...sentence(text))),
    ...places,
    ...report.tables
      .filter(({ rows }) => rows.length > 0)
      .map(({ title, head, rows, align }) => table(title, head, rows, align)),
  ];
  const drawAll = async (over: () => boolean): Promise<void> => {
    for (const [i, chart] of report.charts.entries()) {
      const figure = await draw(chart);
      if (over()) return;
      places[i]?.replaceWith(figure);
    }
  };
  return { elements, draw: drawAll };
}

const sentence = (text: string): (Node | string)[] =>
  partsOf(text).map((part) =>
    part.kept ? element("span", { class: "kept" }, part.text) : part.text,
  );
