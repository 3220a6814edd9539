/**
 * Numbers as people read them: three significant digits and the unit that keeps them between 1 and
 * 1000. Figures that stand side by side share a unit, so that the eye compares digits.
 */

/** Shown where there is no figure. */
export const NOTHING = "-";

interface Unit {
  readonly name: string;
  /** Milliseconds in it. */
  readonly size: number;
  /** Durations from here on are said in it, milliseconds; 0.9995 rounds to 1.00 of the next unit. */
  readonly from: number;
}

const MILLISECONDS: Unit = { name: "ms", size: 1, from: 0.9995 };
const DURATIONS: readonly Unit[] = [
  { name: "us", size: 0.001, from: 0 },
  MILLISECONDS,
  { name: "s", size: 1_000, from: 999.5 },
  { name: "min", size: 60_000, from: 120_000 },
  { name: "h", size: 3_600_000, from: 7_200_000 },
];

/** A duration in milliseconds as text: `4.12 ms`, `310 us`, `2.5 min`. */
export function duration(milliseconds: number): string {
  return durations([milliseconds])[0] as string;
}

/**
 * Durations in milliseconds as texts, in one unit while that leaves none of them below a tenth or at
 * 100,000 and more of it; else each in its own.
 */
export function durations(milliseconds: readonly number[]): string[] {
  const sizes = milliseconds.filter((value) => Number.isFinite(value) && value !== 0).map(Math.abs);
  const common = commonUnit(Math.min(...sizes), Math.max(...sizes));
  return milliseconds.map((value) => {
    if (!Number.isFinite(value)) return NOTHING;
    const unit = common ?? unitOf(value);
    return `${digits(value / unit.size)} ${unit.name}`;
  });
}

function commonUnit(least: number, most: number): Unit | undefined {
  if (least > most) return MILLISECONDS;
  const fits = (unit: Unit): boolean => least >= 0.1 * unit.size && most < 1e5 * unit.size;
  const units = DURATIONS.slice(0, DURATIONS.indexOf(unitOf(most)) + 1);
  return units.findLast(fits);
}

/** From 120 s on we say minutes, from 120 min on hours. */
function unitOf(milliseconds: number): Unit {
  const size = Math.abs(milliseconds);
  if (size === 0) return MILLISECONDS;
  return DURATIONS.findLast((unit) => size >= unit.from) as Unit;
}

/** `texts` with a plus before what is above zero: for differences. */
export const signed =
  (texts: (values: readonly number[]) => string[]) =>
  (values: readonly number[]): string[] =>
    texts(values).map((text, i) => ((values[i] as number) > 0 ? `+${text}` : text));

/** What six places do not show. */
const LEAST = 5e-7;

/** Three significant digits without an exponent; whole numbers without a point. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  const size = Math.abs(value);
  if (size < LEAST) return "0";
  if (size >= 99.95 || Number.isInteger(value)) return whole(value);
  const places =
    size >= 9.995 ? 1 : size >= 0.9995 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size)));
  return value.toFixed(places);
}

/** A whole number in groups of three: `123,456`. */
export function whole(value: number): string {
  if (!Number.isFinite(value)) return NOTHING;
  return Math.round(value).toLocaleString("en-US");
}

/** A share as per cent: 0.0123 is `1.23 %`. */
export function percent(share: number): string {
  return Number.isFinite(share) ? `${digits(share * 100)} %` : NOTHING;
}

/** Megabytes: `600 MB`, `10.2 GB`. */
export function memory(megabytes: number): string {
  return Math.abs(megabytes) >= 999.5
    ? `${digits(megabytes / 1000)} GB`
    : `${digits(megabytes)} MB`;
}
