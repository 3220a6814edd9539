/**
 * How V8 compiles the simulator. An event goes through some thirty small functions of the model and the core;
 * with V8's own limits about half of them remain calls, each of which saves registers, looks at its arguments'
 * shapes again and puts fractional numbers on the heap. And V8 compiles after so few events that much of it is
 * thrown away: nearly half of a short command's time went into that. Only speed depends on either.
 *
 * Measured with Node 20 on closed queues once everything is compiled, and on whole commands: twice V8's
 * inlining is a tenth faster, eight times a quarter, but that takes a second longer to compile; four times
 * V8's patience makes commands a tenth to a sixth shorter.
 */
import { setFlagsFromString } from "node:v8";

/** Bytes of bytecode in one compiled function, of 920; bytes of it that run before it is compiled, of 132 KiB. */
export const INLINING = [
  "--max-inlined-bytecode-size-cumulative=2000",
  "--interrupt-budget=500000",
];

/** For the whole process, its threads included; functions that are compiled already stay as they are. */
export function inlineMore(): void {
  for (const flag of INLINING) setFlagsFromString(flag);
}
