/** Built pages in a browser that writes down whatever they should not do. */
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";

/** An open page, and what has gone wrong in it so far. */
export interface Opened {
  page: Page;
  troubles: string[];
}

/** How long a page may take for anything: its simulations are the machine's affair. */
const PATIENCE_MS = 240_000;

/** Opens an address and writes down every request that is not `expected`, and every error. */
export async function openPage(browser: Browser, url: string, expected: RegExp): Promise<Opened> {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
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

/** Opens a file as by double click. */
export const openFile = (browser: Browser, file: string): Promise<Opened> =>
  openPage(browser, pathToFileURL(file).href, /^(file|data|blob):/);

/** Opens a notebook as by double click, and waits until all of its simulations are done. */
export async function openNotebook(browser: Browser, file: string): Promise<Opened> {
  const opened = await openFile(browser, file);
  const { page } = opened;
  await page.waitForFunction(() => {
    const main = document.querySelector("main");
    const cells = [...document.querySelectorAll(".observablehq--cell")];
    return main !== null && cells.length > 0 && document.querySelector("h1") !== null;
  });
  await settled(page);
  return opened;
}

/** Waits until nothing is being simulated or drawn. */
export async function settled(page: Page): Promise<void> {
  await still(page);
  // What the last answer changes is computed in the frame after it.
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
  await still(page);
}

const still = (page: Page): Promise<unknown> =>
  page.waitForFunction(
    () =>
      document.querySelectorAll('.background[data-state="running"]').length === 0 &&
      (document.documentElement.dataset.drawing ?? "0") === "0",
  );
