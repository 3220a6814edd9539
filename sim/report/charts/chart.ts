/**
 * What all charts share: the frame with title and text alternative, and the choice of a scale.
 */
import type { TopLevelSpec } from "vega-lite";
import { THEME } from "../theme.ts";

/** A Vega-Lite specification with its data inside and a text alternative. */
export type Chart = TopLevelSpec & { description: string };

/** The part of a specification that makes the picture: `layer`, `vconcat`, `mark` with `encoding`. */
type Picture = Record<string, unknown>;

/** Frames a picture: lines of the subtitle, and in `alternative` sentences that say what it shows. */
export function chart(
  title: string,
  subtitle: readonly string[],
  alternative: string,
  picture: Picture,
): Chart {
  // Vega-Lite's union of all specifications is too wide to be checked piecewise; a test compiles
  // every chart and fails on any warning instead.
  const titled = { title: { text: title, subtitle: [...subtitle] }, ...picture };
  return { ...frame(alternative), ...titled } as unknown as Chart;
}

function frame(description: string): Picture {
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    description,
    config: THEME,
    autosize: { type: "pad" },
    padding: 16,
  };
}

/** Units of keys of a workload and of settings whose values are bare numbers. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/(?:^|[._])pool_size$/, "server connections"],
  [/app_pool\.size$/, "connections of each pool"],
  [/\.count$/, "clients"],
  [/(?:^|\.)(?:\w+_timeout|server_lifetime)$/, "s"],
  [/\.cores$/, "cores"],
  [/\.statements$/, "statements of a transaction"],
];

/** A key as the title of an axis, with its unit; values that have one of their own bring it along. */
export function axisTitle(key: string): string {
  const unit = UNITS.find(([pattern]) => pattern.test(key))?.[1];
  return unit === undefined ? key : `${key} (${unit})`;
}

/** Several charts as one picture, below each other, each with its own title, scales and legend. */
export function stack(charts: readonly Chart[]): Chart {
  const [first] = charts;
  if (charts.length === 1 && first) return first;
  const parts = charts.map((each) => {
    const { $schema, description, config, autosize, padding, ...picture } = each;
    return picture;
  });
  const resolve = {
    scale: { x: "independent", y: "independent", color: "independent", strokeDash: "independent" },
    legend: { color: "independent", strokeDash: "independent" },
  };
  const alternative = charts.map((each) => each.description).join(" ");
  return { ...frame(alternative), vconcat: parts, spacing: 32, resolve } as unknown as Chart;
}

/** Smallest wait worth a place on a logarithmic axis, milliseconds. */
const LOG_FLOOR = 0.01;

/** How to draw waits that span these values. */
export interface WaitScale {
  scale: { type: "log" | "linear"; domain?: [number, number]; zero?: boolean; nice?: boolean };
  /** Ticks: whole powers of ten on a logarithmic axis. */
  axis: { values?: number[]; format: string };
  /** Unit for the axis title. */
  unit: string;
  /** What to tell the reader about the axis: a line of the subtitle, or none. */
  note: string[];
  /** Brings a value into the domain; a logarithm has no zero. */
  fit(milliseconds: number): number;
}

/** Linear while the eye can tell the values apart, logarithmic once they span more than 1 to 50. */
export function waitScale(milliseconds: readonly number[]): WaitScale {
  const positive = milliseconds.filter((value) => value > LOG_FLOOR && Number.isFinite(value));
  const most = Math.max(LOG_FLOOR, ...positive);
  const least = Math.min(most, ...positive);
  const format = ",~r"; // ",~g" writes 120 as 1.2e+2 where ticks are ten apart.
  if (most / least <= 50) {
    const scale = { type: "linear", zero: true } as const;
    return { scale, axis: { format }, unit: "ms", note: [], fit: (value) => value };
  }
  const [bottom, top] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const values = Array.from({ length: top - bottom + 1 }, (_, i) => 10 ** (bottom + i));
  const floor = values[0] as number;
  return {
    scale: { type: "log", domain: [floor, 10 ** top], nice: false },
    axis: { values, format },
    unit: "ms, log scale",
    note: [`less than ${floor} ms is drawn at ${floor} ms`],
    fit: (value) => Math.max(floor, value),
  };
}
