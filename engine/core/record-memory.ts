/** Memory for tables of records of 64 bytes, eight integers and then four times: the core's own and the model's. */

/** Bytes of a record. */
const BYTES = 64;
/**
 * Bytes in front of the first: an allocator such as glibc's puts a large block 16 bytes behind the begin
 * of a page, and with these a record is one cache line and not parts of two.
 */
const SHIFT = 48;

/** Two views of one buffer: integer F of record h is `ints[(h << 4) + F]`, time T is `times[(h << 3) + T]`. */
export interface RecordMemory {
  ints: Int32Array;
  times: Float64Array;
}

/** Room for `count` records, all zero. */
export function recordMemory(count: number): RecordMemory {
  const buffer = new ArrayBuffer(count * BYTES + SHIFT);
  return { ints: new Int32Array(buffer, SHIFT), times: new Float64Array(buffer, SHIFT) };
}

/** Room for twice as many; it begins with the records of `ints`. */
export function doubledMemory(ints: Int32Array): RecordMemory {
  const memory = recordMemory((2 * ints.byteLength) / BYTES);
  memory.ints.set(ints);
  return memory;
}
