/** Waits for a connection of the application's own pool, which no objective for those in the pooler counts. */
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { Run } from "../results/index.ts";

const MILLISECOND = 1e6;

/** Terms for the wait in the pooler, and the figure of the wait before it that is the same. */
const TERMS = [
  ["wait_p99", "p99"],
  ["wait_p95", "p95"],
  ["wait_p50", "p50"],
] as const;

/** A sentence where the objective is met in the pooler because clients wait longer than that before it. */
export function waitingInside({ slo }: Workload, { app_wait_ms }: Run): string[] {
  if (app_wait_ms === undefined) return [];
  if (slo.response_p95 !== undefined || slo.response_p99 !== undefined) return [];
  const beyond = TERMS.find(
    ([term, figure]) => app_wait_ms[figure] * MILLISECOND > (slo[term] ?? NO_END),
  );
  if (beyond === undefined) return [];
  const [term, figure] = beyond;
  return [
    `${term} counts the wait in the pooler alone, and clients wait for a connection of the application's own ` +
      `pool as well, ${figure} ${Number(app_wait_ms[figure].toPrecision(3))} ms; an objective for response_p99 ` +
      "counts both",
  ];
}

const NO_END = Number.POSITIVE_INFINITY;
