/** Every chart compiles without a warning, says what it shows, and becomes a picture. */
import { describe, expect, test } from "vitest";
import { axisTitle } from "../../sim/report/charts/chart.ts";
import {
  type Chart,
  distribution,
  modeBars,
  predictedAndLive,
  queueDepth,
  runDistributions,
  type Span,
  spanChart,
  stack,
  throughputCurve,
  timeParts,
  waitCurve,
} from "../../sim/report/charts/index.ts";
import { heatMap, runCurve } from "../../sim/report/charts/sweep.ts";
import { compileChart, renderPng, renderSvg } from "../../sim/report/render.ts";
import { sampleComparison, sampleCurve, sampleRun } from "./fixture.ts";

const { runs } = sampleComparison();
const run = sampleRun("transaction", 4);
const curve = { workload: "checkout", slo_wait_p99_ms: 10, recommended: 20 };
const quantiles = (run.distribution ?? []).map(({ p, wait_ms }) => ({
  p,
  predicted_ms: wait_ms,
  live_ms: wait_ms * 1.1,
}));
const varied = [10, 20].flatMap((count) =>
  [1, 4].map((size) => ({
    ...sampleRun("transaction", size),
    settings: { default_pool_size: size, "web.count": count },
  })),
);
const spans: Span[] = [
  { lane: "connection 10", state: "working", label: "7", from_ms: 0, to_ms: 4 },
  { lane: "connection 2", state: "held", label: "12", from_ms: 4, to_ms: 9 },
  { lane: "client 3", state: "waiting", label: "", from_ms: 1, to_ms: 10 },
];

// name, chart, what its text alternative must say, axis titles
const charts: [string, Chart, string, string[]][] = [
  [
    "waitCurve",
    waitCurve(sampleCurve(), curve),
    "limit for p99 is 10 ms",
    ["Wait (ms, log scale)"],
  ],
  [
    "throughputCurve",
    throughputCurve(sampleCurve(), curve),
    "highest, 963 transactions/s, with 24 connections",
    ["Throughput (transactions/s)", "default_pool_size (server connections)"],
  ],
  [
    "timeParts",
    timeParts("P", "pool size", [
      { x: 2, parts: { waiting: 30, working: 10 } },
      { x: 9, parts: { waiting: 0, working: 12 } },
    ]),
    "at 2: waiting 30 ms, working 10 ms; at 9: waiting 0 ms, working 12 ms.",
    ["Mean time (ms)", "pool size", "waiting", "working"],
  ],
  [
    "heatMap",
    heatMap("H", varied, "default_pool_size", "web.count"),
    "Heat map of the p99 wait over default_pool_size and web.count: shortest",
    ["default_pool_size (server connections)", "web.count (clients)", "p99 wait (ms)"],
  ],
  [
    "runCurve",
    runCurve("checkout", varied, "web.count"),
    "Line chart of the wait over web.count: mean",
    ["web.count (clients)"],
  ],
  ["runDistributions", runDistributions("W", runs), "transaction, 20: 50 % at most 0 ms", ["(%)"]],
  ["predictedAndLive", predictedAndLive("V", quantiles), "live: 50 %", ["connection (ms)"]],
  [
    "modeBars",
    modeBars("M", runs),
    "session, 20: mean wait 895 ms",
    ["Mean wait (ms)", "Clients waiting (mean)"],
  ],
  [
    "queueDepth",
    queueDepth("Q", run.timeline ?? []),
    "At most 20 clients wait at 30 s",
    ["time (s)"],
  ],
  [
    "spanChart",
    spanChart("S", spans, 10),
    "10 ms, one lane for each: connection 2 50 % held, not used; connection 10 40 % working; client 3 90 % waiting",
    ["Simulated time (ms)", "held, not used", ">12<"],
  ],
  [
    "stack",
    stack([modeBars("M", runs), queueDepth("Q", run.timeline ?? [])]),
    "At most 20",
    ["(s)"],
  ],
];

// key, title
const titles = [
  ["default_pool_size", "default_pool_size (server connections)"],
  ["databases.shop.pool_size", "databases.shop.pool_size (server connections)"],
  ["clients.web.app_pool.size", "clients.web.app_pool.size (connections of each pool)"],
  ["query_wait_timeout", "query_wait_timeout (s)"],
  ["server.cores", "server.cores (cores)"],
  ["clients.web.think", "clients.web.think"],
  ["pool_mode", "pool_mode"],
] as const;
test.each(titles)("an axis over %s is called %s", (key, title) => {
  expect(axisTitle(key)).toBe(title);
});

describe("charts", () => {
  for (const [name, chart, alternative, axes] of charts) {
    test(`${name}: no warnings, units on the axes, a text alternative`, async () => {
      const { warnings } = await compileChart(chart);
      expect(warnings).toEqual([]);
      const svg = await renderSvg(chart);
      expect(svg).toContain('role="img"');
      expect(svg).toContain(` role="img" aria-label="${chart.description}">`);
      expect(chart.description).toContain(alternative);
      for (const axis of axes) expect(svg).toContain(axis);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    });
  }

  test("the size that a curve points at is said to be the recommended one", async () => {
    for (const draw of [waitCurve, throughputCurve])
      expect(await renderSvg(draw(sampleCurve(), curve))).toContain(">recommended: 20<");
  });

  test("a curve without intervals and a distribution without points are still pictures", async () => {
    const bare = sampleCurve().map((point) => ({ ...point, wait_p99_ms_ci95: null }));
    expect(await renderSvg(waitCurve(bare, { workload: "x" }))).not.toContain("NaN");
    expect(await renderSvg(distribution("D", "Wait", []))).toContain("<svg");
    expect(await renderSvg(queueDepth("Q", []))).toContain("<svg");
  });

  test("a PNG has the signature and the size of twice the SVG", async () => {
    const svg = await renderSvg(modeBars("M", runs));
    const png = Buffer.from(await renderPng(svg));
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    const width = Number(/width="(\d+)"/.exec(svg)?.[1]);
    expect(png.readUInt32BE(16)).toBe(2 * width);
  });

  test("a PNG's text is drawn with our own font, whatever fonts the machine has", async () => {
    const text = (words: string, family = "DejaVu Sans", weight = "normal"): string =>
      '<svg xmlns="http://www.w3.org/2000/svg" width="400" height="40">' +
      `<text y="20" font-family="${family}" font-weight="${weight}">${words}</text></svg>`;
    const written = await renderPng(text("Wait (ms)"));
    expect(written.length).toBeGreaterThan((await renderPng(text(""))).length + 500);
    // Debian has these beside the one that charts name; they are not looked for.
    for (const family of ["DejaVu Sans Mono", "DejaVu Serif", "Nowhere"])
      expect(await renderPng(text("Wait (ms)", family))).toEqual(written);
    expect(await renderPng(text("Wait (ms)", "DejaVu Sans", "bold"))).not.toEqual(written);
  });
});
