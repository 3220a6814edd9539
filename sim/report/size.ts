/** `size` as text and as a report: the answer first, then the curve, then what a harder day brings. */
import type { CurvePoint, Result, Run, Sensitivity } from "../study/results/index.ts";
import { counted, nounFor } from "../study/words.ts";
import type { Chart } from "./charts/chart.ts";
import type { CurveOptions } from "./charts/curves.ts";
import { responseCurve, throughputCurve, waitCurve } from "./charts/index.ts";
import { between, provenance } from "./figures.ts";
import { sloFindings, trouble } from "./findings.ts";
import type { Report } from "./html.ts";
import { page } from "./page.ts";
import { curveBars } from "./small-charts.ts";
import { curveTable, runTable, type Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { digits, duration, durations, memory, percent, signed } from "./units.ts";

/** The report of a sizing. */
export function sizeReport(result: Result): Report {
  const { workload, curve = [], recommended } = result;
  const options = {
    workload,
    slo_wait_p99_ms: result.slo?.terms.find((term) => term.name === "wait_p99")?.limit,
    recommended: recommended?.pool_size,
  };
  const run = result.runs[0];
  return {
    title: title(result),
    findings: [...findings(result), ...(result.notes ?? [])],
    charts: curve.length < 2 ? [] : chartsOf(result, curve, options),
    tables: [curveTable(curve), ...sensitivities(result), ...(run ? [runTable(run)] : [])],
    data: result,
  };
}

function chartsOf(result: Result, curve: readonly CurvePoint[], options: CurveOptions): Chart[] {
  const plain = [waitCurve(curve, options), throughputCurve(curve, options)];
  if (result.best === undefined) return plain;
  const limit = result.slo?.terms.find((term) => term.name === "response_p99")?.limit;
  return [responseCurve(curve, { ...options, slo_response_p99_ms: limit }), ...plain];
}

/** The terminal's version of `sizeReport`; `quiet` leaves out the picture. */
export function sizeText(result: Result, quiet: boolean): string {
  const { curve = [], recommended } = result;
  const tables = [curveTable(curve), ...sensitivities(result)].map(terminal);
  const picture = quiet ? "" : curveBars(curve, result.best !== undefined);
  return page([
    [title(result)],
    findings(result),
    tables,
    [picture],
    recommended ? [`pgbouncer.ini:\n${recommended.ini}`] : [],
  ]);
}

function title({ workload, recommended, runs, verdict }: Result): string {
  const mode = runs[0]?.pool_mode ?? "";
  if (recommended === undefined && verdict === "unsure")
    return `${workload}: no pool size in ${mode} mode was found that surely meets the objective`;
  if (recommended === undefined)
    return `${workload}: no pool size in ${mode} mode meets the objective`;
  return `${workload}: default_pool_size = ${recommended.pool_size} in ${mode} mode`;
}

function findings(result: Result): string[] {
  const { recommended, knee, reasons = [], slo, runs } = result;
  const [run] = runs;
  return [
    ...reasons.map((text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`),
    ...(recommended === undefined ? [] : [recommended.reason]),
    ...sloFindings(slo),
    ...(run === undefined ? [] : [cost(run), ...trouble(run)]),
    ...(knee === undefined ? [] : [kneeFinding(knee)]),
    ...sharedFindings(result),
    ...(run === undefined ? [] : [`To repeat: ${provenance(run, result.seed, result.precision)}.`]),
  ];
}

function cost(run: Run): string {
  const { max } = run.server_connections;
  const opened = `${digits(max)} of the database's max_connections`;
  return `At most ${opened} and ${memory(run.memory_mb)} of its memory are taken.`;
}

function kneeFinding({ pool_size, throughput_tps }: NonNullable<Result["knee"]>): string {
  return (
    `The knee of the throughput is at ${counted(pool_size, "connection")}` +
    `${pool_size > 1 ? " or fewer" : ""}: ` +
    `with ${digits(throughput_tps)} transactions/s, at least 99 % of the most that any size gets through.`
  );
}

/** Where busy statements share the database's cores: the sizes that do, the best, and what more costs. */
function sharedFindings({ region, best, bigger, curve = [] }: Result): string[] {
  const found: string[] = [];
  if (region !== undefined) found.push(regionFinding(region, curve));
  if (best !== undefined)
    found.push(
      `The response at p99 is shortest, ${duration(best.response_p99_ms)} ` +
        `(95 %: ${between(best.response_p99_ms_ci95, durations)}), ` +
        `with ${counted(best.pool_size, "connection")}.`,
    );
  return bigger === undefined ? found : [...found, biggerFinding(bigger)];
}

/** Where the time was up before the search was, there may be more beside the one that is known. */
function regionFinding(
  { from, to }: NonNullable<Result["region"]>,
  curve: readonly CurvePoint[],
): string {
  if (from !== to) return `From ${from} to ${to} connections meet the objective.`;
  const looked = (size: number): boolean =>
    size === 0 || curve.some((each) => each.pool_size === size);
  const they = `${counted(from, "connection")} ${nounFor(from, "meets", "meet")} the objective`;
  return looked(from - 1) && looked(from + 1) ? `Only ${they}.` : `${they}.`;
}

function biggerFinding(bigger: NonNullable<Result["bigger"]>): string {
  const { pool_size, than, hurts, response_p99_change_ms_ci95, throughput_tps } = bigger;
  const [from, to] = durations(bigger.response_p99_ms);
  const [slow, fast] = throughput_tps.map(digits);
  const change = between(response_p99_change_ms_ci95, signed(durations));
  const rate = between(
    bigger.throughput_change_tps_ci95,
    signed((values) => values.map(digits)),
  );
  return (
    `A pool of ${pool_size} would ${hurts ? "hurt" : helps(bigger) ? "help" : "not help"} beside ${than}: response p99 ` +
    `from ${from} to ${to} (difference, 95 %: ${change}), throughput from ${slow}/s to ${fast}/s ` +
    `(${rate}).`
  );
}

/** Shorter responses, or more throughput, that are no accident of the draws. */
function helps(bigger: NonNullable<Result["bigger"]>): boolean {
  const [, slowest = 0] = bigger.response_p99_change_ms_ci95 ?? [];
  const [fewest = 0] = bigger.throughput_change_tps_ci95 ?? [];
  return slowest < 0 || fewest > 0;
}

function sensitivities({ sensitivity = [] }: Result): Table[] {
  if (sensitivity.length === 0) return [];
  const tails = durations(sensitivity.map((row) => row.wait_p99_ms));
  const row = (each: Sensitivity, i: number): string[] => [
    each.change,
    tails[i] as string,
    between(each.wait_p99_ms_ci95, durations),
    percent(each.utilization),
    each.slo_met ? "yes" : `no${each.missed === undefined ? "" : `: ${each.missed.join(", ")}`}`,
  ];
  return [
    {
      title: "A harder day at this size",
      head: ["", "wait, p99", "95 % interval", "in use", "SLO met"],
      align: ["left", "right", "right", "right", "left"],
      rows: sensitivity.map(row),
    },
  ];
}
