/**
 * How long a run is simulated before it is measured. `auto` looks at a pilot run from an empty pool and
 * lets MSER-5 find where its level of work settles; the load's own cycle is the least.
 */
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";
import { type SimulateOptions, simulate } from "../model/index.ts";
import { offeredLoad } from "./offered.ts";
import { warmUp } from "./statistics.ts";

/** Rows of a pilot's timeline: MSER-5 then cuts in steps of half a per cent. */
const MOMENTS = 1000;
/** Cycles (think and transaction) of a client to let pass, so that all clients are out of step. */
const CYCLES = 5;

/** Time to leave out at the start of each replication, and whether there is a steady state at all. */
export interface WarmUpTime {
  warmup: number;
  /** Why nothing that is measured after it is a steady state's. */
  unsteady?: string;
}

/**
 * The warm-up of a workload: its own when it names one. With a `schedule` nothing is ever steady, and
 * what comes first may be the point, so that only the clients' cycles are left out.
 */
export function warmUpTime(workload: Workload, simulation: SimulateOptions): WarmUpTime {
  const own = workload.run.warmup;
  if (own !== "auto") return { warmup: own };
  const duration = simulation.duration ?? workload.run.duration;
  const least = Math.min(duration / 4, leastWarmUp(workload));
  if (changes(workload)) return { warmup: Math.round(least) };
  for (let length = Math.min(duration, Math.max(duration / 4, 4 * least)); ; length *= 2) {
    const window = Math.round(Math.min(length, duration));
    const { cut, trusted, drifts } = pilot(workload, { ...simulation, duration: window });
    if (trusted) return { warmup: Math.round(Math.max(least, cut)) };
    if (window < duration) continue;
    if (!drifts) return { warmup: Math.round(Math.max(least, duration / 4)) };
    return { warmup: Math.round(duration / 2), unsteady: unsteady(workload) };
  }
}

/** The warm-up that the clients' own cycles need, however long the run. */
export function leastWarmUp({ run, clients }: Workload): number {
  return run.warmup === "auto" ? CYCLES * Math.max(0, ...clients.map(cycle)) : run.warmup;
}

/** Says that a queue does not settle, and why, where the offered load tells. */
function unsteady(workload: Workload): string {
  const load = offeredLoad(workload);
  const reason =
    load < 1
      ? "the queue still changes at the end; give it more with --duration"
      : `arrivals bring ${Math.round(100 * load)} % of what the pool can serve, and the queue grows`;
  return `no steady state within the simulated time: ${reason}`;
}

/** The load changes with time, or something fails: no part of the window stands for the whole. */
export function changes({ schedule, curves, faults }: Workload): boolean {
  return schedule.length > 0 || curves !== undefined || faults !== undefined;
}

interface Pilot {
  /** Where MSER-5 cuts, ns. */
  cut: number;
  trusted: boolean;
  /** Whether the last quarter differs from the third by more than 5 %. */
  drifts: boolean;
}

function pilot(workload: Workload, options: SimulateOptions): Pilot {
  const { timeline, duration } = simulate(workload, { ...options, warmup: 0, moments: MOMENTS });
  const busy = timeline.map((moment) => moment.clients_waiting + moment.servers_active);
  const { cut, trusted } = warmUp(busy);
  const quarter = Math.floor(busy.length / 4);
  // MSER-5 finds no cut either where rare events are all that varies; a drift tells the two apart.
  const [third, last] = [
    average(busy.slice(-2 * quarter, -quarter)),
    average(busy.slice(-quarter)),
  ];
  return {
    cut: (cut / Math.max(1, busy.length)) * duration,
    trusted,
    drifts: Math.abs(last - third) > 0.05 * Math.max(third, last),
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function cycle({ think, transaction }: ClientKind): number {
  const { statements, service, gap } = transaction;
  return mean(think) + mean(statements) * (mean(service) + mean(gap));
}
