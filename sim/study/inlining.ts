/**
 * How much V8 puts into one compiled function. An event goes through some thirty small functions of the
 * model and the core; with V8's own limits about half of them remain calls, each of which saves registers,
 * looks at its arguments' shapes again and puts fractional numbers on the heap. Only speed depends on it.
 *
 * Measured with Node 20 on closed queues (`npm run bench -- simulator`): this limit gives about 8 %. One
 * four times as large gives less than nothing: the one large function has too few registers.
 */
import { setFlagsFromString } from "node:v8";

/** Known to V8 in Node 20, 22 and 24, where it is 920. In bytes of bytecode. */
export const INLINING = "--max-inlined-bytecode-size-cumulative=2000";

/** For the whole process, its threads included; functions that are compiled already stay as they are. */
export function inlineMore(): void {
  setFlagsFromString(INLINING);
}
