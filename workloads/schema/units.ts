/** Quantities as a person writes them in a workload: a number with its unit. */
import { durationWithUnit } from "../../engine/config/index.ts";
import { type Nanos, SECOND } from "../../engine/core/index.ts";

/** What each kind of quantity looks like, for messages and for the published schema. */
export const EXPECTED = {
  duration: "a duration such as 10 ms, 1.5 s, 2 min",
  size: "a size such as 10 MB",
  rate: "a rate such as 200/s",
  share: "a share such as 5 % or 0.05",
} as const;

/** "10 ms" in nanoseconds; a bare 0 needs no unit. undefined: not a duration. */
export function duration(value: unknown): Nanos | undefined {
  if (value === 0 || value === "0") return 0;
  return typeof value === "string" ? durationWithUnit(value) : undefined;
}

const SIZES: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1e3],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
]);

/** "10 MB" in bytes. */
export function size(value: unknown): number | undefined {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)\s*$/.exec(String(value));
  const unit = SIZES.get(match?.[2] ?? "");
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

const PERIODS: ReadonlyMap<string, Nanos> = new Map([
  ["s", SECOND],
  ["min", 60 * SECOND],
  ["h", 3600 * SECOND],
]);

/** "200/s" as the mean gap between two arrivals, in nanoseconds. */
export function rateGap(value: unknown): Nanos | undefined {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*\/\s*([a-z]+)\s*$/.exec(String(value));
  const period = PERIODS.get(match?.[2] ?? "");
  const rate = Number(match?.[1] ?? 0);
  return period === undefined || rate <= 0 ? undefined : period / rate;
}

/** "5 %" or 0.05 as a fraction; on a command line a bare number is a text. */
export function share(value: unknown): number | undefined {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*(%?)\s*$/.exec(String(value));
  const number = typeof value === "number" ? value : Number(match?.[1] ?? Number.NaN);
  const fraction = match?.[2] === "%" ? number / 100 : number;
  return fraction >= 0 && fraction <= 1 ? fraction : undefined;
}
