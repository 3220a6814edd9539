/** The worker thread of `threads.ts`. */
import type { Workload } from "../../workloads/schema/workload.ts";
import { Abandoned } from "../model/index.ts";
import { type ReplicationOptions, type Simulated, timed } from "./simulator.ts";

/** One task: one replication; undefined: it was given up, for an error would lose its class on its way. */
export default function simulateTask(task: {
  workload: Workload;
  options: ReplicationOptions;
}): Simulated | undefined {
  try {
    return timed(task.workload, task.options);
  } catch (error) {
    if (error instanceof Abandoned) return undefined;
    throw error;
  }
}
