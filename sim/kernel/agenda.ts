/**
 * The event queue: exact order by (time, sequence), constant work an event whatever their number.
 *
 * Two wheels. The near one has a slot for every few events of the current window and a bitmap to find
 * the next; a second event of a slot goes to a short sorted chain. The far one has a bucket for each
 * later window of the current turn, filled in order of arrival and poured into the near wheel when its
 * window begins; what lies beyond the turn waits in a list until the next turn. A time is always in
 * exactly one of these places, each keeps the order of arrival, and so equal times come out first in,
 * first out. Widths are powers of two nanoseconds, so that all divisions are exact.
 *
 * The slot width follows the rate of events: it is changed when a window turns out to hold four times
 * too many or too few. Source of the structure: R. Brown, "Calendar queues", CACM 31 (10), 1988.
 */
import { doubled } from "./doubled.ts";
import { exponentFor } from "./slot-width.ts";
import { ZERO } from "./zero.ts";

const SLOTS = 16_384;
const WINDOWS = 4_096;
/** Events after which the width is looked at again. */
const MEASURE = 256;
const CHUNK = 64;
/** Integers of a slot, after its time. */
const ITEM = 2;
const CHAIN = 3;

/** Is told of events that come soon: their items are `items[from]` to `items[to - 1]`. */
export type Soon = (items: Int32Array, from: number, to: number) => void;

/** Events by time, first in, first out at equal times. Times are whole nanoseconds. */
export class Agenda {
  /** Time of the event that `pop` returned last. */
  now = ZERO;
  /** Time of the event that is being put in; as an argument V8 would put it on the heap. */
  private time = ZERO;

  // The near wheel: the first event of each slot, the rest in a chain. A slot is 16 bytes: the time, then
  // the item and the chain's first node.
  private readonly slotTime = new Float64Array(2 * SLOTS);
  private readonly slotInts = new Int32Array(this.slotTime.buffer);
  private readonly occupied = new Int32Array(SLOTS / 32);
  /** Events put into the near wheel, and taken out of it, since it was empty last. */
  private put = 0;
  private taken = 0;
  /** Where to look for the next occupied word. */
  private cursor = 0;
  /** Events of windows that have ended; as many, and when, at the last look at the width. */
  private ended = 0;
  private counted = 0;
  private measured = ZERO;

  // Chain nodes, and their free list. The first node of a chain knows the last.
  private nodeTime = new Float64Array(256);
  private nodeItem = new Int32Array(256);
  private nodeNext = new Int32Array(256);
  private nodeLast = new Int32Array(256);
  private nodeFree = -1;
  private nodeHigh = 0;

  // The far wheel: a chain of chunks for each window of the turn.
  private readonly first = new Int32Array(WINDOWS).fill(-1);
  private readonly last = new Int32Array(WINDOWS).fill(-1);
  private chunkTime: Float64Array;
  private chunkItem: Int32Array;
  private chunkNext: Int32Array;
  private chunkFill: Int32Array;
  private chunkFree = -1;
  private chunkHigh = 0;
  private far = 0;

  // Beyond the turn, in order of arrival.
  private beyondTime = new Float64Array(256);
  private beyondItem = new Int32Array(256);
  private beyond = 0;

  /** log2 of the slot width in ns. */
  private exponent: number;
  private perSlot = 0;
  private perWindow = 0;
  private turnStart = ZERO;
  private windowStart = ZERO;
  private windowEnd = ZERO;
  private window = 0;
  private readonly soon: Soon | undefined;

  /**
   * `gap`: expected ns between events; a wrong guess costs speed at the start only. `room`: events that
   * will wait at a time; there may be more. `soon` hears of all that comes from the far wheel.
   */
  constructor(gap = 100_000, room = 16, soon?: Soon) {
    this.now = 0; // Others read it, who want no minus.
    this.soon = soon;
    // One chunk of each window is not full.
    const chunks = Math.ceil(room / CHUNK) + Math.min(room, WINDOWS);
    this.chunkTime = new Float64Array(chunks * CHUNK);
    this.chunkItem = new Int32Array(chunks * CHUNK);
    this.chunkNext = new Int32Array(chunks);
    this.chunkFill = new Int32Array(chunks);
    this.exponent = exponentFor(gap);
    this.scale();
    this.windowEnd = 1 / this.perWindow;
    for (let slot = 0; slot < SLOTS; slot++) this.slotInts[4 * slot + CHAIN] = -1;
  }

  /** Events that wait. */
  get size(): number {
    return this.put - this.taken + this.far + this.beyond;
  }

  /** Events that have been taken out. */
  get popped(): number {
    return this.ended + this.taken;
  }

  /** Adds an event at `time` (an integer, not before `now`) that carries `item` (a 32-bit integer). */
  push(time: number, item: number): void {
    this.time = time;
    if (time < this.windowEnd) this.insertNear(item);
    else this.insertLater(item);
  }

  private insertLater(item: number): void {
    const window = (this.time - this.turnStart) * this.perWindow;
    if (window < WINDOWS) this.appendFar(window | 0, item);
    else this.appendBeyond(item);
  }

  /** Takes the earliest event, sets `now` to its time and returns what it carries. -1: there is none. */
  pop(): number {
    if (this.taken === this.put && !this.nextWindow()) return -1;
    const occupied = this.occupied;
    let word = this.cursor;
    let bits = occupied[word] as number;
    while (bits === 0) bits = occupied[++word] as number;
    this.cursor = word;
    const slot = slotOf(word, bits);
    const at = slot << 2;
    this.now = this.slotTime[slot << 1] as number;
    const item = this.slotInts[at | ITEM] as number;
    const node = this.slotInts[at | CHAIN] as number;
    if (node < 0) occupied[word] = bits & (bits - 1);
    else this.unchain(slot, node);
    this.taken++;
    return item;
  }

  private insertNear(item: number): void {
    const time = this.time;
    const slot = ((time - this.windowStart) * this.perSlot) | 0;
    const word = slot >> 5;
    const bit = 1 << slot;
    const bits = this.occupied[word] as number;
    this.put++;
    if (word < this.cursor) this.cursor = word;
    if ((bits & bit) === 0) {
      this.occupied[word] = bits | bit;
      this.slotTime[slot << 1] = time;
      this.slotInts[(slot << 2) | ITEM] = item;
    } else this.chain(slot, item);
  }

  /** A further event of a slot: in order of time, behind those of the same time. */
  private chain(slot: number, item: number): void {
    const slotInts = this.slotInts;
    const time = this.time;
    const at = slot << 2;
    const head = slotInts[at | CHAIN] as number;
    const first = this.slotTime[slot << 1] as number;
    if (time < first) {
      const node = this.takeNode(first, slotInts[at | ITEM] as number, head);
      this.nodeLast[node] = head < 0 ? node : (this.nodeLast[head] as number);
      slotInts[at | CHAIN] = node;
      slotInts[at | ITEM] = item;
      this.slotTime[slot << 1] = time;
    } else if (head < 0 || time < (this.nodeTime[head] as number)) {
      const node = this.takeNode(time, item, head);
      this.nodeLast[node] = head < 0 ? node : (this.nodeLast[head] as number);
      slotInts[at | CHAIN] = node;
    } else {
      const before = this.lastNotAfter(head, time);
      const node = this.takeNode(time, item, this.nodeNext[before] as number);
      this.nodeNext[before] = node;
      if (before === this.nodeLast[head]) this.nodeLast[head] = node;
    }
  }

  /** The last node of the chain whose time is not after `time`; the first one is not. */
  private lastNotAfter(head: number, time: number): number {
    const last = this.nodeLast[head] as number;
    if ((this.nodeTime[last] as number) <= time) return last;
    let before = head;
    let node = this.nodeNext[before] as number;
    for (; (this.nodeTime[node] as number) <= time; node = this.nodeNext[node] as number)
      before = node;
    return before;
  }

  private takeNode(time: number, item: number, next: number): number {
    let node = this.nodeFree;
    if (node >= 0) this.nodeFree = this.nodeNext[node] as number;
    else {
      node = this.nodeHigh++;
      if (node === this.nodeItem.length) this.growNodes();
    }
    this.nodeTime[node] = time;
    this.nodeItem[node] = item;
    this.nodeNext[node] = next;
    return node;
  }

  /** The head of the chain moves into the slot. */
  private unchain(slot: number, node: number): void {
    const next = this.nodeNext[node] as number;
    this.slotTime[slot << 1] = this.nodeTime[node] as number;
    this.slotInts[(slot << 2) | ITEM] = this.nodeItem[node] as number;
    this.slotInts[(slot << 2) | CHAIN] = next;
    if (next >= 0) this.nodeLast[next] = this.nodeLast[node] as number;
    this.nodeNext[node] = this.nodeFree;
    this.nodeFree = node;
  }

  private appendFar(window: number, item: number): void {
    let chunk = this.last[window] as number;
    if (chunk < 0 || this.chunkFill[chunk] === CHUNK) chunk = this.addChunk(window, chunk);
    const at = chunk * CHUNK + (this.chunkFill[chunk] as number);
    this.chunkTime[at] = this.time;
    this.chunkItem[at] = item;
    (this.chunkFill[chunk] as number)++;
    this.far++;
  }

  private addChunk(window: number, before: number): number {
    let chunk = this.chunkFree;
    if (chunk >= 0) this.chunkFree = this.chunkNext[chunk] as number;
    else {
      chunk = this.chunkHigh++;
      if (chunk === this.chunkFill.length) this.growChunks();
    }
    this.chunkNext[chunk] = -1;
    this.chunkFill[chunk] = 0;
    if (before < 0) this.first[window] = chunk;
    else this.chunkNext[before] = chunk;
    this.last[window] = chunk;
    return chunk;
  }

  private appendBeyond(item: number): void {
    if (this.beyond === this.beyondItem.length) {
      this.beyondTime = doubled(this.beyondTime);
      this.beyondItem = doubled(this.beyondItem);
    }
    this.beyondTime[this.beyond] = this.time;
    this.beyondItem[this.beyond++] = item;
  }

  /** The near wheel is empty: pours the next window that holds anything into it. False: nothing is left. */
  private nextWindow(): boolean {
    this.ended += this.taken;
    this.put = 0;
    this.taken = 0;
    if (this.size === 0) return false;
    this.recalibrate();
    while (this.put === 0) {
      if (this.far === 0) this.nextTurn();
      else this.enter(this.window + 1);
    }
    return true;
  }

  private enter(window: number): void {
    this.window = window;
    this.windowStart = this.turnStart + window / this.perWindow;
    this.windowEnd = this.windowStart + 1 / this.perWindow;
    this.cursor = 0;
    let chunk = this.first[window] as number;
    this.first[window] = -1;
    this.last[window] = -1;
    while (chunk >= 0) {
      this.pour(chunk);
      const next = this.chunkNext[chunk] as number;
      this.chunkNext[chunk] = this.chunkFree;
      this.chunkFree = chunk;
      chunk = next;
    }
  }

  /** Puts a chunk of the window that begins into the near wheel: `insertNear`, with everything at hand. */
  private pour(chunk: number): void {
    const { chunkTime, chunkItem, occupied, slotTime, slotInts, windowStart, perSlot } = this;
    const fill = this.chunkFill[chunk] as number;
    const at = chunk * CHUNK;
    for (let i = at; i < at + fill; i++) {
      const time = chunkTime[i] as number;
      const slot = ((time - windowStart) * perSlot) | 0;
      const bits = occupied[slot >> 5] as number;
      const bit = 1 << slot;
      if ((bits & bit) === 0) {
        occupied[slot >> 5] = bits | bit;
        slotTime[slot << 1] = time;
        slotInts[(slot << 2) | ITEM] = chunkItem[i] as number;
      } else {
        this.time = time;
        this.chain(slot, chunkItem[i] as number);
      }
    }
    this.put += fill;
    this.far -= fill;
    if (this.soon !== undefined) this.soon(chunkItem, at, at + fill);
  }

  /** Begins the turn of the earliest event beyond, and sorts in what belongs to it. */
  private nextTurn(): void {
    const earliest = this.beyondTime.subarray(0, this.beyond).reduce((a, b) => Math.min(a, b));
    const length = WINDOWS / this.perWindow;
    this.turnStart += Math.floor((earliest - this.turnStart) / length) * length;
    this.window = -1;
    this.distribute(this.beyondTime, this.beyondItem, this.beyond);
    this.enter(0);
  }

  /** Puts `count` events, in order, where they belong from window 0 of the turn on. */
  private distribute(times: Float64Array, items: Int32Array, count: number): void {
    this.beyond = 0;
    for (let i = 0; i < count; i++) {
      this.time = times[i] as number;
      this.insertLater(items[i] as number);
    }
  }

  /** A window has ended: was the slot width right for the events since the last look? */
  private recalibrate(): void {
    const count = this.ended - this.counted;
    if (count < MEASURE) return;
    const gap = Math.max(1, this.now - this.measured) / count;
    this.counted = this.ended;
    this.measured = this.now;
    const exponent = exponentFor(gap);
    if (Math.abs(exponent - this.exponent) < 2) return;
    this.exponent = exponent;
    this.rebuild();
  }

  /** Sorts all events in again under the new width. The near wheel is empty. */
  private rebuild(): void {
    const times = new Float64Array(this.size);
    const items = new Int32Array(this.size);
    let count = 0;
    for (let window = 0; window < WINDOWS; window++) {
      for (let chunk = this.first[window] as number; chunk >= 0; ) {
        const at = chunk * CHUNK;
        const fill = this.chunkFill[chunk] as number;
        times.set(this.chunkTime.subarray(at, at + fill), count);
        items.set(this.chunkItem.subarray(at, at + fill), count);
        count += fill;
        chunk = this.chunkNext[chunk] as number;
      }
      this.first[window] = -1;
      this.last[window] = -1;
    }
    times.set(this.beyondTime.subarray(0, this.beyond), count);
    items.set(this.beyondItem.subarray(0, this.beyond), count);
    this.chunkFree = -1;
    this.chunkHigh = 0;
    this.far = 0;
    this.scale();
    this.turnStart = Math.floor(this.now * this.perSlot) / this.perSlot;
    this.window = -1;
    this.distribute(times, items, times.length);
  }

  private scale(): void {
    this.perSlot = 2 ** -this.exponent;
    this.perWindow = this.perSlot / SLOTS;
  }

  private growNodes(): void {
    this.nodeTime = doubled(this.nodeTime);
    this.nodeItem = doubled(this.nodeItem);
    this.nodeNext = doubled(this.nodeNext);
    this.nodeLast = doubled(this.nodeLast);
  }

  private growChunks(): void {
    this.chunkTime = doubled(this.chunkTime);
    this.chunkItem = doubled(this.chunkItem);
    this.chunkNext = doubled(this.chunkNext);
    this.chunkFill = doubled(this.chunkFill);
  }
}

/** The first slot of a word of the bitmap. By `|`: V8 need not look whether a sum is too large. */
const slotOf = (word: number, bits: number): number =>
  (word << 5) | (31 - Math.clz32(bits & -bits));
