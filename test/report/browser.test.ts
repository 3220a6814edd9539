/** A report opened by a double click: in a real browser, without a network, without an error. */
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { writeChart } from "../../sim/report/chart-file.ts";
import { validationReport } from "../../sim/report/validation.ts";
import type { Result } from "../../sim/study/results.ts";

const CHROMIUM = "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

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

const absent = !existsSync(CHROMIUM);
if (absent) console.log(`skipped: the report in a browser, there is no ${CHROMIUM}`);

test.skipIf(absent)("the report of validate asks for nothing and shows its figures", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "poolwise-report-")), "report.html");
  await writeChart(file, validationReport(result));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  try {
    const page = await browser.newPage();
    const requests: string[] = [];
    const troubles: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
    page.on("pageerror", (error) => troubles.push(String(error)));
    await page.goto(pathToFileURL(file).href);
    expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([pathToFileURL(file).href]);
    expect(troubles).toEqual([]);
    expect(await page.title()).toContain("tour <b>&amp;");
    const text = (await page.textContent("main")) ?? "";
    for (const part of ["Verdict: pass", "transaction 5", "4.60 ms", "210/s"])
      expect(text).toContain(part);
    expect(await page.locator("figure svg").count()).toBe(1);
  } finally {
    await browser.close();
  }
});
