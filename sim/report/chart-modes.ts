/** Bars that hold pool modes (or any runs) against each other, one small panel for each figure. */
import type { Interval95, Run } from "../study/results.ts";
import { type Chart, chart } from "./chart.ts";
import { INK, MODE_COLOURS } from "./theme.ts";
import { digits, duration } from "./units.ts";

interface Panel {
  title: string;
  value(run: Run): number;
  interval(run: Run): Interval95 | undefined;
}

const PANELS: readonly Panel[] = [
  {
    title: "Mean wait (ms)",
    value: (run) => run.wait_ms.mean,
    interval: (run) => run.wait_ms.mean_ci95,
  },
  {
    title: "p99 wait (ms)",
    value: (run) => run.wait_ms.p99,
    interval: (run) => run.wait_ms.p99_ci95,
  },
  {
    title: "Throughput (transactions/s)",
    value: (run) => run.throughput_tps,
    interval: (run) => run.throughput_tps_ci95,
  },
  {
    title: "Server connections (most)",
    value: (run) => run.server_connections.max,
    interval: () => undefined,
  },
  {
    title: "Clients dropped (timeouts and refusals)",
    value: (run) => run.timeouts + run.refused,
    interval: () => undefined,
  },
  {
    title: "Clients waiting (mean)",
    value: (run) => run.clients_waiting.mean,
    interval: () => undefined,
  },
];

/** Session, transaction and statement mode side by side. */
export function modeBars(title: string, runs: readonly Run[]): Chart {
  const labels = runs.map(labelOf);
  const mode = {
    field: "label",
    type: "nominal",
    title: null,
    sort: labels,
    axis: { labelLimit: 160 },
  };
  const colour = {
    field: "mode",
    type: "nominal",
    legend: null,
    scale: { domain: Object.keys(MODE_COLOURS), range: Object.values(MODE_COLOURS) },
  };
  const concat = PANELS.map((panel) => panelSpec(panel, runs, mode, colour));
  const alternative = `Bar charts. ${runs.map(describe).join(" ")}`;
  const subtitle = ["the same draws in each mode; whiskers are 95 % confidence intervals"];
  return chart(title, subtitle, alternative, { columns: 2, concat });
}

function panelSpec(panel: Panel, runs: readonly Run[], mode: object, colour: object): object {
  const values = runs.map((run) => ({
    label: labelOf(run),
    mode: run.pool_mode,
    value: panel.value(run),
    text: digits(panel.value(run)),
    low: Math.max(0, panel.interval(run)?.[0] ?? panel.value(run)),
    high: panel.interval(run)?.[1] ?? panel.value(run),
  }));
  const x = { type: "quantitative", title: panel.title, axis: { tickCount: 5 } };
  return {
    width: 240,
    height: 26 * runs.length,
    data: { values },
    encoding: { y: mode },
    layer: [
      {
        mark: { type: "bar", height: 14 },
        encoding: { x: { ...x, field: "value" }, color: colour },
      },
      {
        mark: { type: "rule", color: INK },
        encoding: { x: { ...x, field: "low" }, x2: { field: "high" } },
      },
      {
        mark: { type: "text", align: "left", dx: 5 },
        encoding: { x: { ...x, field: "high" }, text: { field: "text" } },
      },
    ],
  };
}

function labelOf(run: Run): string {
  return `${run.pool_mode}, ${run.pool_size}`;
}

function describe(run: Run): string {
  const waits = `mean wait ${duration(run.wait_ms.mean)}, p99 ${duration(run.wait_ms.p99)}`;
  const rate = `${digits(run.throughput_tps)} transactions/s`;
  return `${labelOf(run)}: ${waits}, ${rate}, at most ${run.server_connections.max} server connections.`;
}
