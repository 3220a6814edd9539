/** Quantiles that rest on too few transactions to have an interval. */
import { counted } from "./words.ts";

export interface Scarce {
  p: number;
  /** Transactions there are, and those from which on there is an interval. */
  count: number;
  least: number;
}

/**
 * Says so: of one quantile, or of several that are wanting in the same runs; `where` these are, where they
 * are several.
 */
export function noInterval(each: readonly Scarce[], where = ""): string {
  const distinct = (values: readonly number[]): number[] =>
    [...new Set(values)].sort((a, b) => a - b);
  const quantiles = distinct(each.map(({ p }) => p)).map((p) => `p${100 * p}`);
  const needed = distinct(each.map(({ least }) => least));
  const counts = distinct(each.map(({ count }) => count));
  const [fewest = 0, most = fewest] = [counts[0], counts.at(-1)];
  const transactions = `${fewest === most ? "" : `${fewest} to `}${counted(most, "transaction")}`;
  return (
    `no interval for ${quantiles.join(" and ")}${where} (${transactions}; ` +
    `${needed.join(" and ")} put 100 of them beyond it): give it more with --duration or --time-limit`
  );
}
