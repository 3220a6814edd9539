/** Load that changes with time: the workload's schedule, as a factor on how often clients come. */
import type { Nanos } from "../../engine/core/units.ts";
import type { ScheduleEntry } from "../schema/workload.ts";

/**
 * Factor on the load of the kind `name` at `elapsed` since the common start; entries that overlap
 * multiply. Pauses that begin then are divided by it: think times, and gaps between arrivals.
 */
export function loadFactor(
  schedule: readonly ScheduleEntry[],
  name: string,
  elapsed: Nanos,
): number {
  let factor = 1;
  for (const entry of schedule)
    if (entry.clients === name && elapsed >= entry.at && elapsed < entry.at + entry.for)
      factor *= entry.factor;
  return factor;
}
