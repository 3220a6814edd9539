/** Distributions of waits: which share of the transactions waits at most so long. */
import type { ComparedQuantile, Run } from "../../study/results/index.ts";
import { shortOf } from "../figures.ts";
import { BLUE, DASHES, MODE_COLOURS, SERIES, VERMILLION } from "../theme.ts";
import { duration, percent } from "../units.ts";
import { type Chart, chart, waitScale } from "./chart.ts";

/** One distribution by its quantiles. */
export interface DistributionSeries {
  label: string;
  colour?: string;
  /** `p`: share of the transactions; `ms`: what that share does not exceed. */
  points: readonly { p: number; ms: number }[];
}

/** Cumulative distributions on one axis; `measure` is what the milliseconds are. */
export function distribution(
  title: string,
  measure: string,
  series: readonly DistributionSeries[],
): Chart {
  const x = waitScale(series.flatMap(({ points }) => points.map(({ ms }) => ms)));
  const values = series.flatMap(({ label, points }) =>
    points.map(({ p, ms }) => ({ series: label, p, ms: x.fit(ms) })),
  );
  const domain = series.map(({ label }) => label);
  const range = series.map(({ colour }, i) => colour ?? SERIES[i % SERIES.length]);
  const dashes = series.map((_, i) => DASHES[i % DASHES.length]);
  const named = { field: "series", type: "nominal", title: null };
  const alternative = series.map(describe).join(" ");
  return chart(title, ["share of the transactions at or below", ...x.note], alternative, {
    data: { values },
    mark: { type: "line", clip: true },
    encoding: {
      x: {
        field: "ms",
        type: "quantitative",
        title: `${measure} (${x.unit})`,
        scale: x.scale,
        axis: x.axis,
      },
      y: {
        field: "p",
        type: "quantitative",
        title: "Share of transactions (%)",
        axis: { format: ".0%" },
        scale: { domain: [0, 1] },
      },
      order: { field: "p" },
      color: { ...named, scale: { domain, range } },
      strokeDash: { ...named, scale: { domain, range: dashes } },
    },
  });
}

function describe({ label, points }: DistributionSeries): string {
  const told = [0.5, 0.95, 0.99].flatMap((p) => {
    const point = points.find((each) => Math.abs(each.p - p) < 1e-9);
    return point ? [`${percent(p)} at most ${duration(point.ms)}`] : [];
  });
  return `${label}: ${told.join(", ")}.`;
}

/** The waits of several runs (their pool modes) against each other. */
export function runDistributions(title: string, runs: readonly Run[]): Chart {
  const series = runs.map((run) => ({
    label: shortOf(run),
    colour: MODE_COLOURS[run.pool_mode],
    points: (run.distribution ?? []).map(({ p, wait_ms }) => ({ p, ms: wait_ms })),
  }));
  return distribution(title, "Wait for a server connection", series);
}

/** What was predicted against what a live run measured, quantile by quantile. */
export function predictedAndLive(title: string, quantiles: readonly ComparedQuantile[]): Chart {
  return distribution(title, "Wait for a server connection", [
    {
      label: "predicted",
      colour: BLUE,
      points: quantiles.map(({ p, predicted_ms }) => ({ p, ms: predicted_ms })),
    },
    {
      label: "live",
      colour: VERMILLION,
      points: quantiles.map(({ p, live_ms }) => ({ p, ms: live_ms })),
    },
  ]);
}
