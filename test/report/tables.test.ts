/** Tables of a terminal: aligned, complete, and the same rows that a page prints. */
import { describe, expect, test } from "vitest";
import { bar, bars, lane, sparkline } from "../../sim/report/blocks.ts";
import { provenance } from "../../sim/report/figures.ts";
import {
  breakageTable,
  compareTable,
  curveTable,
  differenceTable,
  kindTable,
  runTable,
  type Table,
} from "../../sim/report/tables.ts";
import { terminal } from "../../sim/report/terminal.ts";
import { theoryText } from "../../sim/report/theory.ts";
import { sampleComparison, sampleCurve, sampleRun } from "./fixture.ts";

const run = sampleRun("transaction", 4);

/** What `show` gives on a terminal so wide. */
function on<T>(columns: number, show: () => T): T {
  const before = process.stdout.columns;
  process.stdout.columns = columns;
  try {
    return show();
  } finally {
    process.stdout.columns = before;
  }
}

const SPEEDS: Table = {
  title: "T",
  head: ["", "speed", "wait, p99", "timeouts"],
  align: ["left", "right", "right", "right"],
  rows: [
    ["one", "100/s", "3 ms", "0"],
    ["two", "200/s", "-", "1"],
  ],
};

describe("terminal tables", () => {
  test("columns line up and no line ends in blanks", () => {
    const text = terminal({
      title: "T",
      head: ["", "a", "meaning"],
      align: ["left", "right", "left"],
      rows: [
        ["x", "1", "one"],
        ["long", "1,000", "many"],
      ],
    });
    const lines = ["T", "          a  meaning", "-".repeat(20), "x         1  one"];
    expect(text).toBe([...lines, "long  1,000  many", ""].join("\n"));
  });

  // columns, widest line, why
  for (const [columns, widest, why] of [
    [120, 104, "all fits"],
    [80, 80, "meanings are wrapped"],
    [60, 52, "meanings are left out"],
    [0, 104, "a terminal that does not tell its width"],
  ] as const)
    test(`on ${columns} columns lines have at most ${widest}: ${why}`, () => {
      const lines = on(columns, () => terminal(runTable(run))).split("\n");
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(widest);
      expect(lines.join(" ")).toContain("server connections, opened");
      expect(lines.join("\n").includes("worst of all")).toBe(widest > 52);
    });

  // columns, lines, why
  for (const [columns, lines, why] of [
    [25, ["     speed  wait, p99", "one  100/s       3 ms", "  timeouts: 0"], "one has no room"],
    [21, ["     speed  wait, p99", "one  100/s       3 ms", "  timeouts: 0"], "the others just do"],
    [20, ["     speed", "one  100/s", "  wait, p99: 3 ms", "  timeouts: 0"], "two have none"],
    [31, ["     speed  wait, p99  timeouts", "one  100/s       3 ms         0"], "all just do"],
    [8, ["T", "one", "  speed: 100/s", "  wait, p99: 3 ms"], "only the names do"],
    [30, ["two  200/s          -", "  timeouts: 1"], "what is not known beside"],
    [12, ["two  200/s", "  timeouts: 1"], "what is not known is left out below"],
  ] as const)
    test(`on ${columns} columns figures stand whole, below their row: ${why}`, () => {
      const text = on(columns, () => terminal(SPEEDS));
      const rule = (line: string): boolean => /^-+$/.test(line);
      const found = text.split("\n").filter((line) => !rule(line));
      expect(found.join("\n")).toContain(lines.join("\n"));
    });

  test("below a row figures share a line while there is room", () => {
    const text = on(40, () => terminal(kindTable(run)));
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(40);
    expect(text).toMatch(/\n {2}wait, p95: [\d.]+ m?s; wait, p99: [\d.]+ m?s\n/);
  });

  test("a run: value, interval and meaning of each figure", () => {
    const lines = terminal(runTable(run)).split("\n");
    expect(lines[0]).toBe("transaction mode, 20 server connections");
    const line = lines.find((text) => text.startsWith("wait, mean"));
    expect(line).toMatch(/3\.98 ms\s+3\.58 \.\. 4\.37 ms\s+for a server connection/);
    expect(terminal(runTable(run, false))).not.toContain("meaning");
  });

  test("an application pool adds its own waits", () => {
    const { rows } = runTable({ ...run, app_wait_ms: run.wait_ms });
    expect(rows.at(-1)?.[0]).toBe("app pool wait, p99");
  });

  test("three modes in three columns", () => {
    const { head, rows } = compareTable(sampleComparison().runs);
    expect(head).toEqual(["", "session, 20", "transaction, 20", "statement, 20", "meaning"]);
    expect(rows[0]?.slice(1, 4)).toEqual(["895 ms", "3.98 ms", "2.98 ms"]);
  });

  test("differences carry their sign", () => {
    const [row] = differenceTable(sampleComparison().differences ?? []).rows;
    expect(row).toEqual([
      ...["transaction instead of session", "-950 .. -840 ms"],
      ...["-4.30 .. -3.90 s", "-3 .. +27/s"],
    ]);
  });

  test("kinds, curve and breakage are rectangular", () => {
    for (const table of [kindTable(run), curveTable(sampleCurve()), breakageTable()]) {
      for (const row of table.rows) expect(row).toHaveLength(table.head.length);
      expect(table.align).toHaveLength(table.head.length);
    }
  });

  test("one line is enough to repeat a study", () => {
    expect(provenance(run, 7, 0.05)).toBe(
      "seed 7; 10 replications of 60 s after 30 s of warm-up; 123,456 transactions; intervals within 5 %",
    );
    expect(provenance({ ...run, precise: false }, 7, 0.05)).toContain("NOT reached");
  });
});

describe("block charts", () => {
  test("a short peak stays visible", () => {
    const values = Array.from({ length: 600 }, (_, i) => (i === 300 ? 9 : 0));
    expect(sparkline(values, 10)).toBe("▁▁▁▁▁█▁▁▁▁");
  });
  test("a little is more than nothing", () => {
    expect(sparkline([0, 0.001, 100])).toBe("▁▂█");
    expect(bar(0.001, 100)).toBe("▏");
  });
  test("nothing at all is drawn as nothing", () => {
    expect([sparkline([]), sparkline([0, 0]), bar(0, 0), bar(0, 5)]).toEqual(["", "▁▁", "", ""]);
  });
  test("bars share a scale", () => {
    const rows = [
      { label: "session", value: 8, text: "8 ms" },
      { label: "statement", value: 4, text: "4 ms" },
    ];
    expect(bars(rows, 4)).toBe("session    8 ms  ████\nstatement  4 ms  ██");
  });
  // columns, characters of the longest bar, of a line of bars, of a lane beside five others, why
  for (const [columns, longest, line, time, why] of [
    [200, 30, 60, 60, "no more than they need"],
    [40, 28, 40, 35, "as much as there is room for"],
    [15, 8, 15, 10, "what is less shows nothing"],
  ] as const)
    test(`on ${columns} columns: ${why}`, () => {
      const rows = [{ label: "long", value: 8, text: "8 ms" }];
      const series = Array.from({ length: 100 }, () => 1);
      const pictures = on(columns, () => [
        bars(rows).slice("long  8 ms  ".length),
        sparkline(series),
        lane([], 1, 60, 5),
      ]);
      expect(pictures.map((picture) => picture.length)).toEqual([longest, line, time]);
    });
});

test("theory: of too few systems no law of errors is claimed, and one is not several", () => {
  const none = { rows: [], spread: [], transactions: 5, met: true };
  expect(theoryText({ ...none, systems: 1, families: 1 }, 7)).toMatch(
    /^1 system of 1 family, 0 figures, 5 transactions: all hold; seed 7\.$/m,
  );
  expect(theoryText({ ...none, systems: 2, families: 2 }, 7)).not.toContain("look like chance");
});
