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

/** Opens a file as by double click, and waits until all of its simulations are done. */
export async function openNotebook(browser: Browser, file: string): Promise<Opened> {
  const page = await browser.newPage();
  const troubles: string[] = [];
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) troubles.push(`request: ${request.url()}`);
  });
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  await page.goto(pathToFileURL(file).href);
  await page.waitForFunction(() => {
    const main = document.querySelector("main");
    const cells = [...document.querySelectorAll(".observablehq--cell")];
    return main !== null && cells.length > 0 && document.querySelector("h1") !== null;
  });
  await settled(page);
  return { page, troubles };
}

/** Waits until nothing is being simulated. */
export async function settled(page: Page): Promise<void> {
  await page.waitForFunction(
    () => document.querySelectorAll('.background[data-state="running"]').length === 0,
  );
}
