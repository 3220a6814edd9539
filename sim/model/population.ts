/**
 * The clients of the model: eight integers and four times each, in 64 bytes, like the core's own
 * records. Closed kinds have theirs for ever; an open kind takes one for each session and gives it back.
 * Field F of client c is `ints[(c << 4) + F]`, time T is `times[(c << 3) + T]`.
 */
import { doubledMemory, recordMemory } from "../../engine/core/index.ts";

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
  /** Of a free record: the next free one. */
  session: 5,
  /** Statements of the transaction still to be answered, after the one under way. */
  later: 6,
  /** Transactions that the session has left; -1: no end. */
  left: 7,
} as const;

/**
 * What a client does; `waiting` is `asking` while it queues for a server, `knocking` is `login` while it
 * queues for the first server of its pool, whose parameters its welcome must name.
 */
export const PHASE = {
  away: 0,
  login: 1,
  thinking: 2,
  asking: 3,
  waiting: 4,
  leaving: 5,
  free: 6,
  knocking: 7,
} as const;

/** Times of a client. */
export const MT = {
  /** When the transaction's first message reached the pooler. */
  sent: 4,
  /** When the event that the client waits for is due; others of it are stale. -1: none. */
  due: 5,
  /** Waiting of this transaction so far; while it queues, less the time at which it began to. */
  waited: 6,
  /** When the session ends by duration. */
  end: 7,
} as const;

/** Length of a client in each of the two views. */
const INTS = 16;
const TIMES = 8;
const FIELDS = 8;

/** A growing table of clients with a free list. */
export class Population {
  ints: Int32Array;
  times: Float64Array;
  private high = 0;
  private free = -1;

  constructor(capacity: number) {
    ({ ints: this.ints, times: this.times } = recordMemory(capacity));
  }

  /** A client that has done nothing yet: `away`, not connected. */
  take(kind: number, number: number): number {
    let client = this.free;
    if (client >= 0) this.free = this.ints[client * INTS + M.session] as number;
    else {
      client = this.high++;
      if (client * INTS === this.ints.length) this.grow();
    }
    const at = client * INTS;
    this.ints.fill(0, at, at + FIELDS);
    this.ints[at | M.kind] = kind;
    this.ints[at | M.number] = number;
    this.ints[at | M.handle] = -1;
    const time = client * TIMES;
    this.times[time | MT.sent] = -1;
    this.times[time | MT.due] = -1;
    this.times[time | MT.waited] = 0;
    this.times[time | MT.end] = Number.POSITIVE_INFINITY;
    return client;
  }

  give(client: number): void {
    this.ints[client * INTS + M.phase] = PHASE.free;
    this.ints[client * INTS + M.session] = this.free;
    this.times[client * TIMES + MT.due] = -1;
    this.free = client;
  }

  private grow(): void {
    ({ ints: this.ints, times: this.times } = doubledMemory(this.ints));
  }
}
