/** Stands in for `node:fs` and `node:path` in a page: there are no files, and whoever asks for one is told. */

/** Errors: always; the readers of workloads and settings turn it into their own error. */
export function readFileSync(path: string): never {
  throw new Error(`a page has no files: ${path}`);
}

export const dirname = (path: string): string => path.replace(/\/?[^/]*$/, "");

export const resolve = (...parts: readonly string[]): string => parts.join("/");

export const join = (...parts: readonly string[]): string => resolve(...parts);

export const isAbsolute = (path: string): boolean => path.startsWith("/");
