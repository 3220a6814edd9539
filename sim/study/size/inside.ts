/** Waits for a connection of the application's own pool, which no objective for those in the pooler counts. */
import { leastFactor } from "../../../workloads/schema/courses.ts";
import { isImpatient, staying } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { askedOfApplication, paceOf } from "../pace.ts";
import type { Run } from "../results/index.ts";
import { clientsOf } from "./load.ts";

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

/** A load that keeps the application's own pools busy all the time. */
export interface Filling {
  /** Clients, as in `LOAD`. */
  size: number;
  /** Connections of those pools together. */
  app_connections: number;
}

/** Queues of so many times what the pools let through are never empty, whatever the chance. */
const TIMES = 4;

/**
 * The clients from whom on more of them make no difference to the pooler, for they wait in the application's
 * own pools, also when a schedule has the load at its lowest. undefined: there are none, for not all pass through
 * such a pool, or the objective counts the wait there as well; or something fails, and then each number of clients
 * takes another time to fill them again.
 */
export function filling(workload: Workload): Filling | undefined {
  const { clients, slo } = workload;
  const total = clientsOf(workload);
  const { response_p95, response_p99, timeouts } = slo;
  if ([response_p95, response_p99, timeouts].some((limit) => limit !== undefined)) return undefined;
  if (total === undefined || workload.faults !== undefined || clients.some(isImpatient))
    return undefined;
  if (clients.some(({ app_pool, count }) => app_pool === undefined || count === undefined))
    return undefined;
  const least = Math.min(
    ...clients.map((kind) =>
      askedOfApplication(kind, paceOf(workload, kind), leastFactor(workload, kind.name)),
    ),
  );
  return {
    size: Math.ceil((total * TIMES) / least),
    app_connections: staying(clients),
  };
}

const NO_END = Number.POSITIVE_INFINITY;
