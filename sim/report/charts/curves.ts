/** Curves over the pool size: what a connection more buys. */
import type { CurvePoint, Interval95 } from "../../study/results/index.ts";
import { counted } from "../../study/words.ts";
import { BLUE, INK, ORANGE, VERMILLION } from "../theme.ts";
import { digits, duration } from "../units.ts";
import { axisTitle, type Chart, chart, waitScale } from "./chart.ts";

/** What to mark on a curve. */
export interface CurveOptions {
  /** Name of the workload, for the title. */
  workload: string;
  /** What the curve is over; `default_pool_size` unless told. */
  axis?: string | undefined;
  /** Limit of the 99th-percentile wait, milliseconds. */
  slo_wait_p99_ms?: number | undefined;
  /** Limit of the 99th-percentile response, milliseconds. */
  slo_response_p99_ms?: number | undefined;
  /** The pool size to point at. */
  recommended?: number | undefined;
}

/** The axis below; half a connection, or half a client, is no place on it. */
const over = (points: readonly CurvePoint[], key = "default_pool_size") => ({
  field: "pool_size",
  type: "quantitative",
  title: axisTitle(key),
  axis: points.every(({ pool_size }) => Number.isInteger(pool_size))
    ? { tickMinStep: 1, format: ",d" }
    : {},
  scale: { zero: false, nice: false },
});
const STATISTIC = {
  field: "statistic",
  type: "nominal",
  title: null,
  legend: { symbolOpacity: 1, symbolType: "stroke" },
  scale: { domain: ["p99", "mean"], range: [VERMILLION, BLUE] },
};
const DASH = {
  ...STATISTIC,
  scale: {
    domain: ["p99", "mean"],
    range: [
      [1, 0],
      [6, 3],
    ],
  },
};

/** What a curve is of: a duration of each point, its mean and its p99 with their bands. */
interface Quantity {
  /** `Wait`, as axis and table say it. */
  name: string;
  title: string;
  mean(point: CurvePoint): [value: number, band: Interval95 | undefined];
  p99(point: CurvePoint): [value: number, band: Interval95 | undefined];
  limit: number | undefined;
}

/** Wait (mean and p99, with 95 % bands) over the pool size, with the SLO and the chosen size. */
export function waitCurve(points: readonly CurvePoint[], options: CurveOptions): Chart {
  return durationCurve(points, options, {
    name: "Wait",
    title: "Wait for a server connection",
    mean: (point) => [point.wait_mean_ms, point.wait_mean_ms_ci95],
    p99: (point) => [point.wait_p99_ms, point.wait_p99_ms_ci95],
    limit: options.slo_wait_p99_ms,
  });
}

/** Response over the pool size: where busy statements slow each other down it has a lowest point. */
export function responseCurve(points: readonly CurvePoint[], options: CurveOptions): Chart {
  return durationCurve(points, options, {
    name: "Response",
    title: "Response, wait and statements together",
    mean: (point) => [point.response_mean_ms ?? Number.NaN, undefined],
    p99: (point) => [point.response_p99_ms, point.response_p99_ms_ci95],
    limit: options.slo_response_p99_ms,
  });
}

function durationCurve(
  points: readonly CurvePoint[],
  options: CurveOptions,
  quantity: Quantity,
): Chart {
  const all = points.flatMap((point) => [quantity.mean(point)[0], quantity.p99(point)[0]]);
  const y = waitScale([...all, quantity.limit ?? 0]);
  const values = points.flatMap((point) => {
    const row = (statistic: string, [value, band]: ReturnType<Quantity["mean"]>) => ({
      pool_size: point.pool_size,
      statistic,
      wait: y.fit(value),
      low: y.fit(Math.max(0, band?.[0] ?? value)),
      high: y.fit(band?.[1] ?? value),
    });
    return [row("mean", quantity.mean(point)), row("p99", quantity.p99(point))];
  });
  const title = `${quantity.name} (${y.unit})`;
  const axis = { type: "quantitative", title, scale: y.scale, axis: y.axis };
  const layer = [
    {
      data: { values },
      mark: { type: "area", opacity: 0.2 },
      encoding: { y: { ...axis, field: "low" }, y2: { field: "high" }, color: STATISTIC },
    },
    {
      data: { values },
      mark: { type: "line", point: { size: 36 } },
      encoding: { y: { ...axis, field: "wait" }, color: STATISTIC, strokeDash: DASH },
    },
    ...sloLayers(quantity.limit, axis),
    ...sizeLayers(options.recommended),
  ];
  const subtitle = ["mean and 99th percentile, with 95 % confidence bands", ...y.note];
  return chart(
    `${quantity.title}: ${options.workload}`,
    subtitle,
    describe(points, options, quantity),
    {
      encoding: { x: over(points, options.axis) },
      layer,
    },
  );
}

function sloLayers(limit: number | undefined, axis: object): object[] {
  if (limit === undefined) return [];
  const data = { values: [{ limit }] };
  const y = { ...axis, field: "limit" };
  const text = `SLO: p99 ${duration(limit)}`;
  return [
    { data, mark: { type: "rule", color: INK, strokeDash: [2, 3] }, encoding: { x: null, y } },
    {
      data,
      mark: { type: "text", align: "right", dy: -6, text, color: INK },
      encoding: { x: { value: "width" }, y },
    },
  ];
}

function sizeLayers(size: number | undefined): object[] {
  if (size === undefined) return [];
  const data = { values: [{ pool_size: size }] };
  return [
    { data, mark: { type: "rule", color: ORANGE, strokeWidth: 2 } },
    {
      data,
      mark: {
        type: "text",
        align: "left",
        dx: 5,
        baseline: "top",
        text: `recommended: ${size}`,
        color: INK,
      },
      encoding: { y: { value: 0 } },
    },
  ];
}

function describe(
  points: readonly CurvePoint[],
  options: CurveOptions,
  { name, mean, p99, limit }: Quantity,
): string {
  const text = (point: CurvePoint): string =>
    `mean ${duration(mean(point)[0])} and p99 ${duration(p99(point)[0])} ${withValue(point, options)}`;
  const [first, last] = [points[0], points.at(-1)].map((point) =>
    point ? text(point) : "nothing",
  );
  const low = points.reduce<CurvePoint | undefined>(
    (best, point) => (best && p99(best)[0] <= p99(point)[0] ? best : point),
    undefined,
  );
  const inside = low !== undefined && low !== points[0] && low !== points.at(-1);
  const lowest = inside && name === "Response" ? `; lowest ${text(low)}` : "";
  const goal = limit === undefined ? "" : ` The limit for p99 is ${duration(limit)}.`;
  const choice =
    options.recommended === undefined
      ? ""
      : ` Recommended: ${counted(options.recommended, "connection")}.`;
  return `Line chart of the ${name.toLowerCase()} over ${options.axis ?? "the pool size"}: ${first}; ${last}${lowest}.${goal}${choice}`;
}

const withValue = ({ pool_size }: CurvePoint, { axis }: CurveOptions): string =>
  axis === undefined ? `with ${counted(pool_size, "connection")}` : `at ${axis} ${pool_size}`;

/** Throughput over the pool size, with its 95 % band: where more connections stop helping. */
export function throughputCurve(points: readonly CurvePoint[], options: CurveOptions): Chart {
  const values = points.map((point) => ({
    pool_size: point.pool_size,
    throughput: point.throughput_tps,
    low: point.throughput_tps_ci95?.[0] ?? point.throughput_tps,
    high: point.throughput_tps_ci95?.[1] ?? point.throughput_tps,
  }));
  const axis = {
    type: "quantitative",
    title: "Throughput (transactions/s)",
    scale: { zero: true },
  };
  const best = points.reduce<CurvePoint | undefined>(
    (top, point) => (top && top.throughput_tps >= point.throughput_tps ? top : point),
    undefined,
  );
  const peak = best
    ? `highest, ${digits(best.throughput_tps)} transactions/s, with ${counted(best.pool_size, "connection")}`
    : "no points";
  return chart(
    `Throughput: ${options.workload}`,
    ["with 95 % confidence band"],
    `Line chart of throughput over the pool size: ${peak}.`,
    {
      encoding: { x: over(points, options.axis) },
      layer: [
        {
          data: { values },
          mark: { type: "area", color: BLUE, opacity: 0.2 },
          encoding: { y: { ...axis, field: "low" }, y2: { field: "high" } },
        },
        {
          data: { values },
          mark: { type: "line", color: BLUE, point: { size: 36, color: BLUE } },
          encoding: { y: { ...axis, field: "throughput" } },
        },
        ...sizeLayers(options.recommended),
      ],
    },
  );
}
