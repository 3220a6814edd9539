/**
 * Stands in for `node:fs` and `node:path` in a page: the only files are those that it was given, and whoever
 * asks for another is told.
 */

let given: Readonly<Record<string, string>> = {};

/** From now on these are the files, by their path. */
export function give(files: Readonly<Record<string, string>>): void {
  given = files;
}

/** Errors: when the page was not given the file; readers of workloads turn it into their own error. */
export function readFileSync(path: string): string {
  const text = given[path];
  if (text === undefined) throw new Error(`a page has no files: ${path}`);
  return text;
}

export const dirname = (path: string): string => path.replace(/\/?[^/]*$/, "");

/** Parts of a path put together, `.` and `..` taken out; a part that begins with a root is the first. */
export function resolve(...parts: readonly string[]): string {
  const first = parts.findLastIndex(isAbsolute);
  const kept: string[] = [];
  for (const name of parts.slice(Math.max(0, first)).join("/").split("/"))
    if (name === "..") kept.pop();
    else if (name !== "." && (name !== "" || kept.length === 0)) kept.push(name);
  return kept.join("/");
}

export const join = (...parts: readonly string[]): string => parts.join("/");

/** `/home` and `C:/home`. */
export function isAbsolute(path: string): boolean {
  return /^([A-Za-z]:)?\//.test(path);
}
