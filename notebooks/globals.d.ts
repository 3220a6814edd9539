/** What a cell may use without importing it; `check.ts` puts this in front of the cells. */

/** Shows an input in place of the cell; other cells see its value, and run again when it changes. */
declare function view<Value>(input: HTMLElement & { value: Value }): Value;

/** Ends when the cell is about to run again. */
declare const invalidation: Promise<void>;
