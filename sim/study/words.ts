/** Numbers in sentences. */

/** So many of something: `1 connection`, `2 connections`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;
