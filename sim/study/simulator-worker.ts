/** The worker thread of `threads.ts`. */
import type { Workload } from "../../workloads/schema/workload.ts";
import { Abandoned } from "../model/index.ts";
import { type ReplicationOptions, type Simulated, timed } from "./simulator.ts";

/**
 * One task: one replication; undefined: it was given up, for an error would lose its class on its way.
 * `stop`: not 0 from when it is to be given up; it is memory that all threads share.
 */
export default function simulateTask(task: {
  workload: Workload;
  options: ReplicationOptions;
  stop: Int32Array | undefined;
}): Simulated | undefined {
  const { workload, options, stop } = task;
  const isStopped = (): boolean => stop !== undefined && Atomics.load(stop, 0) !== 0;
  try {
    return timed(workload, options, isStopped);
  } catch (error) {
    if (error instanceof Abandoned) return undefined;
    throw error;
  }
}
