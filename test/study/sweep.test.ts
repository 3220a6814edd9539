/** `sweep`: what `--vary` means, the grid, and that points are paired. */
import { describe, expect, test } from "vitest";
import { csvOf } from "../../sim/report/csv.ts";
import { notesOf } from "../../sim/study/points.ts";
import { type Result, resultSchema } from "../../sim/study/results/index.ts";
import { study } from "../../sim/study/run.ts";
import { noInterval } from "../../sim/study/scarce.ts";
import { gridOf, parseVary, sweep } from "../../sim/study/sweep.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import { SMALL } from "../cli/poolwise.ts";
import { timeLimit } from "./workload.ts";

describe("--vary", () => {
  // text, key, values
  for (const [text, key, values] of [
    ["default_pool_size=5..7", "default_pool_size", ["5", "6", "7"]],
    ["default_pool_size=5..50:20", "default_pool_size", ["5", "25", "45"]],
    ["default_pool_size=5..5", "default_pool_size", ["5"]],
    ["pool_mode=session, statement", "pool_mode", ["session", "statement"]],
    ["slo.timeouts=0.1 %..0.3 %:0.1 %", "slo.timeouts", ["0.1 %", "0.2 %", "0.3 %"]],
    ["clients.web.think=50 ms..70 ms:10 ms", "clients.web.think", ["50 ms", "60 ms", "70 ms"]],
    ["x=0..0.3:0.1", "x", ["0", "0.1", "0.2", "0.3"]],
    ["x=1", "x", ["1"]],
    [
      "x={ lognormal: { mean: 4 ms, cv: 2 } }, 5 ms",
      "x",
      ["{ lognormal: { mean: 4 ms, cv: 2 } }", "5 ms"],
    ],
  ] as const)
    test(text, () => expect(parseVary(text)).toEqual({ key, values }));

  for (const [text, message] of [
    ["default_pool_size", 'range is "default_pool_size"; expected KEY=A..B'],
    ["=5..6", "expected KEY=A..B"],
    ["x=a..b", "expected KEY=A..B"],
    ["x=7..5", "expected the smaller end first"],
    ["x=5..7:0", "expected a step above zero"],
    ["x=5 ms..7 s", "expected one unit for both ends and the step"],
    ["x=5 ms..7 ms:1", "expected one unit for both ends and the step"],
    ["x=1..1001", "at most 1000 values; give a larger step"],
    ["x=5, 6,5", 'range is "x=5, 6,5"; expected each value once; 5 is given twice'],
  ] as const)
    test(`refused: ${text}`, () => expect(() => parseVary(text)).toThrow(message));
});

describe("the grid", () => {
  test("all combinations, the last key changing fastest", () => {
    const axes = [parseVary("a=1..2"), parseVary("b=x,y")];
    expect(gridOf(axes)).toEqual([
      { a: "1", b: "x" },
      { a: "1", b: "y" },
      { a: "2", b: "x" },
      { a: "2", b: "y" },
    ]);
  });

  test("too many points and a key twice are refused", () => {
    const many = parseVary("a=1..40");
    expect(() => gridOf([many, { ...many, key: "b" }])).toThrow("1600 points");
    expect(() => gridOf([many, many])).toThrow("each key once");
  });
});

describe("a sweep", () => {
  const load = (set: string[]) => parseWorkload(SMALL, "small.yaml", { set });

  test("each point is what simulate says of it, and neighbours are paired", async () => {
    const found = await sweep(gridOf([parseVary("default_pool_size=1..3")]), load, { timeLimit });
    expect(found.runs.map((run) => run.settings)).toEqual([
      { default_pool_size: 1 },
      { default_pool_size: 2 },
      { default_pool_size: 3 },
    ]);
    expect(found.differences.map(({ from, to }) => [from, to])).toEqual([
      ["default_pool_size=1", "default_pool_size=2"],
      ["default_pool_size=2", "default_pool_size=3"],
    ]);
    for (const { wait_mean_ms_ci95 } of found.differences)
      expect(wait_mean_ms_ci95?.[1]).toBeLessThan(0);
    const alone = await study(load(["default_pool_size=2"]), { timeLimit });
    // Points share one warm-up and one number of replications; the second one's are the file's.
    expect(found.runs[1]?.warmup_s).toBe(alone.run.warmup_s);
    const result = { poolwise: "0", command: "sweep", workload: "small", seed: 1, ...found };
    expect(resultSchema.safeParse(result).error).toBeUndefined();
  });

  test("what holds at several points is said once, with the points", async () => {
    const grid = gridOf([parseVary("default_pool_size=1..3")]);
    const few = { timeLimit, replications: 2 };
    const { notes } = await sweep(grid, (set) => load([...set, "run.duration=1 s"]), few);
    const wanting = notes.filter((note) => note.startsWith("no interval for"));
    expect(wanting).toHaveLength(1);
    expect(wanting[0]).toMatch(
      /^no interval for p95 and p99 at every point \(\d+ to \d+ transactions; 2000 and 10000 put /,
    );
    const told = (notes: string[], count?: number) => {
      const scarce = count === undefined ? [] : [{ p: 0.99, count, least: 10_000 }];
      return { notes: [...notes, ...scarce.map((each) => noInterval([each]))], scarce };
    };
    expect(notesOf(grid, [told(["odd"], 1), told(["odd"]), told([], 1)])).toEqual([
      "default_pool_size=1, 2: odd",
      "no interval for p99 at default_pool_size=1, 3 (1 transaction; 10000 put 100 of them beyond it): " +
        "give it more with --duration or --time-limit",
    ]);
    const wide = gridOf([
      parseVary("default_pool_size=1..7"),
      parseVary("pool_mode=session,statement"),
    ]);
    const all = wide.map((_, i) => told(i < 13 ? ["odd"] : []));
    expect(notesOf(wide, all)[0]).toMatch(
      /^default_pool_size=1, pool_mode=session; .*, pool_mode=statement and 1 more: odd$/,
    );
  });

  test("as CSV: a head, a line each, the varied key a column, texts quoted where they must be", async () => {
    const points = gridOf([
      parseVary("default_pool_size=2..3"),
      parseVary("pool_mode=transaction"),
    ]);
    const { runs } = await sweep(points, load, { timeLimit: 1 });
    const odd = { ...(runs[0] as (typeof runs)[number]), settings: { note: 'a "b", c' } };
    const result: Result = {
      poolwise: "0",
      command: "sweep",
      workload: "w",
      seed: 1,
      runs: [...runs, odd],
    };
    const [head = "", first = "", second = "", third = ""] = csvOf(result).split("\r\n");
    const columns = head.split(",");
    expect(columns.slice(0, 3)).toEqual(["pool_mode", "pool_size", "default_pool_size"]);
    expect(columns).toContain("note");
    const at = (line: string, name: string) => line.split(",")[columns.indexOf(name)];
    expect([at(first, "pool_size"), at(second, "pool_size")]).toEqual(["2", "3"]);
    expect(Number(at(first, "wait_p99_ms"))).toBe(runs[0]?.wait_ms.p99);
    expect(third).toContain('"a ""b"", c"');
  });
});
