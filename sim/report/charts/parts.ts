/** Where the time of a transaction goes, one part on top of the other, while something is varied. */

import { INK, SERIES } from "../theme.ts";
import { duration } from "../units.ts";
import { type Chart, chart } from "./chart.ts";

/** Mean times at one value of what is varied. */
export interface VariedParts {
  x: number;
  /** Milliseconds by the name of the part; every point has the same parts, the lowest first. */
  parts: Readonly<Record<string, number>>;
}

/** Stacked areas over `x`; `axis` says what that is, with its unit. Their upper edge is the whole time. */
export function timeParts(title: string, axis: string, points: readonly VariedParts[]): Chart {
  const names = Object.keys(points[0]?.parts ?? {});
  const values = points.flatMap(({ x, parts }) =>
    names.map((part, order) => ({ x, part, order, ms: parts[part] ?? 0 })),
  );
  const alternative =
    `Stacked areas of the mean time of a transaction over: ${axis}; ` +
    `${[points[0], points.at(-1)]
      .flatMap((point) => point ?? [])
      .map(describe)
      .join("; ")}.`;
  return chart(title, ["mean times, one on top of the other"], alternative, {
    data: { values },
    // The edge keeps the parts apart where colours cannot be told.
    mark: { type: "area", opacity: 0.75, line: { color: INK, strokeWidth: 1 } },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: axis,
        axis: { tickMinStep: 1, format: "d" },
        scale: { nice: false, zero: false },
      },
      y: { field: "ms", type: "quantitative", title: "Mean time (ms)", stack: "zero" },
      order: { field: "order", type: "quantitative" },
      color: {
        field: "part",
        type: "nominal",
        title: null,
        scale: { domain: names, range: names.map((_, i) => SERIES[i % SERIES.length]) },
      },
    },
  });
}

function describe({ x, parts }: VariedParts): string {
  const words = Object.entries(parts).map(([part, ms]) => `${part} ${duration(ms)}`);
  return `at ${x}: ${words.join(", ")}`;
}
