/** How numbers are written for people. */
import { describe, expect, test } from "vitest";
import { between } from "../../sim/report/figures.ts";
import { digits, duration, durations, memory, percent } from "../../sim/report/units.ts";

describe("one duration", () => {
  const cases = [
    [0, "0 ms", "nothing is nothing of the usual unit"],
    [0.0123, "12.3 us", "below a millisecond"],
    [0.9996, "1.00 ms", "no 1000 us"],
    [4.123, "4.12 ms", "three digits"],
    [43.82, "43.8 ms", "three digits"],
    [999.4, "999 ms", "the last millisecond"],
    [999.6, "1.00 s", "no 1000 ms"],
    [119_999, "120 s", "seconds up to two minutes"],
    [150_000, "2.50 min", "then minutes"],
    [7_200_000, "2 h", "then hours"],
    [-4.5, "-4.50 ms", "differences may be negative"],
    [Number.NaN, "-", "no figure"],
    [Number.POSITIVE_INFINITY, "-", "no figure"],
  ] as const;
  for (const [value, want, why] of cases) {
    test(`${value} ms is "${want}": ${why}`, () => expect(duration(value)).toBe(want));
  }
});

describe("durations side by side", () => {
  test("share a unit when that keeps them readable", () => {
    expect(durations([2690, 12, 8.98])).toEqual(["2,690 ms", "12 ms", "8.98 ms"]);
    expect(durations([0, 0.5, 3])).toEqual(["0 ms", "0.500 ms", "3 ms"]);
    expect(durations([0, 0])).toEqual(["0 ms", "0 ms"]);
  });
  test("keep their own when one would be lost", () => {
    expect(durations([3_600_000, 0.02])).toEqual(["60 min", "20 us"]);
  });
  test("an interval says a common unit once", () => {
    expect(between([1.1, 1.3], durations)).toBe("1.10 .. 1.30 ms");
    expect(between([-1.1, 1.3], durations)).toBe("-1.10 .. 1.30 ms");
    expect(between(null, durations)).toBe("-");
    const rates = (values: readonly number[]): string[] => values.map((value) => `${value}/s`);
    expect(between([998, 1003], rates)).toBe("998 .. 1003/s");
  });
});

describe("other numbers", () => {
  test("three digits, groups of three, no exponent", () => {
    const values = [0, 20, 0.000123, 1.234, 12.34, 123.4, 1_234_567];
    const texts = ["0", "20", "0.000123", "1.23", "12.3", "123", "1,234,567"];
    expect(values.map(digits)).toEqual(texts);
  });
  test("shares and memory", () => {
    expect([percent(0.0123), percent(1), memory(600), memory(10_240)]).toEqual([
      ...["1.23 %", "100 %", "600 MB", "10.2 GB"],
    ]);
  });
});
