/** Notebooks as Markdown: every one has its rendering, of its own words, small enough to be kept. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Branch, markdownOf, type Tree } from "../../notebooks/markdown.ts";
import { RENDERED_FOLDER, renderedName } from "../../notebooks/render.ts";
import { FOLDER, NOTEBOOKS } from "../../notebooks/vite.config.ts";

const element = (tag: string, attributes: Record<string, string>, ...inside: Tree[]): Branch => ({
  ...{ tag, attributes, inside },
});
const markdown = (...inside: Tree[]): string =>
  markdownOf(element("main", {}, ...inside), (svg) => `./${svg}.svg`);

describe("an element as Markdown", () => {
  const item = (text: string): Branch => element("li", {}, text);
  const cell = (text: string, name = ""): Branch => element("td", { class: name }, text);
  const picture: Branch = { ...element("svg", { "aria-label": "a [curve]" }), svg: "file" };
  const label = element("label", {}, "Size");
  // name, element, Markdown
  const cases: [string, Tree, string][] = [
    ["heading", element("h2", {}, element("a", { href: "#x" }, "A < B")), "## A &lt; B"],
    [
      "paragraph",
      element("p", {}, "Take\n", element("strong", {}, "one"), " ", element("code", {}, "a*b")),
      "Take **one** `a*b`",
    ],
    ["link", element("p", {}, element("a", { href: "./index.html" }, "x")), "[x](./README.md)"],
    ["lesson", element("p", {}, element("a", { href: "./a-b.html" }, "x")), "[x](./a-b.md)"],
    ["list", element("ul", {}, item("a"), item("b")), "- a\n- b"],
    ["numbers", element("ol", { start: "4" }, item("a"), item("b")), "4. a\n5. b"],
    [
      "table",
      element(
        "table",
        {},
        element("caption", {}, "Waits"),
        element("tr", {}, cell("mode"), cell("ms", "right")),
        element("tr", {}, cell("a|b"), cell("3", "right")),
      ),
      "**Waits**\n\n| mode | ms |\n| --- | --: |\n| a\\|b | 3 |",
    ],
    ["picture", element("figure", {}, element("div", {}, picture)), "![a  curve ](./file.svg)"],
    ["code", element("pre", {}, "a *\n<b>\n"), "```\na *\n<b>\n```"],
    [
      "folded",
      element("details", {}, element("summary", {}, "Answers"), element("ol", {}, item("a"))),
      "<details><summary>Answers</summary>\n\n1. a\n\n</details>",
    ],
    ["said already", element("details", {}, element("summary", {}, "In words"), "curve"), ""],
    [
      "slider",
      element("div", { class: "control" }, label, element("output", {}, "5 ms")),
      "- Size: **5 ms**",
    ],
    [
      "choice",
      element("div", { class: "control" }, label, element("select", { value: "x" })),
      "- Size: **x**",
    ],
    [
      "text",
      element("div", { class: "control wide" }, label, element("textarea", { value: "a\n" })),
      "Size\n\n```\na\n```",
    ],
    ["bar", element("div", { class: "background" }, "simulating ..."), ""],
  ];
  for (const [name, tree, want] of cases)
    test(name, () => {
      expect(markdown(tree)).toBe(want);
    });
});

describe("the renderings that are kept", () => {
  const files = readdirSync(RENDERED_FOLDER);
  const kept = files.filter((name) => name.endsWith(".md"));

  test("are those of the notebooks, with the pictures that they name, and small", () => {
    expect(kept.sort()).toEqual(NOTEBOOKS.map(renderedName).sort());
    const texts = kept.map((name) => readFileSync(join(RENDERED_FOLDER, name), "utf8"));
    const named = texts.flatMap((text) => [...text.matchAll(/\]\(\.\/([^)]+)\)/g)]);
    const referred = new Set([...named.map((match) => match[1] as string), "README.md"]);
    expect([...referred].sort()).toEqual(files.sort());
    const sizes = files.map((name) => statSync(join(RENDERED_FOLDER, name)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(600_000);
  });

  test.each(NOTEBOOKS.filter((name) => name !== "index.html"))(
    "%s asks one question, says what to look at, what to try and what was to be seen, in short paragraphs",
    (name) => {
      const text = readFileSync(join(RENDERED_FOLDER, renderedName(name)), "utf8");
      expect(text.match(/^# /gm)).toHaveLength(1);
      expect(text.indexOf("**Look at**")).toBeGreaterThan(0);
      expect(text.indexOf("## Try it")).toBeGreaterThan(text.indexOf("**Look at**"));
      expect(text.indexOf("## What was to be seen")).toBeGreaterThan(text.indexOf("## Try it"));
      const prose = text.split("\n\n").filter((block) => !/^(?:!\[|\||```|<)/.test(block));
      const items = prose.flatMap((block) => block.split(/\n(?=- |\d\. )/));
      for (const part of items) expect(part.split(/\s+/).length, part).toBeLessThan(75);
      // No chart without a word about it before.
      const [before = ""] = text.split(/^!\[Line|^!\[Stacked|^!\[Timeline|^!\[Bar/m);
      expect(before).toContain("**Look at**");
    },
  );

  test.each(NOTEBOOKS)("%s is told in its own words: npm run notebooks:render", (name) => {
    const source = readFileSync(join(FOLDER, name), "utf8");
    const text = readFileSync(join(RENDERED_FOLDER, renderedName(name)), "utf8");
    // Typography and line ends are the page's; words are the notebook's.
    const words = (from: string): string => from.replaceAll(/[^a-z0-9]+/gi, " ");
    const told = words(text);
    const cells = [...source.matchAll(/type="text\/markdown">\n([\s\S]*?)\n {2}<\/script>/g)];
    const still = cells
      .flatMap(([, cell = ""]) => cell.split(/\n\s*\n|\n\s*(?=[-\d#])/))
      .filter((part) => !/[${}<\]`]/.test(part));
    expect(still.length).toBeGreaterThan(3);
    for (const part of still) expect(told).toContain(words(part).replace(/^ (\d+ )?| $/g, ""));
  });
});
