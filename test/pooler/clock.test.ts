/** Dates as people read them in logs and SHOW. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { localTime, timeZone } from "../../engine/pooler/system/clock.ts";

const HOUR = 3_600_000;
const before = process.env.TZ;

afterEach(() => {
  vi.unstubAllGlobals();
  if (before === undefined) delete process.env.TZ;
  else process.env.TZ = before;
});

describe("local time and the name of its zone", () => {
  for (const [zone, at, want] of [
    ["UTC", "2026-01-31T13:05:09Z", "2026-01-31 13:05:09 UTC"],
    ["Europe/Berlin", "2026-03-29T00:59:59Z", "2026-03-29 01:59:59 CET"],
    ["Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00 CEST"],
    ["Australia/Sydney", "2026-06-30T15:00:00Z", "2026-07-01 01:00:00 AEST"],
    ["Asia/Kathmandu", "2026-06-30T15:00:00Z", "2026-06-30 20:45:00 GMT+5:45"],
    ["America/New_York", "2026-07-01T12:00:00Z", "2026-07-01 08:00:00 EDT"],
    ["America/New_York", "2026-01-01T04:59:59Z", "2025-12-31 23:59:59 EST"],
  ] as const) {
    test(`${at} in ${zone}: ${want}`, () => {
      process.env.TZ = zone;
      const date = new Date(at);
      expect(`${localTime(date)} ${timeZone(date)}`).toBe(want);
    });
  }
});

test("a name is asked for once, however many hours the dates are apart", () => {
  process.env.TZ = "Pacific/Auckland";
  let asked = 0;
  class Counting extends Intl.DateTimeFormat {
    constructor(...words: ConstructorParameters<typeof Intl.DateTimeFormat>) {
      super(...words);
      asked++;
    }
  }
  vi.stubGlobal("Intl", { DateTimeFormat: Counting });
  timeZone(new Date(0));
  const once = asked;
  // As in SHOW CLIENTS: connected in one hour, the last request in another.
  for (let row = 0; row < 100; row++)
    for (const hour of [0, row]) timeZone(new Date(Date.UTC(2026, 5, 1) + hour * HOUR));
  expect(once).toBeGreaterThan(0);
  expect(asked).toBe(once);
});
