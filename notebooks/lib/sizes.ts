/** What the pages about pool sizes have in common: the curve as a table. */
import { digits, duration, percent } from "../../sim/report/units.ts";
import type { CurvePoint } from "../../sim/study/results/index.ts";
import { interval } from "./studying.ts";
import { table } from "./table.ts";

const HEAD = [
  "default_pool_size",
  "mean wait",
  "p99 of the wait",
  "95 % interval of p99",
  "transactions a second",
  "busy",
];

/** Every simulated size; `now`: the one that is in use, which is marked. */
export function sizesTable(points: readonly CurvePoint[], now?: number): HTMLElement {
  const rows = points.map((point) => [
    `${point.pool_size}${point.pool_size === now ? " (now)" : ""}`,
    duration(point.wait_mean_ms),
    duration(point.wait_p99_ms),
    interval(point),
    digits(point.throughput_tps),
    percent(point.utilization),
  ]);
  return table("Every simulated size", HEAD, rows);
}
