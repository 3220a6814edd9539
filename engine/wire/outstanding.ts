/**
 * The requests that a server has still to answer, oldest first, as PgBouncer keeps them: the type of
 * each message that has an answer of its own, and what is to become of that answer. Integers in a
 * ring that grows by doubling, so that nothing is allocated per message.
 * Source: PgBouncer 1.25.2 src/objects.c, add_outstanding_request() and its neighbours.
 */
import * as messages from "./messages.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { FRONTEND } = messages;

/** What is to become of an answer. */
export const ANSWER = {
  /** Goes to the client. */
  forward: 0,
  /** Is kept from the client, which did not ask. */
  swallow: 1,
  /** Will not come: the pooler answers by itself when the turn comes. */
  fake: 2,
} as const;

/** Called for every request that is dropped because an error made the server skip it. */
export type Dropped = (type: number, answer: number, statement: number) => void;

const STRIDE = 2;

export class Outstanding {
  /** Of the request popped last: what becomes of its answer, and the statement it was about or 0. */
  answer = 0;
  statement = 0;
  /** Number of requests without an answer. */
  length = 0;
  private slots = new Int32Array(16 * STRIDE);
  private head = 0;

  /** Appends a request; `statement` is 0 or the number of a tracked statement. */
  push(type: number, answer: number, statement: number): void {
    if (this.length * STRIDE === this.slots.length) this.grow();
    const at = this.place(this.length);
    this.slots[at] = type | (answer << 8);
    this.slots[at + 1] = statement;
    this.length++;
  }

  /** All of them, oldest first, as `push` takes them. */
  list(): [type: number, answer: number, statement: number][] {
    return Array.from({ length: this.length }, (_, index) => {
      const at = this.place(index);
      return [this.typeAt(index), (this.slots[at] as number) >> 8, this.slots[at + 1] as number];
    });
  }

  /** Takes away the oldest if it is of this type and not fake. */
  pop(type: number): boolean {
    if (this.length === 0) return false;
    const first = this.slots[this.head] as number;
    if ((first & 0xff) !== type || first >> 8 === ANSWER.fake) return false;
    this.shift();
    return true;
  }

  /** Takes away the oldest if ReadyForQuery is its answer: Sync, Query, FunctionCall. */
  popReady(): boolean {
    return this.pop(FRONTEND.sync) || this.pop(FRONTEND.query) || this.pop(FRONTEND.functionCall);
  }

  /** Takes away the oldest if it is fake, and returns its type; else 0. */
  popFake(): number {
    if (this.length === 0) return 0;
    const first = this.slots[this.head] as number;
    if (first >> 8 !== ANSWER.fake) return 0;
    this.shift();
    return first & 0xff;
  }

  /** Drops all up to and including the first Sync: after an error the server skips them. */
  dropUntilSync(dropped: Dropped): void {
    let count = 0;
    while (count < this.length && this.typeAt(count) !== FRONTEND.sync) count++;
    this.drop(0, Math.min(count + 1, this.length), dropped);
  }

  /**
   * At the end of a COPY: drops what the server read and ignored while it copied (a Sync, say), up
   * to and including the end of the client's data. A simple query at the head stays, because its
   * ReadyForQuery is still to come.
   */
  dropCopy(dropped: Dropped): void {
    const from = this.length > 0 && this.typeAt(0) === FRONTEND.query ? 1 : 0;
    let to = from;
    while (to < this.length && !isCopyEnd(this.typeAt(to))) to++;
    this.drop(from, Math.min(to + 1, this.length), dropped);
  }

  /** Drops ends of copy data at the head: what they ended turned out to be no COPY, or has failed. */
  dropStrayCopyEnds(): void {
    while (this.length > 0 && isCopyEnd(this.typeAt(0))) this.shift();
  }

  /** True when the end of the client's copy data has been sent already. */
  hasCopyEnd(): boolean {
    for (let index = 0; index < this.length; index++) {
      if (isCopyEnd(this.typeAt(index))) return true;
    }
    return false;
  }

  /**
   * Drops the requests from `from` to `to`, the newest first: each undoes what was noted when it was
   * sent, and things have to be undone in reverse.
   */
  private drop(from: number, to: number, dropped: Dropped): void {
    for (let index = to - 1; index >= from; index--) {
      const at = this.place(index);
      dropped(this.typeAt(index), (this.slots[at] as number) >> 8, this.slots[at + 1] as number);
    }
    const count = to - from;
    if (count <= 0) return;
    // What stays in front of the gap is one request at most.
    if (from === 1) this.slots.copyWithin(this.place(count), this.head, this.head + STRIDE);
    this.head = this.place(count);
    this.length -= count;
  }

  private place(index: number): number {
    return (this.head + index * STRIDE) & (this.slots.length - 1);
  }

  private typeAt(index: number): number {
    return (this.slots[this.place(index)] as number) & 0xff;
  }

  private shift(): void {
    this.answer = (this.slots[this.head] as number) >> 8;
    this.statement = this.slots[this.head + 1] as number;
    this.head = this.place(1);
    this.length--;
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots.subarray(this.head));
    slots.set(this.slots.subarray(0, this.head), this.slots.length - this.head);
    this.slots = slots;
    this.head = 0;
  }
}

function isCopyEnd(type: number): boolean {
  return type === FRONTEND.copyDone || type === FRONTEND.copyFail;
}
