/** The worker thread of `threads.ts`. */
import type { Workload } from "../../workloads/schema/workload.ts";
import type { SimulateOptions } from "../model/index.ts";
import { type Simulated, timed } from "./simulator.ts";

/** One task: one replication. */
export default function simulateTask(task: {
  workload: Workload;
  options: SimulateOptions;
}): Simulated {
  return timed(task.workload, task.options);
}
