/**
 * `npm run notebooks`, for whoever writes one: the page is there, and shows what has just been changed in the notebook
 * and in the simulator's sources. All of it happens in a copy, so that the tree stays as it is whatever becomes of the test.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { browserThere, startBrowser } from "../../notebooks/chromium.ts";
import { openPage } from "../../notebooks/visit.ts";

/** What the server reads. */
const PARTS = ["package.json", "tsconfig.json", "notebooks", "sim", "engine", "workloads"];

const folder = mkdtempSync(join(tmpdir(), "poolwise-server-"));
let server: ChildProcess | undefined;
let browser: Browser | undefined;

beforeAll(async () => {
  if (browserThere) browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  if (server?.exitCode === null && server.kill()) await once(server, "exit");
  await rm(folder, { recursive: true, force: true });
});

/** Copies the sources; packages are links, one each, for the server keeps files of its own beside them. */
function copy(): void {
  for (const part of PARTS) cpSync(part, join(folder, part), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  for (const name of readdirSync("node_modules").filter((each) => !each.startsWith(".")))
    symlinkSync(resolve("node_modules", name), join(folder, "node_modules", name));
}

/** Changes a source file of the copy. */
async function change(file: string, from: string, to: string): Promise<void> {
  const text = readFileSync(join(folder, file), "utf8");
  expect(text).toContain(from);
  await writeFile(join(folder, file), text.replace(from, to));
}

/** Runs the script of that name in the copy, on a free port; returns the address that it prints. In colour, as where `CI` is set. */
async function started(script: string): Promise<string> {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const [program, ...words] = `${scripts[script]} --port 0`.split(" ");
  const path = resolve("node_modules/.bin", program as string);
  const env = { ...process.env, FORCE_COLOR: "1" };
  server = spawn(process.execPath, [path, ...words], { cwd: folder, env });
  let said = "";
  for (const stream of [server.stdout, server.stderr])
    stream?.on("data", (chunk) => {
      said += chunk;
    });
  const address = (): string | undefined =>
    /http:\/\/127\.0\.0\.1:[1-9]\d*\//.exec(stripVTControlCharacters(said))?.[0];
  const running = server;
  const ready = (): unknown => address() ?? running.exitCode;
  await vi.waitUntil(() => ready() !== null, { timeout: 120_000 }).catch(() => {});
  return address() ?? expect.fail(`no address in what it said: ${said}`);
}

test.skipIf(!browserThere)(
  "a page shows what is changed in its notebook, and in the simulator, and asks nobody else",
  async () => {
    copy();
    const url = await started("notebooks");
    const own = new RegExp(`^(data|blob):|^(http|ws)${url.slice("http".length)}`);
    const { page, troubles } = await openPage(
      browser as Browser,
      `${url}eleventh-client.html`,
      own,
    );
    const main = page.locator("main");
    const shows = (words: string): Promise<void> =>
      expect.poll(() => main.textContent()).toContain(words);
    await shows("all is well");
    await shows("one lane for each; numbers");

    await change("notebooks/eleventh-client.html", "and all is well", "and all is changed");
    await shows("all is changed");
    await shows("one lane for each; numbers");

    const chart = "sim/report/charts/spans.ts";
    await change(chart, "one lane for each; numbers", "changed lanes; numbers");
    await shows("changed lanes; numbers");
    expect(troubles).toEqual([]);
  },
);
