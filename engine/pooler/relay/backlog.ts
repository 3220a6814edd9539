/** Bytes of a client that cannot be forwarded yet: it waits for a server, or a server for it. */
import { copyBytes } from "../../wire/shared.ts";

/** A backlog of usual size keeps its memory for the next time. */
const KEPT = 1024;

export class Backlog {
  /** Bytes kept. */
  length = 0;
  private bytes: Buffer = Buffer.alloc(0);

  /** Keeps a copy of a range. */
  add(buffer: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    if (length > this.bytes.length) this.grow(length);
    copyBytes(buffer, start, end, this.bytes, this.length);
    this.length = length;
  }

  /** What is kept, from 0 to `length`. Valid until the next call. */
  get buffer(): Buffer {
    return this.bytes;
  }

  /** Forgets the first `count` bytes. */
  drop(count: number): void {
    this.length -= count;
    if (this.length > 0) this.bytes.copyWithin(0, count, count + this.length);
    else if (this.bytes.length > KEPT) this.bytes = Buffer.alloc(0);
  }

  private grow(length: number): void {
    // Memory of its own: a piece of a shared slab would keep all of the slab as long as the client stays.
    const bytes = Buffer.allocUnsafeSlow(Math.max(256, length, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length), 0);
    this.bytes = bytes;
  }
}
