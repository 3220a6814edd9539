/** What readers with and without eyes find in a page, counted. */
import type { Page } from "playwright-core";

/** What a page holds, counted. */
export interface Contents {
  /** Messages of cells that failed. */
  failed: (string | null)[];
  inputs: number;
  /** Inputs without a label. */
  nameless: number;
  pictures: number;
  /** Pictures without a text alternative. */
  mute: number;
  /** Places where answers are folded away. */
  answers: number;
  /** Ways back to the start page. */
  start: number;
}

/** Counts what readers with and without eyes find in a page. */
export function contents(page: Page): Promise<Contents> {
  return page.evaluate(() => {
    const all = (selector: string): Element[] => [...document.querySelectorAll(selector)];
    const named = (input: Element): boolean =>
      input.hasAttribute("aria-label") || (input as HTMLInputElement).labels?.length === 1;
    const closed = (summary: Element): boolean =>
      summary.textContent?.startsWith("Answers") === true &&
      summary.parentElement?.hasAttribute("open") === false;
    return {
      failed: all(".observablehq--error").map((error) => error.textContent),
      inputs: all("input, select, textarea").length,
      nameless: all("input, select, textarea").filter((input) => !named(input)).length,
      pictures: all("svg[role=img]").length,
      mute: all("svg[role=img]").filter((svg) => !svg.getAttribute("aria-label")).length,
      answers: all("summary").filter(closed).length,
      start: all('a[href="./index.html"]').length,
    };
  });
}
