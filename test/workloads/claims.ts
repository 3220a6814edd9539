/** Shipped workloads, simulated a few times, for the tests of what they claim. */
import { SECOND } from "../../engine/core/index.ts";
import { Histogram } from "../../sim/kernel/histogram.ts";
import {
  type Figures,
  type RunResult,
  type SimulateOptions,
  simulate,
} from "../../sim/model/index.ts";
import type { WaitLaw } from "../../sim/study/analytic/index.ts";
import { loadWorkload, type Overrides } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { holds, samplesOf } from "../model/exactness.ts";

const MS = 1e6;

/** The file as it ships, with options of the command line. */
export function shipped(name: string, set: string[] = [], options: Overrides = {}): Workload {
  return loadWorkload(`workloads/${name}.yaml`, { ...options, set });
}

/** One run; times in seconds. */
export function once(
  workload: Workload,
  warmup: number,
  duration: number,
  options: SimulateOptions = {},
): RunResult {
  return simulate(workload, {
    ...options,
    warmup: warmup * SECOND,
    duration: duration * SECOND,
  });
}

/** As many runs under seeds of their own. */
export function repeats(
  workload: Workload,
  warmup: number,
  duration: number,
  seeds = 16,
): RunResult[] {
  return Array.from({ length: seeds }, (_, seed) =>
    once(workload, warmup, duration, { seed, trace: true }),
  );
}

/** The mean wait, and the share that waits longer than the exact p99, are the exact ones; law in ms. */
export function waitsExactly(runs: readonly RunResult[], law: WaitLaw): void {
  const p99 = law.quantile(0.99);
  holds(
    "mean wait",
    samplesOf(runs, ({ all }) => all.wait.mean / MS),
    law.mean,
  );
  holds(
    "beyond the exact p99",
    samplesOf(runs, (run) => shareAbove(run, p99 * MS)),
    law.tail(p99),
  );
}

function shareAbove({ trace }: RunResult, limit: number): number {
  const waits = trace?.wait ?? [];
  return waits.filter((wait) => wait > limit).length / waits.length;
}

/** p99 wait of all runs together, ms. */
export function p99(runs: readonly RunResult[], kind?: string): number {
  const waits = new Histogram();
  for (const { all, kinds } of runs)
    waits.merge((kind === undefined ? all : (kinds[kind] as Figures)).wait);
  return waits.quantile(0.99) / MS;
}

/** Mean of a figure. */
export function average(runs: readonly RunResult[], figure: (run: RunResult) => number): number {
  return runs.reduce((sum, run) => sum + figure(run), 0) / runs.length;
}
