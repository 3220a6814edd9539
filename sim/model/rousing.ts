/** Waiters that look for a server by themselves: when each of them is awake. */
import type { Nanos } from "../../engine/core/index.ts";
import type { PoolerModel } from "../../workloads/schema/workload.ts";
import { type Sampler, sampler } from "../kernel/distributions.ts";
import { doubled } from "../kernel/doubled.ts";
import { Stream } from "../kernel/streams.ts";

/** The waiters of a run, by the core's handle. */
export class Rousing {
  /** When each waiter, by the core's handle, looks next; other events of it are stale. */
  private due: Float64Array = new Float64Array(64);
  private readonly delay: Sampler;
  private count = 0;

  constructor({ discipline, wake_up, sleep }: PoolerModel, seed: number) {
    const stream = new Stream(seed, "pooler", "awake");
    this.delay =
      discipline === "poll"
        ? sampler({ kind: "constant", value: sleep }, stream)
        : sampler({ kind: "exponential", mean: wake_up }, stream);
  }

  /** The waiter is told to look. Returns when it will. */
  rouse(client: number, now: Nanos): Nanos {
    while (client >= this.due.length) this.due = doubled(this.due);
    // Somebody who is awake sooner than in a nanosecond would look in the instant of the signal.
    const due = now + Math.max(1, this.delay.draw(0, this.count++, 0));
    this.due[client] = due;
    return due;
  }

  /** Nobody waits any more. */
  clear(): void {
    this.due.fill(-1);
  }

  /** Whether the waiter looks now. */
  looks(client: number, now: Nanos): boolean {
    return this.due[client] === now;
  }
}
