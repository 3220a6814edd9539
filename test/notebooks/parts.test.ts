/** `npm run build` makes the page of `explore` anew when anything that it is made of has changed. */
import { readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { expect, test } from "vitest";
import { PARTS } from "../../notebooks/explore/build.ts";

/** What a source imports of the project, by its path from the root; `?worker` and the like are Vite's. */
function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  return [...text.matchAll(/(?:\bfrom|^import) "(\.[^"?]+)/gm)].map(([, path = ""]) =>
    normalize(join(file, "..", path)),
  );
}

/** Everything that `file` leads to, itself included. */
function reached(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found;
  found.add(file);
  if (file.endsWith(".ts")) for (const each of importsOf(file)) reached(each, found);
  return found;
}

test("all that the page imports is among the parts that are looked at", () => {
  const all = [...reached("notebooks/explore/main.ts")];
  expect(all).toContain("notebooks/explore/explore.worker.ts");
  expect(all).toContain("engine/show/stats.ts");
  const isPart = (file: string): boolean =>
    PARTS.some((part) => file === part || file.startsWith(`${part}/`));
  expect(all.filter((file) => !isPart(file))).toEqual([]);
});
