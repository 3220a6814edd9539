/** Tables that have become too small. */

/** A table twice as long that begins with what `from` holds; the rest is zero. */
export function doubled(from: Float64Array): Float64Array<ArrayBuffer>;
export function doubled(from: Int32Array): Int32Array<ArrayBuffer>;
export function doubled(from: Float64Array | Int32Array) {
  const length = 2 * from.length;
  const to = from instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
  to.set(from);
  return to;
}
