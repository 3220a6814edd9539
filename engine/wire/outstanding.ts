/**
 * The requests that a server has still to answer, oldest first, as PgBouncer keeps them: the type of
 * each message that has an answer of its own, and what is to become of that answer. Integers in a
 * ring that grows by doubling, so that nothing is allocated per message.
 * Source: PgBouncer 1.25.2 src/objects.c, add_outstanding_request() and its neighbours.
 */
import { FRONTEND } from "./messages.ts";

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
    const at = (this.head + this.length * STRIDE) & (this.slots.length - 1);
    this.slots[at] = type | (answer << 8);
    this.slots[at + 1] = statement;
    this.length++;
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
    while (this.length > 0) {
      const type = this.drop(dropped);
      if (type === FRONTEND.sync) return;
    }
  }

  /**
   * At the end of a COPY: drops what the server read and ignored while it copied (a Sync, say), up
   * to and including the end of the client's data. A simple query at the head stays, because its
   * ReadyForQuery is still to come.
   */
  dropCopy(dropped: Dropped): void {
    const simple = this.length > 0 && ((this.slots[this.head] as number) & 0xff) === FRONTEND.query;
    if (simple) this.shift();
    while (this.length > 0) {
      const type = this.drop(dropped);
      if (type === FRONTEND.copyDone || type === FRONTEND.copyFail) break;
    }
    if (simple) this.unshift(FRONTEND.query);
  }

  /** Drops ends of copy data that nobody waits for, at the head. */
  dropStrayCopyEnds(): void {
    while (this.pop(FRONTEND.copyDone) || this.pop(FRONTEND.copyFail));
  }

  /** True when the end of the client's copy data has been sent already. */
  hasCopyEnd(): boolean {
    for (let index = 0; index < this.length; index++) {
      const at = (this.head + index * STRIDE) & (this.slots.length - 1);
      const type = (this.slots[at] as number) & 0xff;
      if (type === FRONTEND.copyDone || type === FRONTEND.copyFail) return true;
    }
    return false;
  }

  private drop(dropped: Dropped): number {
    const type = (this.slots[this.head] as number) & 0xff;
    this.shift();
    dropped(type, this.answer, this.statement);
    return type;
  }

  private shift(): void {
    this.answer = (this.slots[this.head] as number) >> 8;
    this.statement = this.slots[this.head + 1] as number;
    this.head = (this.head + STRIDE) & (this.slots.length - 1);
    this.length--;
  }

  private unshift(type: number): void {
    this.head = (this.head - STRIDE) & (this.slots.length - 1);
    this.slots[this.head] = type | (ANSWER.forward << 8);
    this.slots[this.head + 1] = 0;
    this.length++;
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots.subarray(this.head));
    slots.set(this.slots.subarray(0, this.head), this.slots.length - this.head);
    this.slots = slots;
    this.head = 0;
  }
}
