/**
 * Parts of a sentence that stand in one line on a page: browsers break lines at every space, also between a
 * number and what it counts, and behind hyphens, also those of an option.
 */

export interface Part {
  text: string;
  /** In one line. */
  kept: boolean;
}

const OPTION = /--[a-z][a-z-]*[a-z]/;
const NUMBER = /(?<![\w.,-])[-+]?\d(?:[\d,.]*\d)?/;
/** `1 in 100`, `1.1 .. 1.3 ms`, `20 server`, `95 %`, `2-second`. */
const KEPT = new RegExp(
  `(${OPTION.source}|${NUMBER.source} in \\d[\\d,]*|` +
    `${NUMBER.source}(?: \\.\\. [-+]?\\d(?:[\\d,.]*\\d)?)?[ -](?:%|[a-z][a-z/-]*))`,
);

/** The parts of `text`, in order. */
export function partsOf(text: string): Part[] {
  // With a group in it, the pattern stands at every odd place.
  const parts = text.split(KEPT).map((part, i) => ({ text: part, kept: i % 2 === 1 }));
  return parts.filter((part) => part.text !== "");
}
