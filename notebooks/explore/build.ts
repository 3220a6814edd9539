/** Part of `npm run build`: the page of `poolwise explore`, when something of it has changed. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Folders and files that the page is made of; a page that is older than any of them is built anew. */
export const PARTS: readonly string[] = [
  ...["engine/core", "engine/config", "engine/show", "engine/wire"],
  ...["sim/kernel", "sim/model", "sim/study", "sim/report"],
  ...["workloads/schema", "notebooks/lib", "notebooks/explore"],
  ...["notebooks/vite.config.ts", "package.json"],
];

function newest(path: string): number {
  const found = statSync(path);
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Whether the page is as old as its parts at least. */
function upToDate(page: string): boolean {
  if (!existsSync(page)) return false;
  return PARTS.every((part) => newest(join(ROOT, part)) < statSync(page).mtimeMs);
}

/** Builds the page into `outDir`, as `explore/index.html`. Vite is loaded only then: it takes a second. */
async function buildExplorer(outDir: string): Promise<void> {
  const [{ build }, { exploreConfig }] = await Promise.all([
    import("vite"),
    import("../vite.config.ts"),
  ]);
  await build({ ...exploreConfig(outDir), configFile: false, logLevel: "warn" });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = join(ROOT, "dist");
  if (!upToDate(join(out, "explore/index.html"))) await buildExplorer(out);
}
