/** The charts of a terminal: one for each picture, with its figures beside it. */
import { expect, test } from "vitest";
import { lane, shade } from "../../sim/report/blocks.ts";
import {
  curveBars,
  occupancyLanes,
  quantileLines,
  queueLine,
  runsBars,
  shadeMap,
  waitBars,
} from "../../sim/report/small-charts.ts";
import type { Run, Validated } from "../../sim/study/results/index.ts";
import { sampleComparison, sampleCurve, sampleRun } from "./fixture.ts";

const lines = (text: string): string[] => text.trimEnd().split("\n");
const FULL = "█".repeat(30);

test("a lane shows what most of each part of the time went to", () => {
  const stretches = [
    { from: 0, to: 10, mark: "█" },
    { from: 10, to: 26, mark: "▒" },
    { from: 26, to: 30, mark: "█" },
    { from: 31, to: 33, mark: "█" },
  ];
  expect(lane(stretches, 50, 5)).toBe("█▒▒░·");
  expect(lane([], 50, 5)).toBe("·····");
});

// value, least, most, shade
const shades: [number, number, number, string, string][] = [
  [0, 1, 100, " ", "nothing"],
  [1, 1, 100, "░", "the least there is"],
  [10, 1, 100, "▒", "half of the way, in powers of ten"],
  [100, 1, 100, "█", "the most"],
  [5, 5, 5, "█", "no other value"],
  [1, 1e-9, 1e6, "░", "far below what a scale can tell"],
];
for (const [value, low, high, want, why] of shades)
  test(`shade of ${value} between ${low} and ${high}: ${why}`, () => {
    expect(shade(value, low, high)).toBe(want);
  });

test("server connections: a line each, and how many more there are", () => {
  const span = (server: number, used: boolean, from_ms: number, to_ms: number) => ({
    ...{ server, client: 1, used, from_ms, to_ms },
  });
  const spans = [span(1, true, 0, 30), span(1, false, 30, 60), span(2, false, 0, 60)];
  const [title, first, second, third, ...rest] = lines(
    occupancyLanes({ to_ms: 60, servers: 3, spans }, ", session mode"),
  );
  expect(title).toBe(
    "Server connections, session mode, 0 to 60 ms: █ working, ▒ held, not used, ░ a little of it, · free",
  );
  expect(first).toBe(`  1  ${"█".repeat(30)}${"▒".repeat(30)}`);
  expect(second).toBe(`  2  ${"▒".repeat(60)}`);
  expect(third).toBe(`  3  ${"·".repeat(60)}`);
  expect(rest).toEqual([]);
  const many = lines(occupancyLanes({ to_ms: 60, servers: 1017, spans }));
  expect(many.slice(17)).toEqual(["     and 1,001 more"]);
  expect(occupancyLanes({ to_ms: 60, servers: 0, spans: [] })).toBe("");
});

test("runs side by side: waits and rates, on one scale each", () => {
  const { runs } = sampleComparison();
  const text = lines(runsBars(runs, ({ pool_mode }) => pool_mode));
  expect(text[0]).toBe("Wait, p99");
  expect(text[1]).toBe(`session       4.14 s  ${FULL}`);
  expect(text[5]).toBe("Throughput");
  expect(text[7]).toBe(`transaction  1,001/s  ${FULL}`);
  expect(runsBars(runs.slice(0, 1), () => "")).toBe("");
  const calm = runs.map((run) => ({ ...run, wait_ms: { ...run.wait_ms, p99: 0 } }));
  expect(runsBars(calm, () => "x")).toMatch(/^Throughput/);
});

test("over the pool size: the wait, or the response, and the throughput", () => {
  const text = lines(curveBars(sampleCurve(), false));
  expect(text[0]).toBe("Wait, p99, over the pool size");
  expect(text[1]).toBe(`10   240 ms  ${FULL}`);
  expect(text[10]).toBe("Throughput over the pool size");
  expect(text.at(-1)).toBe(`24  963/s  ${FULL}`);
  const response = lines(curveBars(sampleCurve(), true));
  expect(response[0]).toBe("Response, p99, over the pool size");
  expect(response[1]).toBe(`10   260 ms  ${FULL}`);
  expect(curveBars(sampleCurve().slice(0, 1), false)).toBe("");
});

test("a map of two keys: the second upwards, darker is longer", () => {
  const at = (size: number, count: number, p99: number): Run => {
    const run = sampleRun("transaction", 4);
    return { ...run, settings: { size, count }, wait_ms: { ...run.wait_ms, p99 } };
  };
  const runs = [at(4, 10, 10), at(4, 20, 100), at(12, 10, 0), at(12, 20, 1)];
  expect(shadeMap(runs, "size", "count")).toBe(
    "Wait, p99: darker is longer, 1 ms to 100 ms; count upwards, size to the right\n" +
      "20   ███ ░░░\n10   ▒▒▒\n       4  12\n",
  );
  expect(shadeMap([at(4, 10, 0), at(4, 20, 0)], "size", "count")).toBe("");
});

test("predicted and live: two lines on one scale, and nothing where nobody waits", () => {
  const quantiles = Array.from({ length: 100 }, (_, i) => ({
    ...{ p: (i + 1) / 100, predicted_ms: i + 1, live_ms: (i + 1) / 2 },
  }));
  const one = { pool_mode: "transaction", pool_size: 5, quantiles } as Partial<Validated>;
  const [title, predicted, live] = lines(quantileLines([one as Validated]));
  expect(title).toMatch(/^Waits, the shortest on the left/);
  expect(predicted).toMatch(/^transaction 5 {3}predicted {2}[▁▂][▁-█]{38}█ {2}at most 99 ms$/);
  expect(live).toMatch(/^ {16}live {7}[▁▂][▁-▅]{38}▅$/);
  const calm = quantiles.map(({ p }) => ({ p, predicted_ms: 0, live_ms: 0 }));
  expect(quantileLines([{ ...one, quantiles: calm } as Validated])).toBe("");
});

test("waits and queue of one run", () => {
  const run = sampleRun("session", 900);
  expect(lines(waitBars(run))[0]).toBe("Waits");
  expect(waitBars(run)).toContain(`99.9 % wait at most  6.13 s  ${FULL}`);
  expect(queueLine(run)).toMatch(/^Clients waiting.*at most 20\n▁{21}/);
  expect(queueLine({ ...run, timeline: [] })).toBe("");
});
