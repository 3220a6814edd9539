/** Predictions over the pool size, with what was measured there. */

import { counted } from "../../study/words.ts";
import { BLUE, VERMILLION } from "../theme.ts";
import { digits } from "../units.ts";
import { type Chart, chart } from "./chart.ts";

/** One size; `band`: repeat-to-repeat standard deviation of what was measured. */
export interface SizePrediction {
  pool_size: number;
  predicted: number;
  live: number;
  band: number;
}

/** A line of what was predicted, and points of what was measured with their noise. */
export function predictedOverSizes(
  title: string,
  unit: string,
  points: readonly SizePrediction[],
): Chart {
  const values = points.flatMap(({ pool_size, predicted, live, band }) => [
    { pool_size, side: "predicted", value: predicted },
    { pool_size, side: "live", value: live, low: live - band, high: live + band },
  ]);
  const x = {
    field: "pool_size",
    type: "quantitative",
    title: "default_pool_size (server connections)",
    axis: { tickMinStep: 1, format: "d" },
  };
  const y = { field: "value", type: "quantitative", title: unit, scale: { zero: true } };
  const color = {
    field: "side",
    type: "nominal",
    title: null,
    scale: { domain: ["predicted", "live"], range: [BLUE, VERMILLION] },
  };
  const only = (side: string) => [{ filter: `datum.side == "${side}"` }];
  const subtitle = ["live: median of the repeats, with their standard deviation"];
  return chart(title, subtitle, describe(unit, points), {
    data: { values },
    encoding: { x, color },
    layer: [
      { transform: only("predicted"), mark: { type: "line" }, encoding: { y } },
      {
        transform: only("live"),
        mark: { type: "rule" },
        encoding: { y: { ...y, field: "low" }, y2: { field: "high" } },
      },
      {
        transform: only("live"),
        mark: { type: "point", filled: true, size: 49 },
        encoding: { y },
      },
    ],
  });
}

function describe(unit: string, points: readonly SizePrediction[]): string {
  const parts = points.map(
    ({ pool_size, predicted, live }) =>
      `with ${counted(pool_size, "connection")} ${digits(predicted)} predicted and ${digits(live)} live`,
  );
  return `Predicted and live over the pool size, ${unit}: ${parts.join("; ")}.`;
}
