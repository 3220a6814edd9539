/** One configuration on a stand, played live once. */
import type { Nanos } from "../../../engine/core/index.ts";
import { type LiveResult, runLive } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { Cell, Stand } from "./stand.ts";
import { type Attempt, standstillOf } from "./standstill.ts";

export interface PlayOptions {
  /** Time before the measured window, and the window's length. */
  warmup: Nanos;
  duration: Nanos;
  /** Time that the database takes to count a row, where a kind's work is `cpu`. */
  rowTime?: number | undefined;
  /** Plays a run; `runLive` when left out. */
  play?: typeof runLive | undefined;
  signal?: AbortSignal | undefined;
}

/** Plays `workload` on the pools of `cell`, and tells how long the machine stood still meanwhile. */
export async function playWatched(
  ...given: Parameters<typeof playCell>
): Promise<Attempt<LiveResult>> {
  const found = await playCell(...given);
  return { found, longest: standstillOf(found) };
}

/** Plays `workload` on the pools of `cell`. Errors: OutsideError, the signal's reason. */
export function playCell(
  stand: Stand,
  { warmup, duration, rowTime, signal, play = runLive }: PlayOptions,
  cell: Cell,
  seed: number,
  workload: Workload,
): Promise<LiveResult> {
  return play({
    workload,
    target: stand.target(cell),
    direct: stand.direct,
    admin: stand.consoles?.(workload) ?? stand.admin,
    breaker: stand.breaker,
    poolMode: cell.pool_mode,
    seed,
    warmup,
    duration,
    rowTime,
    signal,
  });
}
