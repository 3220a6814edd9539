/**
 * A machine that stands still spoils what is measured on it: everybody waits at once, which no model of a
 * pool foresees. Whether it did is judged by the instrument alone, never by what was measured: the driver's
 * event loop and its timers know how late they were. Such a piece is measured again, and that is reported.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { MILLISECOND, type Nanos } from "../../../engine/core/index.ts";
import type { LiveResult } from "../../../workloads/live/index.ts";

/**
 * Lateness beyond which the machine counts as having stood still. A machine that is merely busy stays
 * below: with ten processes that want each core, the longest delays of runs of 4 s were 20 to 100 ms.
 */
export const STANDSTILL: Nanos = 250 * MILLISECOND;

/** How often a piece is measured at most. */
export const ATTEMPTS = 3;

/** Something measured, and how long the measuring process stood still meanwhile. */
export interface Attempt<T> {
  found: T;
  longest: Nanos;
}

/** What is measured in one go: for which repeat, from 0. */
export interface Piece {
  what: "calibration" | "live";
  repeat: number;
}

/** A piece that was measured more than once. */
export interface MeasuredAgain extends Piece {
  /** Further attempts. */
  times: number;
  /** Longest standstill of the attempts that were dropped. */
  longest: Nanos;
  /** Longest standstill of the one that was used: the last, or the quietest when none was quiet. */
  used: Nanos;
}

/** Whether the machine stood still. The boundary itself is quiet. */
export const stoodStill = (longest: Nanos): boolean => longest > STANDSTILL;

/** How long the driver's process stood still in a run: by its event loop, and by its timers. */
export function standstillOf({ driver }: Pick<LiveResult, "driver">): Nanos {
  return Math.max(driver.event_loop_delay.max, driver.timer_lateness.max);
}

/** Measures pieces until they are quiet, and keeps count. */
export class Watch {
  readonly again: MeasuredAgain[] = [];
  /** Told that a piece is measured again, because the machine stood still for so long. */
  onAgain: (piece: Piece, longest: Nanos) => void = () => undefined;

  /**
   * Measures until an attempt is quiet, `ATTEMPTS` times at most, and returns that one; the quietest when
   * none is. `attempt` is told how many there were before.
   */
  async quietly<T>(piece: Piece, attempt: (before: number) => Promise<Attempt<T>>): Promise<T> {
    let used = await attempt(0);
    const dropped: Nanos[] = [];
    while (stoodStill(used.longest) && dropped.length + 1 < ATTEMPTS) {
      this.onAgain(piece, used.longest);
      const next = await attempt(dropped.length + 1);
      const better = next.longest < used.longest;
      dropped.push(better ? used.longest : next.longest);
      if (better) used = next;
    }
    const times = dropped.length;
    if (times > 0)
      this.again.push({ ...piece, times, longest: Math.max(...dropped), used: used.longest });
    return used.found;
  }
}

const LOOP_SAMPLE_MS = 10;

/** Measures in our own process, and how long it stood still meanwhile. */
export async function watched<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  const loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  loop.enable();
  try {
    const found = await work();
    // Node reports the whole period; the delay is what exceeds the one asked for.
    const longest = loop.count === 0 ? 0 : Math.max(0, loop.max - LOOP_SAMPLE_MS * MILLISECOND);
    return { found, longest };
  } finally {
    loop.disable();
  }
}
