/** How wide the agenda's slots are. */

/** Slots for each event that is expected in a window. */
const SPARSE = 8;

/** log2 of the slot width in ns for a mean gap between events, in ns. */
export function exponentFor(gap: number): number {
  return Math.max(0, Math.min(30, Math.round(Math.log2(Math.max(1, gap / SPARSE)))));
}
