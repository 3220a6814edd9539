/** Tables of a page. */
import { element } from "./dom.ts";

type Align = "left" | "right";

/** Rows under a head; the first column names the row, the others are figures unless told otherwise. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligns?: readonly Align[],
): HTMLElement {
  const align = (column: number): string =>
    (aligns?.[column] ?? (column === 0 ? "left" : "right")) === "right" ? "right" : "";
  const names = head.map((text, i) => element("th", { scope: "col", class: align(i) }, text));
  const body = rows.map((row) =>
    element("tr", {}, ...row.map((text, i) => cell(text, i, align(i)))),
  );
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element("thead", {}, element("tr", {}, ...names)),
      element("tbody", {}, ...body),
    ),
  );
}

function cell(text: string, column: number, align: string): HTMLElement {
  return column === 0
    ? element("th", { scope: "row", class: align }, text)
    : element("td", { class: align }, text);
}
