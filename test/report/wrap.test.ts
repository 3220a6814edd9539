/** Sentences on a narrow terminal are broken between words. */
import { describe, expect, test } from "vitest";
import { wrapped } from "../../sim/report/wrap.ts";

const FINDING = "Transaction mode, pool of 5: 12 % of the transactions wait; 3.1 ms on average.";

describe("lines that are too long go on in further ones, two columns further in", () => {
  // text, width, lines
  const cases: [string, number | undefined, string[]][] = [
    [
      FINDING,
      40,
      ["Transaction mode, pool of 5: 12 % of the", "  transactions wait; 3.1 ms on average."],
    ],
    [FINDING, 200, [FINDING]],
    [FINDING, undefined, [FINDING]],
    [FINDING, 5, [FINDING]],
    ["a\n\nb", 20, ["a", "", "b"]],
    ["  indented text of many words", 20, ["  indented text of", "    many words"]],
    [
      "poolwise simulate /a/very/long/path/of/a/file",
      20,
      ["poolwise simulate", "  /a/very/long/path/of/a/file"],
    ],
    ["x".repeat(50), 20, ["x".repeat(50)]],
  ];
  for (const [text, width, lines] of cases)
    test(`${text.slice(0, 20)} on ${width}`, () => {
      expect(wrapped(text, width).split("\n")).toEqual(lines);
    });

  test("no word is lost, whatever the width", () => {
    for (let width = 20; width < 90; width++) {
      const lines = wrapped(FINDING, width).split("\n");
      expect(lines.join(" ").split(/\s+/).join(" ")).toBe(FINDING);
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    }
  });
});
