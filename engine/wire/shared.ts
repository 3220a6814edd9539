/**
 * The buffers that serve the whole process, and copies out of them. A view of a buffer costs several times
 * what the copy of a usual message does, so views of the lengths that occur are kept.
 */
import { Buffer } from "node:buffer";

/** Size of each: the most that one read brings and one write takes. */
export const CHUNK = 64 * 1024;

/** Views are kept up to this length, at about 100 bytes of memory each. */
const KEPT = 4 * 1024;
/** So few bytes are copied faster one by one than by way of a view. */
const FEW = 24;
/** So many bytes too many are copied faster than a view of the right ones is made. */
const TOO_MANY = 1024;

/** A buffer with views of its beginning. */
export class Shared {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(CHUNK);
  private readonly views: (Buffer | undefined)[] = [];

  /** The first `length` bytes. */
  prefix(length: number): Buffer {
    if (length >= KEPT) return this.bytes.subarray(0, length);
    let view = this.views[length];
    if (view === undefined) {
      view = this.bytes.subarray(0, length);
      this.views[length] = view;
    }
    return view;
  }
}

/** Every read of every socket lands here and is dealt with before the next one. */
export const received = new Shared();

/** Where the pieces of a rewritten chunk are put together. */
export const gathered = new Shared();

/**
 * Copies the bytes from `start` to `end` of `source` to `target` at `at`, where there must be room. What
 * `target` holds behind them is lost: it is for buffers that are filled from the front.
 */
export function copyBytes(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
): void {
  if (end - start <= FEW) {
    for (let from = start, to = at; from < end; from++, to++) target[to] = source[from] as number;
  } else if (start > 0) target.set(source.subarray(start, end), at);
  else if (source === received.bytes) target.set(received.prefix(end), at);
  else if (source === gathered.bytes) target.set(gathered.prefix(end), at);
  else if (source.length - end <= TOO_MANY && source.length <= target.length - at)
    target.set(source, at);
  else target.set(source.subarray(0, end), at);
}
