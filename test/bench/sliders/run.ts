/**
 * `npm run bench -- sliders`: by the clock, how soon each control of each built notebook and of the explorer is
 * answered. Tests hold the pages to counts of steps, which are the same everywhere; this says what a machine makes of
 * them. Some pages alone: `npx tsx test/bench/sliders/run.ts two-queues explore`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, CDPSession, Page } from "playwright-core";
import { build } from "vite";
import { browserThere, startBrowser } from "../../../notebooks/chromium.ts";
import { openNotebook, openPage } from "../../../notebooks/visit.ts";
import { NOTEBOOKS, notebookConfig } from "../../../notebooks/vite.config.ts";
import { CONTROLS, type Control, controlsOf } from "./controls.ts";
import { loop, type Move, move, plainSlider } from "./stopwatch.ts";

/** Workloads with which the explorer is measured: the smallest that is shipped, and one of the dearest. */
const EXPLORED = ["workloads/tour.yaml", "workloads/storefront.yaml"];
const EXPLORE = "explore";

const HEAD =
  "control                                     moves   answer          words         pictures        CPU         freeze";

const wanted = process.argv.slice(2);
const chosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

/** A move, and the CPU time of the page's main thread until all was done. */
type Measured = Move & { busy: number };

/** Measures whatever stands on an open page, and prints a line for each control. */
async function measured(page: Page, title: string): Promise<void> {
  await page.evaluate("globalThis.__name ??= (named) => named"); // Left there by the loader.
  const controls = await controlsOf(page);
  await plainSlider(page);
  const clock = await page.context().newCDPSession(page);
  await clock.send("Performance.enable", { timeDomain: "threadTicks" });
  say("", title, await baseline(page), HEAD);
  for (const control of controls) {
    const moves: Measured[] = [];
    for (const position of control.positions) {
      const before = await busy(clock);
      const made = await move(page, CONTROLS, control.index, position);
      moves.push({ ...made, busy: (await busy(clock)) - before });
    }
    say(line(control, moves));
  }
  say(await baseline(page));
}

/** CPU time of the page's main thread so far, in ms: what a busy machine does not change. */
async function busy(clock: CDPSession): Promise<number> {
  const { metrics } = await clock.send("Performance.getMetrics");
  return 1000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0);
}

async function baseline(page: Page): Promise<string> {
  const [best, worst] = await loop(page);
  const moves: Move[] = [];
  for (const value of ["10", "200", "500", "800", "30"])
    moves.push(await move(page, "#plain-slider", 0, value));
  const plain = span(moves.map(({ answer }) => answer));
  return `  baseline: a loop of 20 million steps ${ms(best)} to ${ms(worst)} ms; a slider that only says its number ${plain} ms`;
}

function line({ name }: Control, moves: readonly Measured[]): string {
  const columns = [
    ...[`${moves.length}`.padStart(5), span(moves.map(({ answer }) => answer))],
    ...[span(moves.map(({ words }) => words)), span(moves.map(({ pictures }) => pictures))],
    span(moves.map((each) => each.busy)),
    ms(Math.max(...moves.map(({ freeze }) => freeze))).padStart(6),
  ];
  const worker = moves.some((each) => each.worker) ? "  in a worker" : "";
  const late = moves.filter((each) => !each.over).length;
  const cut = late > 0 ? `, ${late} left at it` : "";
  return `  ${name.slice(0, 40).padEnd(41)} ${columns.join("  ")}${worker}${cut}`;
}

/** `  12 /   40`: the median and the worst. */
function span(times: readonly (number | undefined)[]): string {
  const known = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  if (known.length === 0) return "-".padStart(13);
  const median = known[Math.floor(known.length / 2)] as number;
  return `${ms(median).padStart(5)} / ${ms(known.at(-1) as number).padStart(5)}`;
}

const ms = (time: number): string => time.toFixed(0);

async function notebooks(browser: Browser): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "poolwise-sliders-"));
  try {
    for (const file of NOTEBOOKS.filter((each) => each !== "index.html")) {
      const name = basename(file, ".html");
      if (!chosen(name)) continue;
      await build({ ...notebookConfig(file, folder), configFile: false, logLevel: "error" });
      const { page } = await openNotebook(browser, join(folder, file));
      await measured(page, name);
      await page.close();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function explorer(browser: Browser, workload: string): Promise<void> {
  const args = ["dist/sim/cli/main.js", EXPLORE, workload, "--no-open"];
  const served = spawn(process.execPath, args);
  try {
    const url = String((await once(served.stdout, "data"))[0]).trim();
    const { page } = await openPage(browser, url, /./);
    await page.waitForSelector('.background[data-state="done"]');
    await measured(page, `${EXPLORE} ${workload}`);
    await page.close();
  } finally {
    served.kill();
  }
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

if (browserThere) {
  say("sliders: ms from the event until the change is painted, median / worst");
  const browser = await startBrowser();
  try {
    await notebooks(browser);
    if (chosen(EXPLORE)) for (const workload of EXPLORED) await explorer(browser, workload);
  } finally {
    await browser.close();
  }
}
