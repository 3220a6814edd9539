/**
 * `npm run notebooks:render`: every notebook as it is when nobody has moved anything, as Markdown with
 * pictures, for readers on a code host. Needs Chromium, for a notebook runs in a browser only.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { buildNotebooks } from "./build.ts";
import { startBrowser } from "./chromium.ts";
import { slim } from "./lib/slim.ts";
import { markdownOf, type Tree } from "./markdown.ts";
import { openNotebook } from "./visit.ts";
import { NOTEBOOKS } from "./vite.config.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Where they are. */
export const RENDERED_FOLDER = here("printed");

/** File of a notebook there; the start page is what a code host shows of a folder. */
export const renderedName = (notebook: string): string =>
  notebook === "index.html" ? "README.md" : notebook.replace(/\.html$/, ".md");

const NOTE =
  "*What a page of [these notebooks](./README.md) shows before anything is moved. The page itself simulates in " +
  "your browser: `npm run notebooks:build` makes it, `dist/notebooks/index.html` opens it.*";

const START =
  "*The pages themselves simulate in your browser: `npm run notebooks:build` makes them, " +
  "`dist/notebooks/index.html` opens them. What is here shows them before anything is moved.*";

/**
 * The Markdown of a page as it is, with films at their end; `keep` is given each picture and its file's
 * name.
 */
export async function rendering(
  page: Page,
  name: string,
  keep: (svg: string, file: string) => void,
): Promise<string> {
  const film = page.getByLabel("moment of the film");
  for (const bar of await film.all()) await bar.fill((await bar.getAttribute("max")) ?? "0");
  let pictures = 0;
  const kept = (svg: string): string => {
    const file = `${basename(name, ".html")}-${++pictures}.svg`;
    keep(svg, file);
    return `./${file}`;
  };
  const markdown = markdownOf(await treeOf(page), kept);
  const [title = "", ...rest] = markdown.split("\n\n");
  const note = name === "index.html" ? START : NOTE;
  const text = [title, note, ...rest].join("\n\n").replaceAll(/(\n- .*)\n(?=\n- )/g, "$1");
  return `${text}\n`;
}

/** What the page consists of, taken out of the browser. */
async function treeOf(page: Page): Promise<Tree> {
  await page.evaluate("globalThis.__name ??= (named) => named"); // Left there by the loader.
  return page.evaluate(() => {
    const ATTRIBUTES = ["class", "href", "aria-label", "start"];
    const tree = (node: Node): Tree => {
      if (!(node instanceof Element)) return node.textContent ?? "";
      const kept = ATTRIBUTES.flatMap((name) => {
        const value = node.getAttribute(name);
        return value === null ? [] : [[name, value] as const];
      });
      const { value } = node as HTMLInputElement;
      const attributes = Object.fromEntries(
        value === undefined ? kept : [...kept, ["value", value]],
      );
      const tag = node.tagName.toLowerCase();
      if (tag !== "svg") return { tag, attributes, inside: [...node.childNodes].map(tree) };
      return { tag, attributes, inside: [], svg: new XMLSerializer().serializeToString(node) };
    };
    return tree(document.querySelector("main") as Element);
  });
}

/** A picture that needs no page around it: with the page's colours of the day, on white paper. */
export function standing(svg: string): string {
  const paper = '<rect width="100%" height="100%" fill="#fff"/>';
  const bare = svg.replace(/ style="[^"]*"/, "");
  const framed = /<svg[^>]* width=/.test(bare) ? bare : bare.replace("<svg", '<svg width="300"');
  const style = svg.includes("mark-group") ? "" : `<style>${panelStyle()}</style>`;
  return slim(framed.replace(/^(<svg[^>]*>)/, `$1${style}${paper}`));
}

/** The rules for pictures of films, out of the style sheet, with its colours put in. */
function panelStyle(): string {
  const sheet = readFileSync(here("./lib/style.css"), "utf8");
  const day = sheet.slice(0, sheet.indexOf("}"));
  const colours = new Map([...day.matchAll(/(--[\w-]+): ([^;]+);/g)].map((m) => [m[1], m[2]]));
  const rules = [...sheet.matchAll(/^(?:\.panel (?!h3|svg|p\b|\{|\.event)[^{]*)\{[^}]*\}/gm)].map(
    (m) => m[0],
  );
  return rules
    .join("")
    .replaceAll(/\.panel /g, "")
    .replaceAll(/var\((--[\w-]+)\)/g, (_, name: string) => colours.get(name) ?? "#000")
    .replaceAll(/\s+/g, " ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = mkdtempSync(join(tmpdir(), "poolwise-render-"));
  await buildNotebooks(built);
  rmSync(RENDERED_FOLDER, { recursive: true, force: true });
  mkdirSync(RENDERED_FOLDER, { recursive: true });
  const browser = await startBrowser();
  for (const name of NOTEBOOKS) {
    const { page, troubles } = await openNotebook(browser, join(built, name));
    if (troubles.length > 0) throw new Error(`${name}: ${troubles.join("; ")}`);
    const text = await rendering(page, name, (svg, file) =>
      writeFileSync(join(RENDERED_FOLDER, file), `${standing(svg)}\n`),
    );
    writeFileSync(join(RENDERED_FOLDER, renderedName(name)), text);
    await page.close();
    console.log(`notebooks/printed/${renderedName(name)}`);
  }
  await browser.close();
  rmSync(built, { recursive: true });
}
