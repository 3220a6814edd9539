/**
 * The buffers that all sockets share, and copies between them. A view of a buffer costs several times
 * what the copy of a usual message does, so views of the lengths that occur are kept.
 */

/** Size of the shared buffers: the most that one read brings and one write takes. */
export const CHUNK = 64 * 1024;

/** Views are kept up to this length, at about 100 bytes of memory each. */
const KEPT = 4 * 1024;

/** Every read of every socket lands here and is dealt with before the next one. */
export const received: Buffer = Buffer.allocUnsafeSlow(CHUNK);
const receivedViews: (Buffer | undefined)[] = [];

/** The bytes from `start` to `end` of `buffer`, as a view. */
export function range(buffer: Buffer, start: number, end: number): Buffer {
  if (start !== 0) return buffer.subarray(start, end);
  if (buffer === received) return prefix(received, receivedViews, end);
  return end === buffer.length ? buffer : buffer.subarray(0, end);
}

/** Where bytes stand while the kernel takes them; used again for each write that it takes at once. */
export class Scratch {
  private buffer = Buffer.allocUnsafeSlow(CHUNK);
  private views: (Buffer | undefined)[] = [];

  /** A copy of at most CHUNK bytes, good until the next call. */
  copy(source: Buffer, start: number, end: number): Buffer {
    this.buffer.set(range(source, start, end), 0);
    return prefix(this.buffer, this.views, end - start);
  }

  /** The last copy is still needed: the next ones go elsewhere. */
  give(): void {
    this.buffer = Buffer.allocUnsafeSlow(CHUNK);
    this.views = [];
  }
}

function prefix(buffer: Buffer, views: (Buffer | undefined)[], length: number): Buffer {
  if (length >= KEPT) return buffer.subarray(0, length);
  let view = views[length];
  if (view === undefined) {
    view = buffer.subarray(0, length);
    views[length] = view;
  }
  return view;
}
