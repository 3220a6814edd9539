/** `npm run notebooks:build`: every notebook as one HTML file that opens by double click. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { NOTEBOOKS, notebookConfig } from "./vite.config.ts";

/** Builds all notebooks into `outDir`; returns the files. */
export async function buildNotebooks(outDir: string): Promise<string[]> {
  for (const name of NOTEBOOKS)
    await build({ ...notebookConfig(name, outDir), configFile: false, logLevel: "warn" });
  return NOTEBOOKS.map((name) => join(outDir, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = fileURLToPath(new URL("../dist/notebooks", import.meta.url));
  for (const file of await buildNotebooks(out))
    console.log(`${file}  ${Math.round(statSync(file).size / 1000)} kB`);
}
