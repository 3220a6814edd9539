/** Reports opened by a double click: in a real browser, without a network, without an error. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserThere, startBrowser } from "../../notebooks/chromium.ts";
import { writeChart } from "../../sim/report/chart-file.ts";
import type { Report } from "../../sim/report/html.ts";
import { comparisonReport, runReport } from "../../sim/report/reports.ts";
import { sizeReport } from "../../sim/report/size.ts";
import { validationReport } from "../../sim/report/validation.ts";
import type { Result } from "../../sim/study/results/index.ts";
import { sampleComparison, sampleCurve, sampleRun } from "./fixture.ts";

const figures = { "wait_ms.mean": 4.5, "wait_ms.p99": 31, throughput_tps: 210 };
const result: Result = {
  poolwise: "0",
  command: "validate",
  workload: "tour <b>&amp;",
  seed: 1,
  runs: [],
  verdict: "pass",
  validations: [
    {
      pool_mode: "transaction",
      pool_size: 5,
      repeats: 5,
      predicted: figures,
      live: { ...figures, "wait_ms.mean": 4.6 },
      noise: { "wait_ms.mean": 0.02 },
      error: { "wait_ms.mean": -0.022 },
      tolerance: { "wait_ms.mean": 0.7 },
      verdict: "pass",
      failed: [],
      quantiles: [0.5, 0.95, 0.99, 1].map((p) => ({ p, predicted_ms: 40 * p, live_ms: 41 * p })),
      errors: {},
    },
  ],
  calibration: { overhead: 0.4 },
  instrument: { timer_lateness_p99: 1.2 },
};

const sized: Result = {
  ...sampleComparison(),
  command: "size",
  runs: [sampleRun("transaction", 4)],
  curve: sampleCurve(),
  knee: { pool_size: 12, throughput_tps: 850 },
  recommended: {
    pool_size: 20,
    settings: { default_pool_size: 20 },
    reason: "20 connections are busy 71 % of the time.",
    ini: "[pgbouncer]\ndefault_pool_size = 20\n",
  },
  verdict: "pass",
};

// command, its report, title, texts, pictures
const cases: [string, Report, string, string[], number][] = [
  [
    "validate",
    validationReport(result),
    "tour <b>&amp;",
    ["Verdict: pass", "transaction 5", "4.60 ms", "210/s"],
    1,
  ],
  [
    "size",
    sizeReport(sized),
    "checkout: default_pool_size = 20 in transaction mode",
    ["busy 71 %", "Over the pool size", "963/s", "The knee of the throughput is at 12"],
    2,
  ],
  [
    "compare",
    comparisonReport(sampleComparison()),
    "Pool modes: checkout",
    ["session, 20", "Transaction mode instead of session mode", "What each mode takes away"],
    2,
  ],
  [
    "simulate",
    runReport({ ...sampleComparison(), runs: [sampleRun("session", 900)] }),
    "checkout: session mode, 20 server connections",
    ["1 in 100 waits longer", "query_wait_timeout 480", "Kinds of clients"],
    2,
  ],
];

const folder = mkdtempSync(join(tmpdir(), "poolwise-report-"));
let browser: Browser;
beforeAll(async () => {
  if (browserThere) browser = await startBrowser();
});
afterAll(async () => {
  if (browserThere) await browser.close();
  rmSync(folder, { recursive: true });
});

for (const [command, report, title, texts, pictures] of cases)
  test.skipIf(!browserThere)(
    `the report of ${command} asks for nothing and shows its figures`,
    async () => {
      const file = join(folder, `${command}.html`);
      await writeChart(file, report);
      const page = await browser.newPage();
      const requests: string[] = [];
      const troubles: string[] = [];
      page.on("request", (request) => requests.push(request.url()));
      page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
      page.on("pageerror", (error) => troubles.push(String(error)));
      await page.goto(pathToFileURL(file).href);
      const own = [pathToFileURL(file).href];
      expect(requests.filter((url) => !url.startsWith("data:"))).toEqual(own);
      expect(troubles).toEqual([]);
      expect(await page.title()).toContain(title);
      const text = (await page.textContent("main")) ?? "";
      for (const part of texts) expect(text).toContain(part);
      expect(await page.getByRole("img", { name: /\w{3,} \w/ }).count()).toBe(pictures);
      const data = (await page.locator("script#result").textContent()) ?? "";
      // Vega marks the objects that it drew, which JSON does not show.
      expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(report.data)));
      await page.close();
    },
  );
