/**
 * Small charts for a terminal, of block characters: no colour is needed to read them, and the figures
 * stand beside the picture.
 */

const LEVELS = "▁▂▃▄▅▆▇█";

/**
 * A line of bars, one for each of at most `width` stretches of the series; a stretch shows its largest
 * value, so that a short peak is not averaged away. Empty for an empty series.
 */
export function sparkline(values: readonly number[], width = 60): string {
  const peaks = stretches(values, width).map((part) => Math.max(...part));
  const top = Math.max(0, ...peaks);
  return peaks.map((peak) => LEVELS[level(peak, top)]).join("");
}

function level(value: number, top: number): number {
  if (top === 0 || value <= 0) return 0;
  // The lowest block means nothing at all, so whatever is more than nothing gets the second.
  return Math.max(1, Math.round((value / top) * (LEVELS.length - 1)));
}

function stretches(values: readonly number[], width: number): number[][] {
  const count = Math.min(width, values.length);
  return Array.from({ length: count }, (_, i) =>
    values.slice(
      Math.floor((i * values.length) / count),
      Math.floor(((i + 1) * values.length) / count),
    ),
  );
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A horizontal bar of `value` on a scale where `top` fills `width` characters, to an eighth of one. */
export function bar(value: number, top: number, width = 30): string {
  if (!(top > 0) || !(value > 0)) return "";
  const eighths = Math.max(1, Math.round((Math.min(value, top) / top) * width * 8));
  return "█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

/** One row of `bars`. */
export interface BarRow {
  label: string;
  value: number;
  /** The value as text, with its unit. */
  text: string;
}

/** Labelled bars on one scale, one a line. */
export function bars(rows: readonly BarRow[], width = 30): string {
  const top = Math.max(0, ...rows.map((row) => row.value));
  const label = Math.max(0, ...rows.map((row) => row.label.length));
  const text = Math.max(0, ...rows.map((row) => row.text.length));
  const line = (row: BarRow): string =>
    `${row.label.padEnd(label)}  ${row.text.padStart(text)}  ${bar(row.value, top, width)}`;
  return rows.map((row) => line(row).trimEnd()).join("\n");
}
