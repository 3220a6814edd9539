/**
 * How a notebook becomes a page: Observable Notebook Kit's Vite plugin, kept from the network. As shipped
 * the kit is a product of a CDN: its standard library imports from there. Here a cell may use what
 * `lib/stdlib.ts` offers and what it imports itself, and an import from anywhere else ends the build.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { observable } from "@observablehq/notebook-kit/vite";
import { defineConfig, type Plugin, type UserConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Folder of the notebooks. */
export const FOLDER = here("./");

/** Names of all notebooks, the start page included. */
export const NOTEBOOKS = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".html"))
  .sort();

/** Where the kit's own modules are: pages name them `observable:`. */
const KIT = fileURLToPath(new URL("..", import.meta.resolve("@observablehq/notebook-kit/vite")));

const REMOTE = /^(?:https?:|npm:|jsr:)/;
const NOWHERE = "\0nowhere:";
/** What stands in a page for what only a program has. */
const STAND_INS: Readonly<Record<string, string>> = {
  "node:fs": "./lib/files.ts",
  "node:path": "./lib/files.ts",
  "node:net": "./lib/no-network.ts",
  "cli-table3": "./lib/no-terminal.ts",
};

function offline(): Plugin {
  return {
    name: "poolwise-offline",
    enforce: "pre",
    resolveId(source, importer) {
      const kit = importer?.includes("notebook-kit") ?? false;
      if (kit && source.endsWith("/recommendedLibraries.js")) return here("./lib/stdlib.ts");
      if (kit && source.endsWith("/sampleDatasets.js")) return `${NOWHERE}datasets`;
      const standIn = importer?.endsWith(".ts") ? STAND_INS[source] : undefined;
      if (standIn !== undefined) return here(standIn);
      if (!REMOTE.test(source)) return null;
      if (kit) return NOWHERE + source.replace(/^https?:\/\//, "");
      throw new Error(
        `remote import in a notebook: ${source}; install the package, import it by name`,
      );
    },
    load(id) {
      if (id === `${NOWHERE}datasets`) return "export {};";
      if (!id.startsWith(NOWHERE)) return null;
      const message = `not in a notebook: ${id.slice(NOWHERE.length)}`;
      return `throw new Error(${JSON.stringify(message)}); export default undefined;`;
    },
  };
}

/** The template's policy lets no request leave the page; the server to write with needs some. */
const unsealed = (template: string): string =>
  template.replace(/ *<meta http-equiv="Content-Security-Policy"[^>]*>\n/, "");

/** Packages behind the notebooks' own modules; unless named, the server finds them late and reloads. */
const USED = [
  "vega",
  "vega-lite",
  "yaml",
  "zod",
  "seedrandom",
  "simple-statistics",
  "fastest-levenshtein",
];

/** Without `only`: the server to write with. With it: one notebook as one file, written to `outDir`. */
export function notebookConfig(only?: string, outDir = here("../dist/notebooks")): UserConfig {
  return {
    base: "./",
    appType: "mpa",
    root: FOLDER,
    cacheDir: here("../node_modules/.vite/notebooks"),
    resolve: { alias: [{ find: /^observable:(.*)$/, replacement: `${KIT}$1` }] },
    plugins: [
      offline(),
      observable({
        template: here("./lib/template.html"),
        transformTemplate: only === undefined ? unsealed : (template) => template,
      }),
      ...(only === undefined ? [] : [viteSingleFile()]),
    ],
    worker: { plugins: () => [offline()] },
    // The optimiser of the development server has plugins of its own.
    optimizeDeps: {
      rolldownOptions: { plugins: [offline()] },
      entries: ["*.html"],
      include: ["observable:runtime", ...USED],
    },
    server: { host: "127.0.0.1", port: 4110, fs: { allow: [here(".."), KIT] } },
    build: {
      outDir,
      emptyOutDir: false,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: only === undefined ? {} : { input: here(only) },
    },
  };
}

/** The page of `explore`: no notebook, but made of the same parts, and one file too. */
export function exploreConfig(outDir = here("../dist")): UserConfig {
  return {
    base: "./",
    root: FOLDER,
    plugins: [offline(), viteSingleFile()],
    worker: { plugins: () => [offline()] },
    build: {
      outDir,
      emptyOutDir: false,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: { input: here("./explore/index.html") },
    },
  };
}

export default defineConfig(notebookConfig());
