/**
 * Where a study's replications are simulated: in this thread, or on worker threads (`threads.ts`, which
 * browsers do without). Either way a replication is a pure function of workload and options, so the
 * answer is the same.
 */
import type { Workload } from "../../workloads/schema/workload.ts";
import { Abandoned, type RunResult, type SimulateOptions, simulate } from "../model/index.ts";

/** A replication's result, and the real milliseconds that it took. */
export interface Simulated {
  result: RunResult;
  wall: number;
}

/** How to simulate; all of it but the signal can cross to another thread. */
export interface ReplicationOptions extends Omit<SimulateOptions, "isAbandoned"> {
  /** Unix time in ms at which a replication that is not done is given up. */
  until?: number | undefined;
  /** Gives up a replication that is not done; in this thread only one that has not begun, for it hears nothing. */
  signal?: AbortSignal | undefined;
}

export interface Simulator {
  /** How many replications are worth asking for at once. */
  readonly width: number;
  /** Simulates once. Errors: those of `simulate`; Abandoned when `until` or `signal` came first. */
  run(workload: Workload, options: ReplicationOptions): Promise<Simulated>;
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

/**
 * Simulates and measures how long that took. `isStopped`: the signal, as another thread hears of it. Errors:
 * those of `Simulator.run`.
 */
export function timed(
  workload: Workload,
  { until = Number.POSITIVE_INFINITY, signal, ...options }: ReplicationOptions,
  isStopped = () => signal?.aborted === true,
): Simulated {
  const isAbandoned = (): boolean => isStopped() || Date.now() >= until;
  if (isAbandoned()) throw new Abandoned();
  const begin = performance.now();
  const result = simulate(workload, { ...options, isAbandoned });
  return { result, wall: performance.now() - begin };
}
