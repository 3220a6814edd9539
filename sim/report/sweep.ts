/** `sweep` as text and as a report: one row a point, and a picture of one or two keys. */

import type { Result, Run } from "../study/results/index.ts";
import { turnedAway } from "../study/slo.ts";
import type { Chart } from "./charts/index.ts";
import { runBars } from "./charts/modes.ts";
import { heatMap, runCurve } from "./charts/sweep.ts";
import { between, hasTimes } from "./figures.ts";
import { NO_TRANSACTION } from "./findings.ts";
import type { Report } from "./html.ts";
import { page } from "./page.ts";
import { runsBars, shadeMap } from "./small-charts.ts";
import { differenceTable, type Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { SERIES } from "./theme.ts";
import { digits, durations, NOTHING, percent, whole } from "./units.ts";

/** The report of a sweep over `keys`. */
export function sweepReport(result: Result, keys: readonly string[]): Report {
  return {
    title: title(result, keys),
    findings: [...findings(result), ...(result.notes ?? []), repeat(result)],
    charts: pictures(result, keys),
    tables: tables(result, keys),
    data: result,
  };
}

/** The terminal's version of `sweepReport`; `quiet` leaves out the picture. */
export function sweepText(result: Result, keys: readonly string[], quiet = false): string {
  return page([
    [title(result, keys)],
    findings(result),
    tables(result, keys).map(terminal),
    quiet ? [] : [smallPicture(result.runs, keys)],
    [repeat(result)],
  ]);
}

const title = ({ workload }: Result, keys: readonly string[]): string =>
  `${workload}: over ${keys.join(" and ")}`;

const repeat = ({ seed }: Result): string => `Seed ${seed}; every point on the same draws.`;

/** What went wrong at which points; not each point by itself, when it is many. */
function findings({ runs }: Result): string[] {
  const troubled = runs.filter(dropsClients).length;
  const imprecise = runs.filter((run) => !run.precise && run.unsteady === undefined).length;
  const unsteady = runs.filter((run) => run.unsteady !== undefined).length;
  const idle = runs.filter((run) => run.transactions === 0).length;
  const at = (points: number): string => `At ${points} of ${runs.length} points`;
  return [
    ...(idle > 0 ? [`${at(idle)} ${NO_TRANSACTION}`] : []),
    ...(troubled > 0 ? [`${at(troubled)} clients go unserved or are dropped.`] : []),
    ...(unsteady > 0 ? [`${at(unsteady)} the queue grows, and has no wait of its own.`] : []),
    ...(imprecise > 0
      ? [
          `${at(imprecise)} the asked-for precision was not reached: ` +
            "give it more with --time-limit or --replications.",
        ]
      : []),
  ];
}

const dropsClients = ({ clients_waiting, errors }: Run): boolean =>
  clients_waiting.unserved > 0 || Object.keys(errors).length > 0;

/** Beyond this many values the differences of neighbours are for JSON. */
const FEW = 12;

function tables(result: Result, keys: readonly string[]): Table[] {
  const differences = result.differences ?? [];
  return [
    pointTable(result.runs, keys),
    ...(differences.length > 0 && differences.length <= FEW ? [differenceTable(differences)] : []),
  ];
}

function pointTable(runs: readonly Run[], keys: readonly string[]): Table {
  const times = (pick: (run: Run) => number): string[] =>
    durations(runs.map((run) => (hasTimes(run) ? pick(run) : Number.NaN)));
  const means = times((run) => run.wait_ms.mean);
  const tails = times((run) => run.wait_ms.p99);
  const responses = times((run) => run.response_ms.p99);
  const rest = [
    "wait, mean",
    "wait, p99",
    "95 % interval of it",
    "response, p99",
    "throughput",
    "in use",
    "dropped",
    "SLO met",
  ];
  return {
    title: "Every point on the same draws",
    head: [...keys, ...rest],
    align: [...keys, ...rest].map(() => "right" as const),
    rows: runs.map((run, i) => [
      ...keys.map((key) => `${run.settings[key]}`),
      ...[means[i] as string, tails[i] as string],
      ...[between(run.wait_ms.p99_ci95, durations), responses[i] as string],
      `${digits(run.throughput_tps)}/s`,
      percent(run.utilization),
      whole(run.timeouts + turnedAway(run)),
      run.slo === undefined ? NOTHING : run.slo.met ? "yes" : "no",
    ]),
  };
}

function pictures({ workload, runs }: Result, keys: readonly string[]): Chart[] {
  const [first, second, ...more] = keys;
  if (first === undefined || more.length > 0 || runs.length < 2) return [];
  if (second !== undefined) return [heatMap(`p99 wait: ${workload}`, runs, first, second)];
  if (runs.every((run) => typeof run.settings[first] === "number"))
    return [runCurve(workload, runs, first)];
  const bars = runs.map((run, i) => ({
    label: `${run.settings[first]}`,
    colour: SERIES[i % SERIES.length] as string,
    run,
  }));
  return [runBars(`${workload}: over ${first}`, first, bars)];
}

function smallPicture(runs: readonly Run[], [first, second, ...more]: readonly string[]): string {
  if (first === undefined || more.length > 0) return "";
  if (second !== undefined) return shadeMap(runs, first, second);
  return runsBars(runs, ({ settings }) => `${settings[first]}`);
}
