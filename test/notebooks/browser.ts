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

/**
 * Controls and links that Tab does not lead to, from the top of the page, by their own text. Of a group of choices
 * Tab leads to the chosen one, and arrows lead to the others.
 */
export async function unreachable(page: Page): Promise<string[]> {
  await page.evaluate(() => {
    for (const each of document.querySelectorAll(
      "a[href], button, input:not([type=radio]:not(:checked)), select, textarea, summary",
    ))
      if (each.checkVisibility()) (each as HTMLElement).dataset.toReach = "";
    (document.activeElement as HTMLElement | null)?.blur();
  });
  const left = page.locator("[data-to-reach]");
  // Boxes that can be scrolled are reached as well, so that it takes some more.
  for (let most = 3 * (await left.count()); most > 0 && (await left.count()) > 0; most--) {
    await page.keyboard.press("Tab");
    await page.evaluate(() => {
      delete (document.activeElement as HTMLElement | null)?.dataset.toReach;
    });
  }
  return left.evaluateAll((all) => all.map((each) => each.outerHTML.slice(0, 100)));
}

/** Pixels by which the page is wider than a telephone's screen: what one must push aside to read on. */
export async function tooWide(page: Page): Promise<number> {
  const size = page.viewportSize() ?? { width: 1280, height: 720 };
  await page.setViewportSize({ width: 390, height: 800 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.setViewportSize(size);
  return wide;
}

/** Colours of paper, words and words in pictures, as they are shown to a reader whose screen is dark. */
export async function nightColours(page: Page): Promise<string[]> {
  await page.emulateMedia({ colorScheme: "dark" });
  const colours = await page.evaluate(() => {
    const body = getComputedStyle(document.body);
    const texts = [...document.querySelectorAll("figure svg text[fill='#1f2933']")];
    return [
      body.backgroundColor,
      body.color,
      ...new Set(texts.map((each) => getComputedStyle(each).fill)),
    ];
  });
  await page.emulateMedia({ colorScheme: "light" });
  return colours;
}
