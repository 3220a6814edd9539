/** Bytes of a client that cannot be forwarded yet: it waits for a server, or a server for it. */

export class Backlog {
  /** Bytes kept. */
  length = 0;
  private chunks: Buffer[] = [];

  /** Keeps a copy of a range. */
  add(buffer: Buffer, start: number, end: number): void {
    if (start === end) return;
    this.length += end - start;
    this.chunks.push(Buffer.from(buffer.subarray(start, end)));
  }

  /** Takes everything out, in order. */
  take(): Buffer[] {
    const chunks = this.chunks;
    this.chunks = [];
    this.length = 0;
    return chunks;
  }
}
