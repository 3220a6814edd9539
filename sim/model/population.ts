/**
 * The clients of the model: eight integers and two times each, in two typed arrays, like the core's own
 * records. Closed kinds have theirs for ever; an open kind takes one for each session and gives it back.
 */
import type { ClientKind } from "../../workloads/schema/workload.ts";

/** Fields of a client. */
export const M = {
  kind: 0,
  /** Number within its kind: with the kind's name and the seed it names the client's streams. */
  number: 1,
  phase: 2,
  /** The core's handle while it is connected, else -1. */
  handle: 3,
  /** Transactions and sessions begun: the indices of its draws. */
  transaction: 4,
  session: 5,
  /** Statements of the transaction still to be answered, after the one under way. */
  later: 6,
  /** Transactions that the session has left; -1: no end. */
  left: 7,
} as const;

export const PHASE = { away: 0, login: 1, thinking: 2, asking: 3, leaving: 4, free: 5 } as const;

/** Times of a client. */
export const MT = {
  /** When the transaction's first message reached the pooler. */
  sent: 0,
  /** When the event that the client waits for is due; others of it are stale. */
  due: 1,
} as const;

export class Population {
  ints: Int32Array;
  times: Float64Array;
  /** When the session ends by duration; made only if some kind has durations. */
  sessionEnd: Float64Array | undefined;
  /** Waiting of this transaction so far; made only if some transaction may wait more than once. */
  waited: Float64Array | undefined;
  size = 0;
  private free = -1;

  constructor(capacity: number) {
    this.ints = new Int32Array(Math.max(16, capacity) * 8);
    this.times = new Float64Array(Math.max(16, capacity) * 2);
  }

  /** Room for what only some kinds of clients need. */
  provide(kinds: readonly ClientKind[]): void {
    const room = this.ints.length / 8;
    if (kinds.some((kind) => kind.session.duration !== undefined))
      this.sessionEnd = new Float64Array(room);
    this.waited = new Float64Array(room);
  }

  take(kind: number, number: number): number {
    let client = this.free;
    if (client >= 0) this.free = this.ints[client * 8 + M.session] as number;
    else {
      client = this.size++;
      if (client * 8 === this.ints.length) this.grow();
    }
    const at = client * 8;
    this.ints.fill(0, at, at + 8);
    this.ints[at + M.kind] = kind;
    this.ints[at + M.number] = number;
    this.ints[at + M.handle] = -1;
    this.times.fill(-1, client * 2, client * 2 + 2);
    return client;
  }

  give(client: number): void {
    this.ints[client * 8 + M.phase] = PHASE.free;
    this.ints[client * 8 + M.session] = this.free;
    this.free = client;
  }

  private grow(): void {
    this.ints = grown(this.ints, new Int32Array(this.ints.length * 2));
    this.times = grown(this.times, new Float64Array(this.times.length * 2));
    const room = this.ints.length / 8;
    if (this.sessionEnd) this.sessionEnd = grown(this.sessionEnd, new Float64Array(room));
    if (this.waited) this.waited = grown(this.waited, new Float64Array(room));
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
