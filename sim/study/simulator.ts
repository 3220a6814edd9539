/**
 * Where a study's replications are simulated: in this thread, or on worker threads (`threads.ts`, which
 * browsers do without). Either way a replication is a pure function of workload and options, so the
 * answer is the same.
 */
import type { Workload } from "../../workloads/schema/workload.ts";
import { type RunResult, type SimulateOptions, simulate } from "../model/index.ts";

/** A replication's result, and the real milliseconds that it took. */
export interface Simulated {
  result: RunResult;
  wall: number;
}

export interface Simulator {
  /** How many replications are worth asking for at once. */
  readonly width: number;
  /** Simulates once. Errors: those of `simulate`. */
  run(workload: Workload, options: SimulateOptions): Promise<Simulated>;
  /** Ends its threads. */
  close(): Promise<void>;
}

/** In this thread; signals and timers get their turn before each replication. */
export const HERE: Simulator = {
  width: 1,
  run: async (workload, options) => {
    await new Promise((resolve) => setImmediate(resolve));
    return timed(workload, options);
  },
  close: async () => undefined,
};

/** Simulates and measures how long that took. */
export function timed(workload: Workload, options: SimulateOptions): Simulated {
  const begin = performance.now();
  const result = simulate(workload, options);
  return { result, wall: performance.now() - begin };
}
