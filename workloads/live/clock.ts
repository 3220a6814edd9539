/**
 * Two clocks: ours, which never jumps, and the database server's, which stamps each statement's
 * start. They are compared by short round trips before and after the run; a straight line between
 * the two comparisons turns the server's stamps into our time.
 */
import type { Nanos } from "../../engine/core/units.ts";

/** Nanoseconds of our own clock; its zero is the start of the process. */
export function now(): Nanos {
  return Math.round(performance.now() * 1e6);
}

/** One comparison: the server said `stamp` at our `at`, give or take half of `roundTrip`. */
export interface ClockReading {
  at: Nanos;
  /** Microseconds since 1970 by the server's clock. */
  stamp: number;
  roundTrip: Nanos;
}

/** The server's clock in terms of ours. */
export class ServerClock {
  private readonly first: ClockReading;
  private last: ClockReading;

  constructor(first: ClockReading) {
    this.first = first;
    this.last = first;
  }

  /** Takes the second comparison; `drift` and `gainedAt` are zero before. */
  finish(last: ClockReading): void {
    this.last = last;
  }

  /** How much the server's clock gained on ours between the comparisons. */
  get drift(): Nanos {
    return (this.last.stamp - this.first.stamp) * 1_000 - (this.last.at - this.first.at);
  }

  /** Our time at which the server's clock showed `stamp`, drift left aside. */
  rough(stamp: number): Nanos {
    // A stamp in nanoseconds since 1970 would not fit into a double; the difference does.
    return this.first.at + (stamp - this.first.stamp) * 1_000;
  }

  /** What the server's clock shows at our time `at`, drift left aside; microseconds since 1970. */
  stampAt(at: Nanos): number {
    return this.first.stamp + (at - this.first.at) / 1_000;
  }

  /** What the server's clock had gained since the first comparison at our time `at`. */
  gainedAt(at: Nanos): Nanos {
    const span = this.last.at - this.first.at;
    return span <= 0 ? 0 : (this.drift * (at - this.first.at)) / span;
  }
}

/** The reading with the shortest round trip: it leaves the least room for error. */
export function bestReading(readings: readonly ClockReading[]): ClockReading | undefined {
  let best: ClockReading | undefined;
  for (const reading of readings)
    if (best === undefined || reading.roundTrip < best.roundTrip) best = reading;
  return best;
}

const RESOLUTION_SAMPLES = 2_000;

/** The smallest step that our own clock was seen to make. */
export function clockResolution(): Nanos {
  let smallest = Number.POSITIVE_INFINITY;
  let before = now();
  for (let sample = 0; sample < RESOLUTION_SAMPLES; sample++) {
    const after = now();
    if (after > before) smallest = Math.min(smallest, after - before);
    before = after;
  }
  return smallest;
}
