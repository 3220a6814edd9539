/**
 * Puts the pieces of a rewritten chunk together again, so that a chunk goes out in one write whether
 * it was rewritten or not: a write costs far more than a copy. One scratch buffer serves the whole
 * process, because a chunk is finished before the next one begins.
 */
import type { Buffer } from "node:buffer";
import { CHUNK, copyBytes, gathered } from "./shared.ts";

/** Where bytes go. The range is valid during the call only: copy what cannot be written at once. */
export interface Sink {
  write(buffer: Buffer, start: number, end: number): void;
}

const scratch = gathered.bytes;
let length = 0;
let target: Sink | undefined;

/** True between `open` and `close`. */
export function isGathering(): boolean {
  return target !== undefined;
}

/** Starts to gather for `sink`, unless that has been done for this chunk. */
export function openGather(sink: Sink): void {
  target ??= sink;
}

/** Appends a piece; what is too large to copy goes out at once, after what came before it. */
export function gather(buffer: Buffer, start: number, end: number): void {
  if (length + end - start > CHUNK) flush();
  if (end - start > CHUNK) target?.write(buffer, start, end);
  else {
    copyBytes(buffer, start, end, scratch, length);
    length += end - start;
  }
}

/** Writes what was gathered, at the end of a chunk. */
export function closeGather(): void {
  flush();
  target = undefined;
}

function flush(): void {
  const written = length;
  length = 0;
  if (written > 0) target?.write(scratch, 0, written);
}
