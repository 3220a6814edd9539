/** Tables of a page. */
import { element } from "./dom.ts";

/** Rows under a head; the first column names the row, the others are figures. */
export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): HTMLElement {
  const align = (column: number): string => (column === 0 ? "" : "right");
  const names = head.map((text, i) => element("th", { scope: "col", class: align(i) }, text));
  const body = rows.map((row) => element("tr", {}, ...row.map((text, i) => cell(text, i))));
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

function cell(text: string, column: number): HTMLElement {
  return column === 0
    ? element("th", { scope: "row" }, text)
    : element("td", { class: "right" }, text);
}
