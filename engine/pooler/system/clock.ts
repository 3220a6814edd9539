/** The pooler's clocks: the one that the core is fed with, and the one on the wall for people. */
import { hrtime } from "node:process";
import { type Nanos, SECOND } from "../../core/units.ts";

export class Clock {
  private readonly zero = hrtime();
  private readonly started = Date.now();

  /**
   * Nanoseconds since this clock was made; never goes back. It is read for every chunk, and `hrtime` takes
   * half the time of `performance.now` and leaves no number behind on the heap.
   */
  now(): Nanos {
    const time = hrtime();
    return (time[0] - this.zero[0]) * SECOND + (time[1] - this.zero[1]);
  }

  /** The wall-clock date of an instant of this clock, as far as the wall clock was not set since. */
  date(at: Nanos): Date {
    return new Date(this.started + Math.floor(at / 1_000_000));
  }
}

const two = (value: number): string => String(value).padStart(2, "0");

/** "2026-01-31 13:05:09" in local time. */
export function localTime(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Each of them knows the names of its own part of the world; elsewhere they say "GMT+1". */
const LOCALES = ["en-US", "en-GB", "en-AU", "en-IN", "en-ZA"];

/** Names that were found, by the offset from UTC: to look for one takes long, and much memory. */
const zones = new Map<number, string>();

/** Name of the local time zone at `date`, such as CET. */
export function timeZone(date: Date): string {
  const offset = date.getTimezoneOffset();
  let zone = zones.get(offset);
  if (zone === undefined) {
    const names = LOCALES.map((locale) => zoneIn(locale, date));
    zone = names.find((name) => !/^GMT[+-]/.test(name)) ?? (names[0] as string);
    zones.set(offset, zone);
  }
  return zone;
}

function zoneIn(locale: string, date: Date): string {
  const parts = new Intl.DateTimeFormat(locale, { timeZoneName: "short" }).formatToParts(date);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
}
