/** Built notebooks in a real browser that writes down whatever they should not do. */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/** False: there is no browser, and whoever needs one must skip and say so. */
export const browserThere = existsSync(CHROMIUM);
if (!browserThere) console.log(`skipped: notebooks in a browser, there is no ${CHROMIUM}`);

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ARGS });

/** An open notebook, and what has gone wrong in it so far. */
export interface Opened {
  page: Page;
  troubles: string[];
}

/** Opens an address and writes down every request that is not `expected`, and every error. */
export async function openPage(browser: Browser, url: string, expected: RegExp): Promise<Opened> {
  const page = await browser.newPage();
  const troubles: string[] = [];
  page.on("request", (request) => {
    if (!expected.test(request.url())) troubles.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  await page.goto(url);
  return { page, troubles };
}

/** Opens a file as by double click, and waits until all of its simulations are done. */
export async function openNotebook(browser: Browser, file: string): Promise<Opened> {
  const opened = await openPage(browser, pathToFileURL(file).href, /^(file|data|blob):/);
  const { page } = opened;
  await page.waitForFunction(() => {
    const main = document.querySelector("main");
    const cells = [...document.querySelectorAll(".observablehq--cell")];
    return main !== null && cells.length > 0 && document.querySelector("h1") !== null;
  });
  await settled(page);
  return opened;
}

/** Waits until nothing is being simulated. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelectorAll('.background[data-state="running"]').length === 0,
  );
}

/** What a page holds, counted. */
export interface Contents {
  /** Messages of cells that failed. */
  failed: (string | null)[];
  inputs: number;
  /** Inputs without a label. */
  nameless: number;
  pictures: number;
  /** Pictures without a text alternative. */
  mute: number;
  /** Places where answers are folded away. */
  answers: number;
  /** Ways back to the start page. */
  start: number;
}

/** Counts what readers with and without eyes find in a page. */
export function contents(page: Page): Promise<Contents> {
  return page.evaluate(() => {
    const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
    const named = (input: Element): boolean =>
      input.hasAttribute("aria-label") || (input as HTMLInputElement).labels?.length === 1;
    const closed = (summary: Element): boolean =>
      summary.textContent?.startsWith("Answers") === true &&
      summary.parentElement?.hasAttribute("open") === false;
    return {
      failed: all(".observablehq--error").map((error) => error.textContent),
      inputs: all("input, select, textarea").length,
      nameless: all("input, select, textarea").filter((input) => !named(input)).length,
      pictures: all("svg[role=img]").length,
      mute: all("svg[role=img]").filter((svg) => !svg.getAttribute("aria-label")).length,
      answers: all("summary").filter(closed).length,
      start: all('a[href="./index.html"]').length,
    };
  });
}
