/** One configuration on a stand, played live once. */
import type { Nanos } from "../../../engine/core/index.ts";
import { type LiveResult, runLive } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { Cell, Stand } from "./stand.ts";

export interface PlayOptions {
  /** Time before the measured window, and the window's length. */
  warmup: Nanos;
  duration: Nanos;
  /** Time that the database takes to count a row, where a kind's work is `cpu`. */
  rowTime?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Plays `workload` on the pools of `cell`. Errors: OutsideError, the signal's reason. */
export function playCell(
  stand: Stand,
  { warmup, duration, rowTime, signal }: PlayOptions,
  cell: Cell,
  seed: number,
  workload: Workload,
): Promise<LiveResult> {
  return runLive({
    workload,
    target: stand.target(cell),
    direct: stand.direct,
    admin: stand.admin,
    poolMode: cell.pool_mode,
    seed,
    warmup,
    duration,
    rowTime,
    signal,
  });
}
