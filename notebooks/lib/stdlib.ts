/**
 * What a cell may use without an import, beside the kit's own `view` and `display`. Takes the place of
 * Notebook Kit's recommendedLibraries.js; a name that is not here does not exist in a cell.
 */

/** Markdown, which cells of that type are made of. */
export const md = (): Promise<unknown> =>
  // @ts-expect-error the kit's Vite configuration gives this name its meaning
  import("observable:runtime/stdlib/md.js").then((module: { md: unknown }) => module.md);
