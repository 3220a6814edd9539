/**
 * Where a study's replications are simulated: in this thread, or on worker threads (`threads.ts`, which
 * browsers do without). Either way a replication is a pure function of workload and options, so the
 * answer is the same.
 */
import type { Workload } from "../../workloads/schema/workload.ts";
import {
  Abandoned,
  type RunResult,
  type SimulateOptions,
  simulate,
  simulateInTurns,
} from "../model/index.ts";

/** A replication's result, and the real milliseconds that it took. */
export interface Simulated {
  result: RunResult;
  wall: number;
}

/** How to simulate; all of it but the signal can cross to another thread. */
export interface ReplicationOptions extends Omit<SimulateOptions, "isAbandoned"> {
  /** Unix time in ms at which a replication that is not done is given up. */
  until?: number | undefined;
  /** Gives up a replication that is not done. */
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

/** In this thread; signals and timers get their turn before each replication, and now and then within. */
export const HERE: Simulator = {
  width: 1,
  run: async (workload, { until = Number.POSITIVE_INFINITY, signal, ...options }) => {
    const isAbandoned = (): boolean => signal?.aborted === true || Date.now() >= until;
    await otherTurns();
    if (isAbandoned()) throw new Abandoned();
    const begin = performance.now();
    const result = await simulatePatiently(workload, { ...options, isAbandoned });
    return { result, wall: performance.now() - begin };
  },
  close: async () => undefined,
};

/** Simulates once in this thread, where signals are heard meanwhile. Errors: the signal's reason. */
export async function simulateHearing(
  signal: AbortSignal | undefined,
  workload: Workload,
  options: SimulateOptions,
): Promise<RunResult> {
  await otherTurns();
  signal?.throwIfAborted();
  try {
    const isAbandoned = (): boolean => signal?.aborted === true;
    return await simulatePatiently(workload, { ...options, isAbandoned });
  } catch (error) {
    if (error instanceof Abandoned) signal?.throwIfAborted();
    throw error;
  }
}

/** Milliseconds that signals and timers wait for at most, unless a tick takes longer. */
const PATIENCE_MS = 50;

async function simulatePatiently(workload: Workload, options: SimulateOptions): Promise<RunResult> {
  let last = performance.now();
  const turns = simulateInTurns(workload, options, () => performance.now() - last >= PATIENCE_MS);
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
    await otherTurns();
    last = performance.now();
  }
}

const otherTurns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * Simulates in a thread that hears nothing, and measures how long that took. `isStopped`: the signal, as that
 * thread sees it. Errors: those of `Simulator.run`.
 */
export function timed(
  workload: Workload,
  { until = Number.POSITIVE_INFINITY, signal: _, ...options }: ReplicationOptions,
  isStopped: () => boolean,
): Simulated {
  const isAbandoned = (): boolean => isStopped() || Date.now() >= until;
  if (isAbandoned()) throw new Abandoned();
  const begin = performance.now();
  const result = simulate(workload, { ...options, isAbandoned });
  return { result, wall: performance.now() - begin };
}
