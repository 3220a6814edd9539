/** Bars that hold pool modes (or any runs) against each other, one small panel for each figure. */
import type { Interval95, Run } from "../../study/results/index.ts";
import { turnedAway } from "../../study/slo.ts";
import { counted } from "../../study/words.ts";
import { shortOf } from "../figures.ts";
import { INK, MODE_COLOURS } from "../theme.ts";
import { digits, duration } from "../units.ts";
import { type Chart, chart } from "./chart.ts";

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
    value: (run) => run.timeouts + turnedAway(run),
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
  const named = runs.map((run) => ({
    label: shortOf(run),
    colour: MODE_COLOURS[run.pool_mode],
    run,
  }));
  const subtitle = "the same random times in each mode; whiskers are 95 % confidence intervals";
  return runBars(title, subtitle, named);
}

/** One run with the name and the colour of its bars; names differ. */
export interface Bars {
  label: string;
  colour: string;
  run: Run;
}

/** Any runs side by side. */
export function runBars(title: string, subtitle: string, named: readonly Bars[]): Chart {
  const labels = named.map(({ label }) => label);
  const mode = {
    field: "label",
    type: "nominal",
    title: null,
    sort: labels,
    axis: { labelLimit: 160 },
  };
  const colour = {
    field: "label",
    type: "nominal",
    legend: null,
    scale: { domain: labels, range: named.map((bars) => bars.colour) },
  };
  const concat = PANELS.map((panel) => panelSpec(panel, named, mode, colour));
  const alternative = `Bar charts. ${named.map(describe).join(" ")}`;
  return chart(title, [subtitle], alternative, { columns: 2, concat });
}

function panelSpec(panel: Panel, named: readonly Bars[], mode: object, colour: object): object {
  const values = named.map(({ label, run }) => ({
    label,
    value: panel.value(run),
    text: digits(panel.value(run)),
    low: Math.max(0, panel.interval(run)?.[0] ?? panel.value(run)),
    high: panel.interval(run)?.[1] ?? panel.value(run),
  }));
  const nothing = values.every(({ high }) => high === 0);
  const x = {
    type: "quantitative",
    title: panel.title,
    axis: { tickCount: 5 },
    ...(nothing ? { scale: { domain: [0, 1] } } : {}),
  };
  return {
    width: 240,
    height: 26 * named.length,
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

function describe({ label, run }: Bars): string {
  const waits = `mean wait ${duration(run.wait_ms.mean)}, p99 ${duration(run.wait_ms.p99)}`;
  const rate = `${digits(run.throughput_tps)} transactions/s`;
  return `${label}: ${waits}, ${rate}, at most ${counted(run.server_connections.max, "server connection")}.`;
}
