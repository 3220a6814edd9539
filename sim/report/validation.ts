/** `validate` as text and as a report: predicted beside live, configuration by configuration. */
import { MILLISECOND } from "../../engine/core/index.ts";
import { STANDSTILL } from "../study/live/standstill.ts";
import type { Result, Validated } from "../study/results/index.ts";
import { counted } from "../study/words.ts";
import { type Chart, predictedAndLive, predictedOverSizes } from "./charts/index.ts";
import { configurationOf, shortOf } from "./figures.ts";
import type { Report } from "./html.ts";
import { quantileLines } from "./small-charts.ts";
import type { Table } from "./tables.ts";
import { terminal } from "./terminal.ts";
import { digits, duration, percent } from "./units.ts";

/** The figures of the short table, with what they are called there. */
const WAITS = [
  ["wait_ms.mean", "wait mean"],
  ["wait_ms.p50", "wait p50"],
  ["wait_ms.p95", "wait p95"],
  ["wait_ms.p99", "wait p99"],
  ["app_wait_ms.mean", "app pool wait mean"],
  ["app_wait_ms.p99", "app pool wait p99"],
  ["response_ms.mean", "response mean"],
  ["throughput_tps", "throughput"],
  ["failed", "failed transactions"],
  ["lost", "lost connections"],
  ["refused", "failed logins"],
] as const;
/** Where statements are real work, most of a response is not the wait for a connection. */
const RESPONSES = [
  ["throughput_tps", "throughput"],
  ["wait_ms.mean", "wait mean"],
  ["response_ms.mean", "response mean"],
  ["response_ms.p95", "response p95"],
  ["response_ms.p99", "response p99"],
] as const;

/** The whole report, for `--chart`. */
export function validationReport(result: Result): Report {
  const validations = result.validations ?? [];
  return {
    title: `Predicted and live: ${result.workload}`,
    findings: [...findings(result), ...(result.notes ?? [])],
    charts: chartsOf(result, validations),
    tables: [
      shortTable(result, validations),
      ...validations.map(fullTable),
      ...capacityTable(result),
      machineTable(result),
    ],
    data: result,
  };
}

/** The terminal's version; every figure with `all`, the most important ones without. */
export function validationText(result: Result, all: boolean): string {
  const validations = result.validations ?? [];
  const tables = all ? validations.map(fullTable) : [shortTable(result, validations)];
  return [
    ...[...tables, ...capacityTable(result), machineTable(result)].map(terminal),
    quantileLines(validations),
    ...findings(result),
  ].join("\n");
}

function chartsOf(result: Result, validations: readonly Validated[]): Chart[] {
  if (result.capacity === undefined)
    return validations.map((each) => predictedAndLive(`Waits, ${nameOf(each)}`, each.quantiles));
  const over = (figure: string, title: string, unit: string): Chart =>
    predictedOverSizes(
      `${title}: ${result.workload}`,
      unit,
      validations.map(({ pool_size, predicted, live, noise }) => {
        const value = live[figure] ?? Number.NaN;
        const band = value * (noise[figure] ?? 0);
        return { pool_size, predicted: predicted[figure] ?? Number.NaN, live: value, band };
      }),
    );
  return [
    over("throughput_tps", "Throughput", "transactions/s"),
    over("response_ms.mean", "Response, mean", "ms"),
    over("response_ms.p99", "Response, p99", "ms"),
  ];
}

function findings(result: Result): string[] {
  const validations = result.validations ?? [];
  const failed = validations.filter((each) => each.verdict === "fail");
  const best = result.capacity?.best;
  const head =
    failed.length === 0
      ? `Verdict: pass. All ${validations.length} predictions hold.`
      : `Verdict: fail. ${failed.length} of ${validations.length} predictions do not hold.`;
  return [
    head,
    ...failed.map(offence),
    ...validations.flatMap(secondLook),
    ...(best === undefined ? [] : [bestFinding(best)]),
    ...standstillFindings(result),
  ];
}

type Again = NonNullable<Result["measured_again"]>;

/** What was measured more than once, and what was never quiet. */
function standstillFindings({ measured_again = [] }: Result): string[] {
  const unquiet = measured_again.filter((each) => !each.quiet);
  return [
    ...(["calibration", "live"] as const).flatMap((what) => {
      const own = measured_again.filter((each) => each.what === what);
      const name = what === "calibration" ? "Calibrated again" : "Live runs repeated";
      const why = `a timer or the event loop of the driver was more than ${duration(STANDSTILL / MILLISECOND)} late`;
      return own.length === 0 ? [] : [`${name}: ${standstill(own)} (${why}).`];
    }),
    ...unquiet.map(({ what, repeat, times, used_ms }) => {
      const name = what === "calibration" ? "calibration before repeat" : "live run of repeat";
      return (
        `NOT quiet: the ${name} ${repeat}, in ${times + 1} attempts. The quietest is used, in which ` +
        `the machine stood still for ${duration(used_ms)}: do not trust what follows from it.`
      );
    }),
  ];
}

function standstill(own: Again): string {
  const times = own.reduce((sum, each) => sum + each.times, 0);
  const longest = Math.max(...own.map((each) => each.longest_ms));
  return `${counted(times, "time")}, the machine stood still for ${duration(longest)}`;
}

type Capacity = NonNullable<Result["capacity"]>;

function bestFinding({ predicted, live, holds }: NonNullable<Capacity["best"]>): string {
  return (
    `Shortest response at p99: with ${predicted} connections predicted, with ${live} live; ` +
    `${holds ? "that is" : "that is NOT"} within one step of the sizes compared.`
  );
}

/** What was measured of the database's cores. */
function capacityTable({ capacity }: Result): Table[] {
  if (capacity === undefined) return [];
  const { measured, row_ns, statement_ms, cap, knee, quantum_ms } = capacity;
  return [
    {
      title: "The database's cores, measured at two pool sizes; all others are predicted from it",
      head: ["", "value"],
      align: ["left", "right"],
      rows: [
        ...measured.map(({ pool_size, throughput_tps }) => [
          `throughput of a pool of ${pool_size}`,
          `${digits(throughput_tps)}/s`,
        ]),
        ["work of a mean statement, alone", duration(statement_ms)],
        ["counting a row, alone", `${digits(row_ns)} ns`],
        ["cores' worth of work at most: server.speed.cap", digits(cap)],
        ["sharpness of the bend: server.speed.knee", digits(knee)],
        ["turn on a core before another's: server.quantum", duration(quantum_ms)],
      ],
    },
  ];
}

function offence(each: Validated): string {
  const parts = each.failed.map((figure) => {
    const off = each.error[figure];
    const by = off === undefined ? "" : ` (${signed(off)})`;
    return `${figure} ${value(figure, each.predicted[figure])} predicted, ${value(figure, each.live[figure])} live${by}`;
  });
  return `${nameOf(each)}: ${parts.join("; ")}.`;
}

/** Who was played more often, and why. */
function secondLook(each: Validated): string[] {
  const { first_look, repeats } = each;
  if (first_look === undefined) return [];
  const before = counted(first_look.repeats, "repeat");
  const parts = first_look.failed.map((figure) => {
    const off = first_look.error[figure];
    return off === undefined ? figure : `${figure} ${signed(off)}`;
  });
  return [
    `Second look: ${nameOf(each)}: ${parts.join(", ")} after ${before}; ` +
      `the verdict is that of all ${repeats}.`,
  ];
}

function nameOf(each: Validated): string {
  if (each.pools !== undefined) return configurationOf(each);
  return `${each.pool_mode} mode, pool of ${each.pool_size}`;
}

/** One row a configuration and figure: predicted / live / error. */
function shortTable({ capacity }: Result, validations: readonly Validated[]): Table {
  const short = capacity === undefined ? WAITS : RESPONSES;
  const rows = validations.flatMap((each) =>
    short
      .filter(([figure]) => shown(figure, each))
      .map(([figure, label], i) => [
        i === 0 ? shortOf(each).replace(",", "") : "",
        label,
        ...cells(each, figure),
      ]),
  );
  return {
    title: "Predicted and live, medians of the repeats",
    head: ["configuration", "figure", "predicted", "live", "error", "noise", "verdict"],
    align: ["left", "left", "right", "right", "right", "right", "left"],
    rows,
  };
}

/** Not everybody has a pool in the application, or faults in the schedule. */
const shown = (figure: string, each: Validated): boolean =>
  !/^(app_wait|failed|lost|refused)/.test(figure) || each.live[figure] !== undefined;

/** Every figure of one configuration. */
function fullTable(each: Validated): Table {
  return {
    title: `Predicted and live: ${nameOf(each)}`,
    head: ["figure", "predicted", "live", "error", "noise", "verdict"],
    align: ["left", "right", "right", "right", "right", "left"],
    rows: Object.keys(each.predicted).map((figure) => [figure, ...cells(each, figure)]),
  };
}

function cells(each: Validated, figure: string): string[] {
  const off = each.error[figure];
  const judged = each.tolerance[figure] !== undefined;
  const verdict = each.failed.includes(figure) ? "FAILS" : judged ? "holds" : "";
  return [
    value(figure, each.predicted[figure]),
    value(figure, each.live[figure]),
    off === undefined ? "-" : signed(off),
    percent(each.noise[figure] ?? 0),
    verdict,
  ];
}

function value(figure: string, number: number | undefined): string {
  if (number === undefined) return "-";
  if (figure.includes("_ms")) return duration(number);
  return figure === "throughput_tps" ? `${digits(number)}/s` : digits(number);
}

const signed = (share: number): string => `${share > 0 ? "+" : ""}${percent(share)}`;

/** What the machine adds, and what the instrument itself takes. */
function machineTable(result: Result): Table {
  const { calibration = {}, instrument = {}, measured_again = [] } = result;
  const again = (what: "calibration" | "live"): string => {
    const own = measured_again.filter((each) => each.what === what);
    return own.length === 0 ? "-" : standstill(own);
  };
  const rows = [
    ["statement, beside its service", calibration.overhead],
    ["of that, holding the server", calibration.held],
    ["way from client to server", calibration.path],
    ["client login", calibration.login],
    ["server connection set-up", calibration.connect],
    ["reset query", calibration.reset],
    ["shortest wait that can be seen", calibration.resolution],
    ["timer lateness, mean", calibration.timer_lateness],
    ["timer lateness in the runs, p99", instrument.timer_lateness_p99],
    ["event loop delay in the runs, p99", instrument.event_loop_delay_p99],
    ["driver's own time for an answer, p99", instrument.processing_p99],
  ] as const;
  return {
    title: "What the machine adds (calibrated without queueing), and the instrument",
    head: ["term", "time"],
    align: ["left", "right"],
    rows: [
      ...rows.map(([name, ms]) => [name, ms === undefined ? "-" : duration(ms)]),
      ["calibrated again", again("calibration")],
      ["live runs repeated", again("live")],
    ],
  };
}
