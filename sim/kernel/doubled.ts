/** Tables that have become too small. */

/** A table twice as long that begins with what `from` holds; the rest is zero. */
export function doubled(from: Float64Array): Float64Array<ArrayBuffer>;
export function doubled(from: Int32Array): Int32Array<ArrayBuffer>;
export function doubled(from: Uint8Array): Uint8Array<ArrayBuffer>;
export function doubled(from: Float64Array | Int32Array | Uint8Array) {
  const to = emptyAs(from, 2 * from.length);
  to.set(from);
  return to;
}

function emptyAs(like: Float64Array | Int32Array | Uint8Array, length: number) {
  if (like instanceof Float64Array) return new Float64Array(length);
  return like instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length);
}
