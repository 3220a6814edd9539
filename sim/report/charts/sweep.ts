/** Pictures of a sweep: a curve over one key, a map over two. */
import type { Run } from "../../study/results/index.ts";
import { curvePoint } from "../../study/size/curve.ts";
import { ON_COLOUR } from "../theme.ts";
import { duration } from "../units.ts";
import { axisTitle, type Chart, chart } from "./chart.ts";
import { waitCurve } from "./curves.ts";

/** Wait over a key with numbers for values. */
export function runCurve(workload: string, runs: readonly Run[], key: string): Chart {
  const points = runs.map((run) => curvePoint(Number(run.settings[key]), run));
  return waitCurve(points, { workload, axis: key });
}

/** Labels are left out where a map has more cells than can be read. */
const LABELLED = 150;
/** From here on, between the shortest and the longest wait, cividis is a dark ground. */
const DARK = 0.54;

/** p99 wait as colour over two keys, with the figure in each cell. */
export function heatMap(title: string, runs: readonly Run[], x: string, y: string): Chart {
  const values = runs.map((run) => ({
    x: `${run.settings[x]}`,
    y: `${run.settings[y]}`,
    wait: run.wait_ms.p99,
    text: duration(run.wait_ms.p99),
  }));
  const order = (pick: (row: (typeof values)[number]) => string): string[] => [
    ...new Set(values.map(pick)),
  ];
  const axes = {
    x: {
      field: "x",
      type: "ordinal",
      title: axisTitle(x),
      sort: order((row) => row.x),
      axis: { labelAngle: 0 },
    },
    y: { field: "y", type: "ordinal", title: axisTitle(y), sort: order((row) => row.y).reverse() },
  };
  const colour = {
    field: "wait",
    type: "quantitative",
    title: "p99 wait (ms)",
    scale: { type: "symlog", scheme: "cividis", reverse: true },
  };
  // Cividis is dark where waits are long: words there must be light. By night the cells stay as they are.
  const waits = values.map((row) => row.wait);
  const [low, high] = [Math.min(...waits), Math.max(...waits)].map(Math.log1p) as [number, number];
  const dark = `log(1 + datum.wait) > ${low + DARK * (high - low)}`;
  const ink = { condition: { test: dark, value: "white" }, value: ON_COLOUR };
  return chart(title, ["colour on a logarithmic scale"], describe(values, x, y), {
    data: { values },
    width: { step: 64 },
    height: { step: 32 },
    encoding: axes,
    layer: [
      { mark: { type: "rect" }, encoding: { color: colour } },
      ...(values.length <= LABELLED
        ? [
            {
              mark: { type: "text", fontSize: 10 },
              encoding: { text: { field: "text" }, color: ink },
            },
          ]
        : []),
    ],
  });
}

function describe(
  values: readonly { x: string; y: string; wait: number; text: string }[],
  x: string,
  y: string,
): string {
  const sorted = [...values].sort((a, b) => a.wait - b.wait);
  const said = ([first, last]: (typeof sorted)[number][]): string =>
    first === undefined || last === undefined
      ? "no points"
      : `shortest, ${first.text}, at ${x} ${first.x} and ${y} ${first.y}; ` +
        `longest, ${last.text}, at ${x} ${last.x} and ${y} ${last.y}`;
  return `Heat map of the p99 wait over ${x} and ${y}: ${said([sorted[0], sorted.at(-1)].flatMap((row) => row ?? []))}.`;
}
