/**
 * The figures in HTML reports, read off the page in a browser, are those of the simulator: of the same study made
 * here, and for `validate` of a recording of a real one.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserThere, startBrowser } from "../../notebooks/chromium.ts";
import { openFile } from "../../notebooks/visit.ts";
import { writeChart } from "../../sim/report/chart-file.ts";
import { digits, duration } from "../../sim/report/units.ts";
import { validationReport } from "../../sim/report/validation.ts";
import { compareModes } from "../../sim/study/compare.ts";
import type { Result, Run } from "../../sim/study/results/index.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import { inThisProcess } from "../cli/poolwise.ts";

const TOUR = "workloads/tour.yaml";
const FEW = ["--replications", "4", "--duration", "10 s", "--workers", "0", "--quiet"];
const folder = mkdtempSync(join(tmpdir(), "poolwise-figures-"));
let browser: Browser;
beforeAll(async () => {
  if (browserThere) browser = await startBrowser();
});
afterAll(async () => {
  if (browserThere) await browser.close();
  rmSync(folder, { recursive: true });
});

/** Opens a report; nothing but the file itself may be asked for. */
async function opened(file: string): Promise<Page> {
  const { page, troubles } = await openFile(browser, file);
  expect(troubles).toEqual([]);
  return page;
}

/** The cells of a row, by how it begins. */
const row = (page: Page, first: string): Promise<string[]> =>
  page
    .locator("tr", { has: page.locator("th", { hasText: first }) })
    .first()
    .locator("td")
    .allInnerTexts();

const without = (run: Run): Partial<Run> => ({ ...run, wall_s: 0, settings: {} });

test.skipIf(!browserThere)("compare: every mode as simulated here", async () => {
  const file = join(folder, "compare.html");
  const { stdout } = await inThisProcess(["compare", TOUR, ...FEW, "--json", "--chart", file]);
  const workload = loadWorkload(TOUR, { duration: "10 s" });
  const { runs } = await compareModes(workload, { replications: 4 });
  const page = await opened(file);
  const inside = JSON.parse((await page.locator("script#result").textContent()) ?? "") as Result;
  expect(inside).toEqual(JSON.parse(stdout));
  expect(inside.runs.map(without)).toEqual(JSON.parse(JSON.stringify(runs.map(without))));
  const shown = await row(page, "throughput");
  expect(shown.slice(0, 3)).toEqual(runs.map((run) => `${digits(run.throughput_tps)}/s`));
  await page.close();
});

test.skipIf(!browserThere)("size: every point of the curve as the result has it", async () => {
  const file = join(folder, "size.html");
  const { stdout } = await inThisProcess(["size", TOUR, ...FEW, "--json", "--chart", file]);
  const result = JSON.parse(stdout) as Result;
  const page = await opened(file);
  const rows = await page.locator("table").first().locator("tbody tr").allInnerTexts();
  const curve = result.curve ?? [];
  expect(rows).toHaveLength(curve.length);
  curve.forEach(({ pool_size, throughput_tps }, i) => {
    expect(rows[i]).toMatch(new RegExp(`^${pool_size}\\t`));
    expect(rows[i]).toContain(`${digits(throughput_tps)}/s`);
  });
  // One point of it, simulated alone.
  const middle = curve[Math.floor(curve.length / 2)];
  const one = await inThisProcess([
    ...["simulate", TOUR, ...FEW, "--json", "--pool-size", `${middle?.pool_size}`],
  ]);
  expect((JSON.parse(one.stdout) as Result).runs[0]?.throughput_tps).toBe(middle?.throughput_tps);
  await page.close();
});

test.skipIf(!browserThere)("validate: every configuration of a recorded run", async () => {
  const recorded = JSON.parse(readFileSync("notebooks/data/tour.json", "utf8")) as Result;
  const file = join(folder, "validate.html");
  await writeChart(file, validationReport(recorded));
  const page = await opened(file);
  const rows = await page.locator("table").first().locator("tbody tr").allInnerTexts();
  for (const { pool_mode, pool_size, predicted, live } of recorded.validations ?? []) {
    const found = rows.filter((text) => text.startsWith(`${pool_mode} ${pool_size}\t`));
    const [wait, measured] = [predicted["wait_ms.mean"] ?? 0, live["wait_ms.mean"] ?? 0];
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`wait mean\t${duration(wait)}\t${duration(measured)}\t`);
  }
  expect(await page.locator("figure svg[role=img]").count()).toBe(9);
  await page.close();
});
