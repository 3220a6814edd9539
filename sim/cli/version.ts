/** The version of this program, from its package.json. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** As in package.json, such as `0.1.0`; it lies two folders up in the sources, three in `dist`. */
export function version(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "package.json")) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return (manifest as { version: string }).version;
}
