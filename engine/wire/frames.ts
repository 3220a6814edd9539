/**
 * Finds the borders of messages in a stream that arrives in chunks. It neither copies nor allocates:
 * a header that is cut by the end of a chunk is remembered as numbers, a body is only counted.
 * `MessageReader` is for the places off the hot path that want whole messages.
 */
import { Buffer } from "node:buffer";
import * as messages from "./messages.ts";
import { copyBytes } from "./shared.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { HEADER } = messages;

/** What `FrameScanner.next` came to. */
export const FRAME = {
  /** The chunk is used up. */
  more: 0,
  /** Moved to a header: `type`, `size`, `start` and `position` are set. */
  message: 1,
  /** The length is below 4 or above max_packet_size; the stream cannot be read any further. */
  bad: 2,
} as const;

export class FrameScanner {
  /** Type byte of the message that the scanner is in or has last been in. */
  type = 0;
  /** Bytes of that message, the type byte included. */
  size = 0;
  /** Bytes of its body from `position` on, in this chunk and in later ones. */
  remaining = 0;
  /** Offset in the chunk of its type byte; of no meaning when `split`. */
  start = 0;
  /** How far the chunk has been read. */
  position = 0;
  /** Offset at which the chunk ends. */
  end = 0;
  /** True: the header began in an earlier chunk. */
  split = false;
  /** Bytes of an unfinished header seen so far, 0 to 4. */
  held = 0;
  private buffer: Buffer = NOTHING;
  private readonly limit: number;

  /** `limit`: max_packet_size in bytes. */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Goes on with the next chunk, which is read from `start` up to `end`. */
  feed(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  /** Steps over what the chunk holds of the current body; true when the body is complete then. */
  skip(): boolean {
    const step = Math.min(this.remaining, this.end - this.position);
    this.position += step;
    this.remaining -= step;
    return this.remaining === 0;
  }

  /** Moves to the next header, over what is left of the current body. */
  next(): number {
    if (this.remaining > 0 && !this.skip()) return FRAME.more;
    const at = this.position;
    if (this.held > 0 || this.end - at < HEADER) return this.nextSplit();
    const buffer = this.buffer;
    this.start = at;
    this.split = false;
    this.type = buffer[at] as number;
    this.size = lengthAt(buffer, at + 1) + 1;
    this.position = at + HEADER;
    return this.accept();
  }

  /** Goes back to in front of the header that `next` has just read. Not for a `split` one. */
  unread(): void {
    this.position = this.start;
    this.remaining = 0;
  }

  /** The header that `next` has just refused and what follows it, eight bytes, for an error text. */
  get headerHex(): string {
    const from = this.split ? this.position : this.start;
    return this.buffer.toString("hex", from, Math.min(this.end, from + 8));
  }

  /** True between two messages: nothing of a header or a body has been read that is to go on. */
  get atRest(): boolean {
    return this.remaining === 0 && this.held === 0;
  }

  /** Offset up to which the chunk belongs to messages whose header is complete. */
  get whole(): number {
    return this.position - this.held;
  }

  private nextSplit(): number {
    while (this.held < HEADER) {
      if (this.position === this.end) return FRAME.more;
      const byte = this.buffer[this.position++] as number;
      if (this.held === 0) this.type = byte;
      // Multiplied, not shifted: a shift would make lengths from 2^31 on negative.
      this.size = this.held <= 1 ? byte * (this.held === 0 ? 0 : 1) : this.size * 256 + byte;
      this.held++;
    }
    this.held = 0;
    this.split = true;
    this.size += 1;
    return this.accept();
  }

  private accept(): number {
    if (this.size < HEADER || this.size > this.limit) return FRAME.bad;
    this.remaining = this.size - HEADER;
    return FRAME.message;
  }
}

/** Like readUInt32BE, without its checks: the scan is the one thing done for every message. */
function lengthAt(buffer: Buffer, at: number): number {
  const high = ((buffer[at] as number) << 24) | ((buffer[at + 1] as number) << 16);
  return (high | ((buffer[at + 2] as number) << 8) | (buffer[at + 3] as number)) >>> 0;
}

/** Writes the header of a message of `size` bytes, the type byte included, to `target` at 0. */
export function writeHeader(target: Buffer, type: number, size: number): void {
  target[0] = type;
  target.writeUInt32BE(size - 1, 1);
}

/** Bytes that pile up until they can be judged. The memory is kept for the next time if it is small. */
export class Stash {
  bytes: Buffer = NOTHING;
  length = 0;

  append(buffer: Buffer, start: number, end: number): void {
    const need = this.length + end - start;
    if (need > this.bytes.length) this.grow(need);
    copyBytes(buffer, start, end, this.bytes, this.length);
    this.length = need;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT) this.bytes = NOTHING;
  }

  private grow(need: number): void {
    // Memory of its own: a piece of a shared slab would keep all of it as long as the connection stays.
    const bytes = Buffer.allocUnsafeSlow(Math.max(64, need, this.bytes.length * 2));
    this.bytes.copy(bytes, 0, 0, this.length);
    this.bytes = bytes;
  }
}

/**
 * Puts whole messages together, for logins and answers to queries of our own. Not for the hot path:
 * every body is copied.
 */
export class MessageReader {
  /** Type byte of the message that `next` has moved to. */
  type = 0;
  /** Its body; a copy that stays valid. */
  body: Buffer = NOTHING;
  private readonly scanner: FrameScanner;
  private readonly stash = new Stash();
  private buffer: Buffer = NOTHING;
  private inside = false;

  /** `limit`: largest message to accept, in bytes. */
  constructor(limit: number) {
    this.scanner = new FrameScanner(limit);
  }

  feed(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer;
    this.scanner.feed(buffer, start, end);
  }

  /** How far the chunk has been read. */
  get position(): number {
    return this.scanner.position;
  }

  /** True between two messages. */
  get atRest(): boolean {
    return this.scanner.atRest;
  }

  /** The header that `next` has just refused and what follows it, for an error text. */
  get headerHex(): string {
    return this.scanner.headerHex;
  }

  /** Moves to the next whole message: FRAME.message, FRAME.more or FRAME.bad. */
  next(): number {
    const scanner = this.scanner;
    if (!this.inside) {
      const found = scanner.next();
      if (found !== FRAME.message) return found;
      this.inside = true;
    }
    const from = scanner.position;
    const complete = scanner.skip();
    this.stash.append(this.buffer, from, scanner.position);
    if (!complete) return FRAME.more;
    this.inside = false;
    this.type = scanner.type;
    this.body = Buffer.from(this.stash.bytes.subarray(0, this.stash.length));
    this.stash.clear();
    return FRAME.message;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
/** Largest stash, in bytes, whose memory is kept. */
const KEPT = 16_384;
