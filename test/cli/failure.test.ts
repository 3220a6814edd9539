/** Which error ends in which words and status. */
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../engine/config/index.ts";
import { failure, UsageError } from "../../sim/cli/failure.ts";
import { threadsOf } from "../../sim/cli/options.ts";
import { Interrupted, TimeUp } from "../../sim/study/run.ts";

const wrong = new ConfigError({ at: "a.yaml:3", name: "count", got: "x", expected: "a number" });

describe("an error", () => {
  for (const [why, error, status, text] of [
    ["of what was typed", new UsageError("one of the two"), 2, /^one of the two$/],
    ["in a file", wrong, 2, /^a\.yaml:3: count is "x"; expected a number$/],
    [
      "of memory is the machine's, and says what takes less",
      new RangeError("Array buffer allocation failed"),
      3,
      /^this machine has not the memory .*lower clients\.NAME\.count/,
    ],
    [
      "of memory that no machine has is told alike",
      new RangeError("Invalid array buffer length"),
      3,
      /^this machine has not the memory/,
    ],
    ["of time is no answer", new TimeUp("--time-limit: the time was up"), 1, /^--time-limit: the/],
    ["of who pressed Ctrl-C", new Interrupted("interrupted before"), 130, /^interrupted before$/],
    ["that nobody foresaw is ours", new RangeError("-1"), 70, /^this is a bug in poolwise/],
  ] as const)
    test(why, () => {
      expect(failure(error)).toEqual({ text: expect.stringMatching(text), status });
    });
});

describe("--workers", () => {
  for (const [given, want] of [
    [undefined, undefined],
    ["0", 0],
    ["256", 256],
  ] as const)
    test(`${given}`, () => expect(threadsOf(given)).toBe(want));
  for (const given of ["257", "9999999", "-1", "two"])
    test(`${given} is refused`, () =>
      expect(() => threadsOf(given)).toThrow(`--workers: number is "${given}"; expected`));
});
