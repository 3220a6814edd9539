/**
 * The records of clients and servers: eight integers, then four times, in 64 bytes, so that one record
 * is one cache line and a million clients are 64 MB. A handle is an index; field F of record h is
 * `ints[(h << 4) + F]`, time T is `times[(h << 3) + T]`, two views of one buffer. Free ones are chained.
 */
import { doubledMemory, recordMemory } from "./record-memory.ts";

/** Fields of a client. */
export const C = {
  state: 0,
  pool: 1,
  /** The linked server; for a cancel request the server whose query it cancels. -1: none. */
  server: 2,
  next: 3,
  prev: 4,
  /** The user it logged in as. */
  user: 5,
  database: 6,
  flags: 7,
} as const;

/** Flags of a client. */
export const C_COUNTED = 1; // counted against the client limits of its database and user
export const C_NOTIFIED = 2; // has had the NOTICE of query_wait_notify
export const C_CANCEL = 4; // is a cancel request
export const C_LOOKUP = 8; // still logs in: what it has or waits for is a server to look its secret up
export const C_REPLICATION = 16; // wants a replication connection: its server serves nobody else

/** Times of a client; -1 when there is none. */
export const CT = { query: 4, xact: 5, request: 6, connect: 7 } as const;

/** Fields of a server. */
export const S = {
  state: 0,
  pool: 1,
  /** The linked client, or the cancel request that it carries. */
  client: 2,
  next: 3,
  prev: 4,
  status: 5,
  /** 1: to be closed instead of reused (RECONNECT, changed settings). */
  close_needed: 6,
  /** Cancel requests for its query that are on their way. */
  cancels: 7,
} as const;

/** Times of a server. `request`: the last packet from it. */
export const ST = { connect: 4, request: 5 } as const;

/** Length of a record in each of the two views. */
const INTS = 16;
const TIMES = 8;
const FIELDS = 8;
const NEXT = 3;
const PREV = 4;

/** Handles of a table: `first`, `first + step`, and so on. */
export interface Handles {
  readonly first: number;
  readonly step: number;
}

/** A growing table of records with a free list: lowest handles first, the last freed is reused first. */
export class Records {
  ints: Int32Array;
  times: Float64Array;
  /** Handles below this have been in use at some time. */
  high = 0;
  /** Records in use. */
  used = 0;
  private free = -1;
  /** The handle that has never been in use and comes next. */
  private next: number;
  private readonly step: number;

  constructor(capacity: number, { first, step }: Handles = { first: 0, step: 1 }) {
    this.next = first;
    this.step = step;
    ({ ints: this.ints, times: this.times } = recordMemory(capacity));
  }

  /** Takes a record: all integers -1 but state, status and flags, all times -1. */
  take(): number {
    this.used++;
    let handle = this.free;
    if (handle >= 0) this.free = this.ints[handle * INTS + NEXT] as number;
    else {
      handle = this.next;
      this.next += this.step;
      this.high = handle + 1; // Not `next`: loops up to here must stay inside the table.
      while (handle * INTS >= this.ints.length) this.grow();
    }
    const at = handle * INTS;
    this.ints.fill(-1, at, at + FIELDS);
    this.ints[at] = 0;
    this.ints[at + 5] = 0;
    this.ints[at + 6] = 0;
    this.ints[at + 7] = 0;
    this.times.fill(-1, handle * TIMES + TIMES / 2, (handle + 1) * TIMES);
    return handle;
  }

  /** Gives a record back. Its state must be `free` (0) already. */
  give(handle: number): void {
    this.used--;
    this.ints[handle * INTS + NEXT] = this.free;
    this.free = handle;
  }

  private grow(): void {
    ({ ints: this.ints, times: this.times } = doubledMemory(this.ints));
  }
}

/** A doubly linked list of records through their `next` and `prev` fields. */
export class List {
  head = -1;
  tail = -1;
  length = 0;

  append(ints: Int32Array, handle: number): void {
    const at = handle << 4;
    const tail = this.tail;
    ints[at | NEXT] = -1;
    ints[at | PREV] = tail;
    if (tail < 0) this.head = handle;
    else ints[(tail << 4) | NEXT] = handle;
    this.tail = handle;
    this.length++;
  }

  prepend(ints: Int32Array, handle: number): void {
    const at = handle << 4;
    const head = this.head;
    ints[at | PREV] = -1;
    ints[at | NEXT] = head;
    if (head < 0) this.tail = handle;
    else ints[(head << 4) | PREV] = handle;
    this.head = handle;
    this.length++;
  }

  remove(ints: Int32Array, handle: number): void {
    const at = handle << 4;
    const next = ints[at | NEXT] as number;
    const prev = ints[at | PREV] as number;
    if (prev < 0) this.head = next;
    else ints[(prev << 4) | NEXT] = next;
    if (next < 0) this.tail = prev;
    else ints[(next << 4) | PREV] = prev;
    this.length--;
  }
}
