/** The static check finds what would break a notebook, with its line. */
import { expect, test } from "vitest";
import { checkNotebooks } from "../../notebooks/check.ts";

const notebook = (
  ...cells: readonly [type: "markdown" | "x-typescript", text: string][]
): string => `<!doctype html>
<notebook theme="air">
  <title>A test</title>
${cells.map(([type, text], i) => `  <script id="${i + 1}" type="text/${type}">\n    ${text}\n  </script>`).join("\n")}
</notebook>
`;
const markdown = (words: string, expression: string): string => `${words} $\{${expression}}`;
const IMPORT = [
  "x-typescript",
  'import { offered, type KindOfClient } from "./lib/loads.ts";',
] as const;
const KIND = [
  "x-typescript",
  'const kind: KindOfClient = { name: "k", count: 1, think_ms: 1, service_ms: 1 };',
] as const;

const cases = {
  sound: [
    notebook([...IMPORT], [...KIND], ["markdown", markdown("Work:", "offered([kind]).toFixed(1)")]),
    null,
  ],
  misspelt: [
    notebook([...IMPORT], [...KIND], ["markdown", markdown("Work:", "offred([kind])")]),
    "misspelt.html:11: Cannot find name 'offred'",
  ],
  mistyped: [
    notebook([...IMPORT], [...KIND], ["x-typescript", "const work: string = offered([kind]);"]),
    "mistyped.html:11: Type 'number' is not assignable to type 'string'",
  ],
  twice: [
    notebook(
      ["x-typescript", "const a = 1;"],
      ["x-typescript", "const a = 2;"],
      ["markdown", markdown("", "a")],
    ),
    "twice.html:5: Cannot redeclare block-scoped variable 'a'",
  ],
  early: [
    notebook(["markdown", markdown("", "late")], ["x-typescript", "const late = 1;"]),
    "early.html:5: Block-scoped variable 'late' used before its declaration",
  ],
  unused: [
    notebook([...IMPORT], [...KIND]),
    "unused.html:5: 'offered' is declared but its value is never read",
  ],
  absent: [
    notebook(
      ["x-typescript", 'import { x } from "./lib/nowhere.ts"; x'],
      ["markdown", markdown("", "x")],
    ),
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
