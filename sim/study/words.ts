/** Numbers in sentences. */

/** So many of something: `1 connection`, `2 connections`; `several` where an s is not enough. */
export const counted = (count: number, noun: string, several?: string): string =>
  `${count} ${nounFor(count, noun, several)}`;

/** The noun alone, for a number that is written in another way; or the verb that goes with it: `is`, `are`. */
export const nounFor = (count: number, noun: string, several = `${noun}s`): string =>
  count === 1 ? noun : several;
