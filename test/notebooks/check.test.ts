/** The static check finds what would break a notebook, with its line. */
import { expect, test } from "vitest";
import { checkNotebooks } from "../../notebooks/check.ts";

const notebook = (
  ...cells: readonly (readonly [type: "markdown" | "x-typescript", text: string])[]
): string => `<!doctype html>
<notebook theme="air">
  <title>A test</title>
${cells.map(([type, text], i) => `  <script id="${i + 1}" type="text/${type}">\n    ${text}\n  </script>`).join("\n")}
</notebook>
`;
const markdown = (words: string, expression: string): string => `${words} $\{${expression}}`;
const IMPORT = ["x-typescript", 'import { slider } from "./lib/inputs.ts";'] as const;
const SIZE = [
  "x-typescript",
  'const size = view(slider("Size", { min: 1, max: 9, value: 3 }));',
] as const;

const cases = {
  sound: [notebook(IMPORT, SIZE, ["markdown", markdown("Size:", "size.toFixed(1)")]), null],
  misspelt: [
    notebook(IMPORT, SIZE, ["markdown", markdown("Size:", "siz")]),
    "misspelt.html:11: Cannot find name 'siz'",
  ],
  mistyped: [
    notebook(IMPORT, SIZE, ["x-typescript", "const text: string = size;"]),
    "mistyped.html:11: Type 'number' is not assignable to type 'string'",
  ],
  twice: [
    notebook(["x-typescript", "const a = 1;"], ["x-typescript", "const a = 2;"]),
    "twice.html:5: Cannot redeclare block-scoped variable 'a'",
  ],
  early: [
    notebook(["markdown", markdown("", "late")], ["x-typescript", "const late = 1;"]),
    "early.html:5: Block-scoped variable 'late' used before its declaration",
  ],
  unused: [notebook(IMPORT), "unused.html:5: 'slider' is declared but its value is never read"],
  absent: [
    notebook(["x-typescript", 'import { x } from "./lib/nowhere.ts"; x']),
    "absent.html:5: Cannot find module './lib/nowhere.ts'",
  ],
  broken: [notebook(["x-typescript", "const = 3;"]), "broken.html:5: "],
  odd: [
    notebook(["markdown", "fine"]).replace("  <script", "<script"),
    "odd.html: 1 script elements, 0 cells of our form",
  ],
} as const;

test("each mistake is found where it stands, and a sound notebook has none", () => {
  const texts = Object.entries(cases).map(([name, [text]]) => [`${name}.html`, text]);
  const problems = checkNotebooks(Object.fromEntries(texts));
  for (const [name, [, want]] of Object.entries(cases)) {
    const own = problems.filter((problem) => problem.startsWith(`${name}.html`));
    if (want === null) expect(own).toEqual([]);
    else expect(own.join("\n")).toContain(want);
  }
});
