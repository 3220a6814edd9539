/**
 * Results as tables. A `Table` is plain text in rows, so that a terminal (`terminal.ts`) and an HTML page
 * print the same one.
 */
import type { CurvePoint, Difference, Run } from "../study/results/index.ts";
import { between, configurationOf, type Figure, figuresOf, modeOf, shortOf } from "./figures.ts";
import { digits, durations, NOTHING, percent, signed, whole } from "./units.ts";

/** Rows of text under a head; `align` has one letter for each column. */
export interface Table {
  title: string;
  head: string[];
  align: ("left" | "right")[];
  rows: string[][];
}

/** Head of the column that a narrow terminal does without. */
export const MEANING = "meaning";

/** One run: every figure with its interval and meaning. */
export function runTable(run: Run, meanings = true): Table {
  const row = (figure: Figure): string[] => [
    figure.name,
    figure.texts([run])[0] as string,
    figure.interval(run),
    ...(meanings ? [figure.meaning] : []),
  ];
  return {
    title: configurationOf(run),
    head: ["", "value", "95 % interval", ...(meanings ? [MEANING] : [])],
    align: ["left", "right", "right", "left"],
    rows: figuresOf(run).map(row),
  };
}

/** Runs side by side, one column each, figures in a common unit. */
export function compareTable(runs: readonly Run[], meanings = true): Table {
  const [first] = runs;
  const figures = first ? figuresOf(first) : [];
  return {
    title: "Pool modes on the same draws",
    head: ["", ...runs.map(shortOf), ...(meanings ? [MEANING] : [])],
    align: ["left", ...runs.map(() => "right" as const), "left"],
    rows: figures.map((figure) => [
      figure.name,
      ...figure.texts(runs),
      ...(meanings ? [figure.meaning] : []),
    ]),
  };
}

/** Paired differences, with whether they are more than chance. */
export function differenceTable(differences: readonly Difference[]): Table {
  const rates = (values: readonly number[]): string[] =>
    values.map((value) => `${digits(value)}/s`);
  return {
    title: "Differences (95 % interval of the paired difference; it is real when 0 is not inside)",
    head: ["", "wait, mean", "wait, p99", "throughput"],
    align: ["left", "right", "right", "right"],
    rows: differences.map((each) => [
      `${each.to} instead of ${each.from}`,
      between(each.wait_mean_ms_ci95, signed(durations)),
      between(each.wait_p99_ms_ci95, signed(durations)),
      between(each.throughput_tps_ci95, signed(rates)),
    ]),
  };
}

/** The kinds of clients of one run; empty rows when there is only one kind. */
export function kindTable(run: Run): Table {
  const kinds = Object.entries(run.clients);
  const column = (value: (kind: Run["clients"][string]) => number): string[] =>
    durations(kinds.map(([, kind]) => value(kind)));
  const pooled = kinds.some(([, kind]) => kind.app_wait_ms !== undefined);
  const columns = [
    column((kind) => kind.wait_ms.mean),
    column((kind) => kind.wait_ms.p95),
    column((kind) => kind.wait_ms.p99),
    column((kind) => kind.response_ms.mean),
    column((kind) => kind.response_ms.p99),
    ...(pooled ? [column((kind) => kind.app_wait_ms?.mean ?? 0)] : []),
    ...(pooled ? [column((kind) => kind.app_wait_ms?.p99 ?? 0)] : []),
  ];
  return {
    title: ["Kinds of clients", modeOf(run) ?? []].flat().join(", "),
    head: [
      ...["", "transactions/s", "wait, mean", "wait, p95", "wait, p99"],
      ...["response, mean", "response, p99"],
      ...(pooled ? ["app pool wait, mean", "app pool wait, p99"] : []),
      ...["timeouts", "refused"],
    ],
    align: ["left", ...Array.from({ length: pooled ? 10 : 8 }, () => "right" as const)],
    rows: kinds.map(([name, kind], i) => [
      name,
      digits(kind.throughput_tps),
      ...columns.map((texts) => texts[i] as string),
      whole(kind.timeouts),
      whole(kind.refused),
    ]),
  };
}

/** The curve over pool sizes. */
export function curveTable(curve: readonly CurvePoint[]): Table {
  const means = durations(curve.map((point) => point.wait_mean_ms));
  const tails = durations(curve.map((point) => point.wait_p99_ms));
  const responses = durations(curve.map((point) => point.response_p99_ms));
  // Only then does the response differ from the wait by more than the statements' own time.
  const shared = curve.some((point) => point.stretch !== undefined);
  const met = (point: CurvePoint): string =>
    point.slo_met === undefined ? NOTHING : point.slo_met ? "yes" : "no";
  return {
    title: "Over the pool size",
    head: [
      ...["pool size", "wait, mean", "wait, p99", "95 % interval of p99"],
      ...(shared ? ["response, p99", "95 % interval", "stretch"] : []),
      ...["throughput", "in use", "timeouts", "SLO met"],
    ],
    align: Array.from({ length: shared ? 11 : 8 }, () => "right" as const),
    rows: curve.map((point, i) => [
      whole(point.pool_size),
      means[i] as string,
      tails[i] as string,
      between(point.wait_p99_ms_ci95, durations),
      ...(shared ? [responses[i] as string, between(point.response_p99_ms_ci95, durations)] : []),
      ...(shared ? [`x ${digits(point.stretch ?? 1)}`] : []),
      `${digits(point.throughput_tps)}/s`,
      percent(point.utilization),
      whole(point.timeouts),
      met(point),
    ]),
  };
}

/**
 * What stops working in which mode, whatever the load.
 * Source: pgbouncer.org/features.html (SQL feature map for pooling modes) and PgBouncer 1.25.2.
 */
export function breakageTable(): Table {
  return {
    title: "What each mode takes away",
    head: ["", "session", "transaction", "statement"],
    align: ["left", "left", "left", "left"],
    rows: BREAKAGE.map((row) => [...row]),
  };
}

const BREAKAGE = [
  ["BEGIN .. COMMIT", "works", "works", "refused, connection closed"],
  ["SET, SET ROLE, search_path", "works", "leaks to other clients", "leaks to other clients"],
  ["SET LOCAL inside BEGIN", "works", "works", "refused with BEGIN"],
  ["protocol-level prepared statements", "works", "max_prepared_statements > 0", "the same"],
  ["PREPARE and EXECUTE in SQL", "works", "breaks", "breaks"],
  ["session advisory locks", "works", "lost or left behind", "lost or left behind"],
  ["temporary tables beyond a transaction", "works", "lost or left behind", "lost or left behind"],
  ["LISTEN", "works", "notifications get lost", "notifications get lost"],
  ["cursors WITH HOLD", "works", "breaks", "breaks"],
  ["an idle client holds a server connection", "yes", "no", "no"],
  ["idle in transaction holds one", "yes", "yes", "cannot happen"],
] as const;
