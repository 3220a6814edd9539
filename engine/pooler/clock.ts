/** The pooler's clocks: the one that the core is fed with, and the one on the wall for people. */
import { hrtime } from "node:process";
import { type Nanos, SECOND } from "../core/units.ts";

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

let zone = "";
let zoneHour = -1;

/** Name of the local time zone at `date`, such as CET; asked for once an hour, because it is slow. */
export function timeZone(date: Date): string {
  const hour = Math.floor(date.getTime() / 3_600_000);
  if (hour !== zoneHour) {
    zoneHour = hour;
    const parts = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
    zone = parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
  }
  return zone;
}
