/**
 * Small charts for a terminal, of block characters: no colour is needed to read them, and the figures
 * stand beside the picture. A picture is as wide as said, or less where the terminal is narrower.
 */
import { terminalWidth } from "./wrap.ts";

/** Characters below which a picture shows nothing. */
const LEAST = 8;

/** Of `most` characters those that a terminal has room for beside so many others. */
const room = (most: number, beside: number): number =>
  Math.max(Math.min(LEAST, most), Math.min(most, terminalWidth() - beside));

const LEVELS = "▁▂▃▄▅▆▇█";

/**
 * A line of bars, one for each of at most so many stretches of the series; a stretch shows its largest
 * value, so that a short peak is not averaged away. Empty for an empty series. `highest` fills the line;
 * left out, it is the series' own.
 */
export function sparkline(values: readonly number[], most = 60, highest?: number): string {
  const peaks = stretches(values, room(most, 0)).map((part) => Math.max(...part));
  const top = highest ?? Math.max(0, ...peaks);
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
export function bars(rows: readonly BarRow[], most = 30): string {
  const top = Math.max(0, ...rows.map((row) => row.value));
  const label = Math.max(0, ...rows.map((row) => row.label.length));
  const text = Math.max(0, ...rows.map((row) => row.text.length));
  const width = room(most, label + 2 + text + 2);
  const line = (row: BarRow): string =>
    `${row.label.padEnd(label)}  ${row.text.padStart(text)}  ${bar(row.value, top, width)}`;
  return rows.map((row) => line(row).trimEnd()).join("\n");
}

/** A stretch of time with the character that stands for what happened in it. */
export interface Stretch {
  from: number;
  to: number;
  mark: string;
}

/** Nothing at all in a part of the time, and something in less than half of it. */
const [NOTHING, LITTLE] = ["·", "░"];

/**
 * Characters for the time from 0 to `end`, `beside` others in their line: what most of each part of it went
 * to; `·` nothing, `░` something for less than half of it.
 */
export function lane(stretches: readonly Stretch[], end: number, most = 60, beside = 0): string {
  const width = room(most, beside);
  return Array.from({ length: width }, (_, i) => {
    const [from, to] = [(i * end) / width, ((i + 1) * end) / width];
    const times = new Map<string, number>();
    for (const each of stretches) {
      const time = Math.min(to, each.to) - Math.max(from, each.from);
      if (time > 0) times.set(each.mark, (times.get(each.mark) ?? 0) + time);
    }
    const taken = [...times.values()].reduce((sum, time) => sum + time, 0);
    const most = [...times].reduce((a, b) => (b[1] > a[1] ? b : a), [NOTHING, 0]);
    return taken > 0 && taken * 2 < to - from ? LITTLE : most[0];
  }).join("");
}

const SHADES = [" ", "░", "▒", "▓", "█"];

/** A shade for `value` between `low` and `high`, on a logarithmic scale; darker is more. */
export function shade(value: number, low: number, high: number): string {
  if (!(value > 0) || !(high > 0)) return SHADES[0] as string;
  const span = Math.log(high / Math.max(low, high / 1e4));
  const share = span > 0 ? Math.max(0, 1 - Math.log(high / value) / span) : 1;
  return SHADES[Math.max(1, Math.round(share * (SHADES.length - 1)))] as string;
}
