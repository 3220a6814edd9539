/**
 * The driver's due times: a heap over one coarse `setTimeout`. Node's timers have steps of a
 * millisecond, so callers also offer `run` a chance whenever they are awake anyway. How late each
 * timer was is handed on with it: it is measured, never hidden.
 */
import type { Nanos } from "../../engine/core/units.ts";
import { now } from "./clock.ts";

/** A client, a user of an application or a connection of its pool: whoever acts in a run. */
export interface Player {
  /** Its number; its timers' follow from it. */
  readonly id: number;
  /** Whether it is logged in. */
  readonly online: boolean;
  /** The common start. */
  begin(at: Nanos): void;
  /** Its timer was due at `due`. */
  onTimer(due: Nanos, at: Nanos): void;
  /** Its patience is over. */
  onPatience(at: Nanos): void;
  /** Whether a transaction is under way that began before `end`. */
  busyBefore(end: Nanos): boolean;
  /** Leaves; a transaction under way that began before `end` is written down without a response. */
  cutOff(end: Nanos): void;
  /** Goes for good. */
  leave(): void;
}

/** Numbers of a player's two timers. */
export const timerOf = (player: number): number => 2 * player;
export const patienceOf = (player: number): number => 2 * player + 1;

/** Called with the timer's number, when it was due and when it really came. */
export type Fire = (id: number, due: Nanos, at: Nanos) => void;

/** One due time per number; setting it again replaces it. */
export class Timers {
  private readonly fire: Fire;
  private readonly dues: Nanos[] = [];
  private readonly ids: number[] = [];
  /** The valid due time of each number; an entry of the heap with another one is stale. */
  private readonly current = new Map<number, Nanos>();
  private armed: ReturnType<typeof setTimeout> | undefined;
  private armedFor: Nanos = Number.POSITIVE_INFINITY;

  constructor(fire: Fire) {
    this.fire = fire;
  }

  set(id: number, due: Nanos): void {
    this.current.set(id, due);
    this.push(due, id);
    if (due < this.armedFor) this.arm(now());
  }

  cancel(id: number): void {
    this.current.delete(id);
  }

  /** Fires everything due at `at`. */
  run(at: Nanos): void {
    while (this.dues.length > 0 && (this.dues[0] ?? 0) <= at) {
      const due = this.dues[0] ?? 0;
      const id = this.pop();
      if (this.current.get(id) !== due) continue;
      this.current.delete(id);
      this.fire(id, due, at);
    }
  }

  /** Forgets everything. */
  clear(): void {
    clearTimeout(this.armed);
    this.armedFor = Number.POSITIVE_INFINITY;
    this.current.clear();
    this.dues.length = 0;
    this.ids.length = 0;
  }

  private arm(at: Nanos): void {
    clearTimeout(this.armed);
    const due = this.dues[0];
    this.armedFor = due ?? Number.POSITIVE_INFINITY;
    if (due === undefined) return;
    // Rounded up, so that a timer comes late but never early: early would be an unmeasured error.
    this.armed = setTimeout(() => this.wake(), Math.max(1, Math.ceil((due - at) / 1e6)));
  }

  private wake(): void {
    this.armedFor = Number.POSITIVE_INFINITY;
    this.run(now());
    this.arm(now());
  }

  private push(due: Nanos, id: number): void {
    let at = this.dues.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.dues[parent] ?? 0) <= due) break;
      this.place(at, parent);
      at = parent;
    }
    this.dues[at] = due;
    this.ids[at] = id;
  }

  /** Takes the first entry off and returns its number. */
  private pop(): number {
    const first = this.ids[0] ?? 0;
    const due = this.dues.pop() ?? 0;
    const id = this.ids.pop() ?? 0;
    if (this.dues.length > 0) this.sink(due, id);
    return first;
  }

  private sink(due: Nanos, id: number): void {
    const size = this.dues.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (this.dues[child + 1] ?? 0) < (this.dues[child] ?? 0)) child++;
      if ((this.dues[child] ?? 0) >= due) break;
      this.place(at, child);
      at = child;
    }
    this.dues[at] = due;
    this.ids[at] = id;
  }

  private place(to: number, from: number): void {
    this.dues[to] = this.dues[from] ?? 0;
    this.ids[to] = this.ids[from] ?? 0;
  }
}
