/** Waits of one kind of clients while something else about the load is varied. */

import { BLUE, DASHES, VERMILLION } from "../theme.ts";
import { duration } from "../units.ts";
import { type Chart, chart, waitScale } from "./chart.ts";

/** Waits at one value of what is varied. */
export interface VariedWait {
  x: number;
  mean_ms: number;
  p99_ms: number;
}

/** Mean and p99 wait over `x`; `axis` says what that is, with its unit. */
export function waitsOver(title: string, axis: string, points: readonly VariedWait[]): Chart {
  const y = waitScale(points.flatMap((point) => [point.mean_ms, point.p99_ms]));
  const values = points.flatMap(({ x, mean_ms, p99_ms }) => [
    { x, statistic: "p99", wait: y.fit(p99_ms) },
    { x, statistic: "mean", wait: y.fit(mean_ms) },
  ]);
  const domain = ["p99", "mean"];
  const named = { field: "statistic", type: "nominal", title: null };
  const words = [points[0], points.at(-1)].flatMap((point) =>
    point === undefined
      ? []
      : [`at ${point.x} the mean is ${duration(point.mean_ms)} and p99 ${duration(point.p99_ms)}`],
  );
  return chart(title, y.note, `Line chart of the wait over: ${axis}; ${words.join("; ")}.`, {
    data: { values },
    mark: { type: "line", point: { size: 36 } },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        title: axis,
        axis: { tickMinStep: 1, format: "d" },
        scale: { nice: false },
      },
      y: {
        field: "wait",
        type: "quantitative",
        title: `Wait (${y.unit})`,
        scale: y.scale,
        axis: y.axis,
      },
      color: { ...named, scale: { domain, range: [VERMILLION, BLUE] } },
      strokeDash: { ...named, scale: { domain, range: DASHES.slice(0, 2) } },
    },
  });
}
