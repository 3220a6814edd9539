/** The built notebooks, opened by double click: alone, without error, and with the simulator's own figures. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, type TestContext, test } from "vitest";
import { buildNotebooks } from "../../notebooks/build.ts";
import { browserThere, startBrowser } from "../../notebooks/chromium.ts";
import { firstTurnedAway, Scene } from "../../notebooks/lib/film.ts";
import { type Load, workloadOf } from "../../notebooks/lib/loads.ts";
import { score, step, summary } from "../../notebooks/lib/narration.ts";
import { configured, interval, studied } from "../../notebooks/lib/studying.ts";
import {
  loadOf,
  readFigures,
  readIni,
  secondsFor,
  yourWorkload,
} from "../../notebooks/lib/yours.ts";
import { RENDERED_FOLDER, renderedName, rendering, standing } from "../../notebooks/render.ts";
import { type Opened, openNotebook, settled } from "../../notebooks/visit.ts";
import { NOTEBOOKS } from "../../notebooks/vite.config.ts";
import { NIGHT } from "../../sim/report/night.ts";
import { digits, duration, durations, memory, percent } from "../../sim/report/units.ts";
import { film } from "../../sim/study/film.ts";
import type { Run } from "../../sim/study/results/index.ts";
import { curvePoint } from "../../sim/study/size/curve.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import { contents, nightColours, tooWide, unreachable } from "./browser.ts";
import { drawn } from "./drawn.ts";

const folder = mkdtempSync(join(tmpdir(), "poolwise-notebooks-"));
const fileOf = (name: string): string => join(folder, `${name}.html`);
let browser: Browser;

/** In ms, for what takes a minute by itself: building all pages, and looking at all of them at the same time. */
const [BUILD, SIDE_BY_SIDE] = [900_000, 900_000];

beforeAll(async () => {
  await buildNotebooks(folder);
  if (browserThere) browser = await startBrowser();
}, BUILD);

afterAll(async () => {
  if (browserThere) await browser.close();
  rmSync(folder, { recursive: true });
});

test.each(NOTEBOOKS)(
  "%s is one file below 2 MB that names nothing outside to be loaded",
  (name) => {
    const file = join(folder, name);
    expect(statSync(file).size).toBeLessThan(2e6);
    const text = readFileSync(file, "utf8");
    expect(text).toContain("default-src 'none'");
    expect(text).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)="?https?:/);
    expect(text).not.toMatch(/@import\s*(?:url\()?["']?https?:/);
  },
);

const LESSONS = NOTEBOOKS.filter((name) => name !== "index.html").map((name) =>
  basename(name, ".html"),
);
const visited = new Set<string>();

/**
 * Pages are opened side by side in one browser: most of a test is waiting for the page's own simulation.
 * Their tests use the `expect` that they are given, which knows whose it is.
 */
const visit = (name: string, look: (context: TestContext) => Promise<void>): void =>
  test.concurrent.skipIf(!browserThere)(name, look, SIDE_BY_SIDE);

/** What is kept of the page, figures and pictures, is what it shows now; else: npm run notebooks:render. */
async function isPrinted(page: Page, name: string): Promise<void> {
  const kept = (file: string): string => readFileSync(join(RENDERED_FOLDER, file), "utf8");
  const pictures: [string, string][] = [];
  const text = await rendering(page, name, (svg, file) => pictures.push([file, standing(svg)]));
  expect(text).toBe(kept(renderedName(name)));
  for (const [file, svg] of pictures) expect(drawn(svg), file).toEqual(drawn(kept(file)));
}

/** `#e6e9ee` as a browser says it. */
const asShown = (colour: string): string =>
  `rgb(${[1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16)).join(", ")})`;

/**
 * Opens a lesson; all its inputs and pictures have names, its answers are folded away, nothing failed, Tab leads
 * everywhere, it fits a telephone, and it is dark where the reader's screen is.
 */
async function lesson(name: string): Promise<Opened> {
  visited.add(name);
  const opened = await openNotebook(browser, fileOf(name));
  const { inputs, pictures, ...found } = await contents(opened.page);
  expect(found).toEqual({ failed: [], nameless: 0, mute: 0, answers: 1, start: 1 });
  expect(Math.min(inputs, pictures)).toBeGreaterThan(0);
  await isPrinted(opened.page, `${name}.html`);
  expect(await unreachable(opened.page)).toEqual([]);
  expect(await tooWide(opened.page)).toBe(0);
  const night = [NIGHT.paper, NIGHT.ink, NIGHT.ink];
  expect(await nightColours(opened.page)).toEqual(night.map(asShown));
  return opened;
}

visit("the start page leads to every notebook", async ({ expect }) => {
  const { page, troubles } = await openNotebook(browser, fileOf("index"));
  const links = await page
    .locator("main ol a")
    .evaluateAll((all) => all.map((link) => link.getAttribute("href")));
  expect(links.map((link) => basename(link ?? "", ".html")).sort()).toEqual(LESSONS);
  await isPrinted(page, "index.html");
  expect(troubles).toEqual([]);
  await page.close();
});

/** A row of the table of a curve, as the notebooks write it. */
const rowOf = (run: Run, mark = ""): string =>
  [
    String(run.pool_size) + mark,
    ...[duration(run.wait_ms.mean), duration(run.wait_ms.p99)],
    interval(curvePoint(run.pool_size, run)),
    digits(run.throughput_tps),
    percent(run.utilization),
  ].join("\t");

visit("pool-size shows the simulator's figures, and its sliders react", async ({ expect }) => {
  const { page, troubles } = await lesson("pool-size");
  const load = (count: number): Load => ({
    name: "my-load",
    kinds: [{ name: "clients", count, think_ms: 1000, service_ms: 50 }],
    pool_size: 1,
    wait_p99_ms: 20,
    seconds: 30,
  });
  const rows = page.locator("tbody tr");
  const first = await studied(configured(workloadOf(load(200)), 12));
  expect(await rows.allInnerTexts()).toContain(rowOf(first));
  const before = await page.getByText(/Answer: default_pool_size/).innerText();
  await page.getByLabel("Clients", { exact: true }).fill("100");
  await expect.poll(() => page.locator("main").innerText()).toContain("100 clients, each");
  await settled(page);
  const second = await studied(configured(workloadOf(load(100)), 8));
  await expect.poll(() => rows.allInnerTexts()).toContain(rowOf(second));
  expect(await page.getByText(/Answer: default_pool_size/).innerText()).not.toBe(before);
  expect(troubles).toEqual([]);
  await page.close();
});

visit("the eleventh client waits as in the simulator, step by step", async ({ expect }) => {
  const { page, troubles } = await lesson("eleventh-client");
  const kinds = [{ name: "staying", count: 11, think_ms: 1000, service_ms: 50 }];
  const load: Load = { name: "eleventh-client", kinds, pool_size: 10, seconds: 150 };
  const made = film(configured(workloadOf(load), 10, "session"), 150e9);
  const late = firstTurnedAway(made);
  const scene = new Scene(made);
  scene.advance((late?.from ?? 0) - 1);
  const words = step(scene).join(" ");
  expect(words).toMatch(/All 10 connections are taken: it waits, number 1 in the queue/);
  await page.getByRole("button", { name: `Client ${late?.client} asks` }).click();
  const panel = page.locator('[data-mode="session"]');
  expect(await panel.locator(".event").innerText()).toBe(words);
  expect(await panel.locator(".state").innerText()).toBe(summary(scene));
  expect(await panel.locator("svg").getAttribute("aria-label")).toBe(summary(scene));
  for (let i = 0; i < 5; i++) await page.getByRole("button", { name: "Step" }).press("Enter");
  const clients = page.getByLabel("Clients", { exact: true });
  await clients.press("ArrowLeft");
  await expect.poll(() => page.locator("main").innerText()).toContain("With 10 clients nobody is");
  await clients.press("ArrowRight");
  await expect.poll(() => page.locator("figure svg").count()).toBe(2);
  expect(await page.locator("tbody").innerText()).toContain("2.00 min");
  expect(troubles).toEqual([]);
  await page.close();
});

visit(
  "two thousand clients: the film counts as the simulator does, and plays",
  async ({ expect }) => {
    const { page, troubles } = await lesson("twenty-connections");
    const kind = {
      name: "clients",
      count: 2000,
      think_ms: 10_000,
      service_ms: 25,
      statements: 2,
      gap_ms: 20,
    };
    const settings = { query_wait_timeout: 0 };
    const load: Load = {
      name: "twenty-connections",
      kinds: [kind],
      pool_size: 20,
      settings,
      seconds: 60,
    };
    await page.getByLabel("moment of the film").fill("1000");
    for (const mode of ["session", "transaction", "statement"] as const) {
      const scene = new Scene(film(configured(workloadOf(load), 20, mode), 5e9));
      scene.advance(5e9);
      const panel = page.locator(`[data-mode="${mode}"]`);
      expect(await panel.locator(".state").innerText()).toBe(summary(scene));
      expect(await panel.locator(".score").innerText()).toBe(score(scene));
    }
    await page.getByRole("button", { name: "Back to start" }).click();
    await page.getByRole("button", { name: "Play" }).click();
    const moment = page.locator(".player-bar output");
    await expect.poll(() => moment.innerText()).not.toBe("0 ms");
    await page.getByRole("button", { name: "Pause" }).click();
    const paused = await moment.innerText();
    await page.getByRole("button", { name: "Step" }).click();
    expect(await moment.innerText()).not.toBe("0 ms");
    expect(paused).toMatch(/^[\d.]+ (us|ms|s)$/);
    expect(troubles).toEqual([]);
    await page.close();
  },
);

visit("a prediction is shown beside the same run on an ideal machine", async ({ expect }) => {
  const { page, troubles } = await lesson("predictions");
  const ideal = page.locator("table", { hasText: "ideal machine" }).locator("tbody tr");
  await page.getByLabel("Configuration").selectOption("session mode, 16 connections");
  await expect
    .poll(() => page.locator("caption").allInnerTexts())
    .toContain("session mode, 16 connections");
  const run = await studied(configured(loadWorkload("workloads/tour.yaml"), 16, "session"));
  const rate = (await ideal.last().innerText()).split("\t");
  expect(rate[1]).toBe(digits(run.throughput_tps));
  expect(await page.getByText(/configurations hold in every figure/).innerText()).toMatch(
    /^\d of 9/,
  );
  expect(troubles).toEqual([]);
  await page.close();
});

visit("the API beside slow workers waits as in the simulator", async ({ expect }) => {
  const { page, troubles } = await lesson("slow-worker");
  const load: Load = {
    name: "slow-worker",
    kinds: [
      { name: "api", count: 150, think_ms: 1000, service_ms: 40 },
      { name: "workers", count: 2, think_ms: 5000, service_ms: 60_000 },
    ],
    pool_size: 10,
    settings: { query_wait_timeout: 0 },
    seconds: 120,
  };
  const wait = (await studied(workloadOf(load))).clients.api?.wait_ms;
  const row = ["2", "8", ...durations([wait?.mean ?? 0, wait?.p99 ?? 0])].join("\t");
  expect(await page.locator("tbody tr").allInnerTexts()).toContain(row);
  await page.getByLabel(/^idle_transaction_timeout/).fill("5");
  await expect
    .poll(() => page.locator("tbody tr").allInnerTexts())
    .toContainEqual(expect.stringMatching(/^5 s\t/));
  expect(troubles).toEqual([]);
  await page.close();
});

visit(
  "a bigger pool is slower by the simulator's figures, and less so without contention",
  async ({ expect }) => {
    const { page, troubles } = await lesson("bigger-is-worse");
    const load = (kappa: number): Load => ({
      name: "bigger-is-worse",
      kinds: [{ name: "clients", count: 400, think_ms: 500, service_ms: 20 }],
      pool_size: 200,
      settings: { query_wait_timeout: 0 },
      server: { cores: 8, kappa },
      seconds: 10,
    });
    const row = ({ wait_ms: wait, response_ms: response, ...run }: Run): string =>
      [
        ...[String(run.pool_size), digits(run.throughput_tps)],
        ...durations([wait.mean, response.mean, response.p99]),
        ...[`${digits(run.cores?.stretch ?? 0)} x`, digits(run.cores?.mean ?? 0)],
        memory(run.memory_mb),
      ].join("\t");
    const rows = page.locator("tbody tr");
    expect(await rows.last().innerText()).toBe(row(await studied(workloadOf(load(0.002)))));
    await page.getByLabel(/kappa/).fill("0");
    const flat = row(await studied(workloadOf(load(0))));
    await expect.poll(() => rows.allInnerTexts()).toContain(flat);
    expect(troubles).toEqual([]);
    await page.close();
  },
);

visit("both waits are the simulator's, and one half moves into the other", async ({ expect }) => {
  const { page, troubles } = await lesson("two-queues");
  const load = (size: number): Load => ({
    name: "two-queues",
    kinds: [
      {
        ...{ name: "users", count: 440, think_ms: 1000, service_ms: 25 },
        app_pool: { instances: 8, size },
      },
    ],
    pool_size: 12,
    settings: { query_wait_timeout: 0 },
    seconds: 10,
  });
  const rows = await page.locator("tbody tr").allInnerTexts();
  for (const each of [3, 50]) {
    const run = await studied(workloadOf(load(each)));
    const [app, pooler] = [run.app_wait_ms?.mean ?? 0, run.wait_ms.mean];
    const row = [
      ...[String(each), String(8 * each)],
      ...durations([app, pooler, app + pooler, run.response_ms.p99]),
      digits(run.throughput_tps),
    ];
    expect(rows).toContain(row.join("\t"));
  }
  expect(troubles).toEqual([]);
  await page.close();
});

visit("your own settings and figures are read, and what is wrong is said", async ({ expect }) => {
  const { page, troubles } = await lesson("your-turn");
  const ini = page.getByLabel(/^pgbouncer.ini/);
  const text = await ini.inputValue();
  const settings = readIni(text).value;
  const measured = readFigures(await page.getByLabel(/^Figures/).inputValue()).value;
  if (settings === undefined || measured === undefined) throw new Error("the example is refused");
  const load = loadOf(measured, "as chance has it", 20, secondsFor(measured));
  const run = await studied(configured(yourWorkload(load, settings), 20));
  await expect.poll(() => page.locator("tbody tr").allInnerTexts()).toContain(rowOf(run, " (now)"));
  await ini.fill(text.replace("transaction", "trans"));
  await ini.press("Control+Enter");
  await expect
    .poll(() => page.getByRole("alert").innerText())
    .toMatch(/pgbouncer\.ini:7: pool_mode is "trans"; expected session/);
  expect(troubles).toEqual([]);
  await page.close();
});

test.skipIf(!browserThere)("every lesson has a test of its own above", () => {
  expect([...visited].sort()).toEqual(LESSONS);
});
