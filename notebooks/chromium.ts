/** A real browser, for whoever must see a page as a reader does: tests, and the pages in print. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

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
if (!browserThere) console.log(`skipped: whatever needs a browser, there is no ${CHROMIUM}`);

/** In ms: only a browser that does not start at all takes so long. */
const PATIENCE = 180_000;

/** Starts Chromium without a window. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ARGS, timeout: PATIENCE });
