/**
 * A stopwatch inside a page: moves a control as a reader would, and takes the time until what changes has been
 * painted. It runs in the browser, so that nothing between the two programs is counted.
 */
import type { Page } from "playwright-core";

/** What one move of a control cost, in milliseconds from the event on; undefined: nothing of it was seen. */
export interface Move {
  /** The first change outside of the control itself: an answer, or the bar of a worker that has begun. */
  answer: number | undefined;
  /** The last change of words and figures. */
  words: number | undefined;
  /** The last change of pictures. */
  pictures: number | undefined;
  /** The longest stretch in which the page did nothing else. */
  freeze: number;
  /** A worker has been asked. */
  worker: boolean;
  /** False: the worker was at it for longer than anybody waited here. */
  over: boolean;
}

/** How a control is moved: to a value, or pressed. */
export type Position = string | undefined;

/** Time after which a worker is left alone; what it does is no part of what is measured. */
const PATIENCE = 6000;

/** Moves control number `index` of those that `selector` finds to `position`, and waits for what follows. */
export const move = (
  page: Page,
  selector: string,
  index: number,
  position: Position,
): Promise<Move> => page.evaluate(moved, [selector, index, position, PATIENCE] as const);

/** Milliseconds of a fixed loop in the page, the best and the worst of some: what the machine gives just now. */
export const loop = (page: Page): Promise<[best: number, worst: number]> =>
  page.evaluate(() => {
    const once = (): number => {
      const begin = performance.now();
      let word = 1;
      for (let i = 0; i < 20_000_000; i++) {
        word ^= word << 13;
        word ^= word >>> 17;
        word ^= word << 5;
      }
      return word === 0 ? 0 : performance.now() - begin;
    };
    const times = [once(), once(), once(), once(), once()];
    return [Math.min(...times), Math.max(...times)];
  });

/** Puts a slider into the page that does nothing but say its number: the least that any of them takes. */
export const plainSlider = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const slider = document.createElement("input");
    const said = document.createElement("output");
    Object.assign(slider, { type: "range", id: "plain-slider", max: "1000" });
    slider.addEventListener("input", () => {
      said.textContent = slider.value;
    });
    document.querySelector("main")?.append(slider, said);
  });

/** Inside the page. */
function moved([selector, index, position, patience]: readonly [
  string,
  number,
  Position,
  number,
]): Promise<Move> {
  const control = document.querySelectorAll(selector)[index] as HTMLInputElement;
  const host = control.closest(".control");
  const seen: Move = {
    ...{ answer: undefined, words: undefined, pictures: undefined },
    ...{ freeze: 0, worker: false, over: false },
  };
  const fresh = { words: false, pictures: false };
  const note = (node: Node): void => {
    if (host?.contains(node) || node === control) return;
    const element = node instanceof Element ? node : node.parentElement;
    const picture = element?.closest("figure, svg") ?? element?.querySelector("svg");
    fresh[picture ? "pictures" : "words"] = true;
  };
  const take = (records: readonly MutationRecord[]): void => {
    for (const { type, target, addedNodes } of records)
      for (const node of type === "childList" ? addedNodes : [target]) note(node);
  };
  const observer = new MutationObserver(take);
  const watched = { childList: true, characterData: true, attributes: true, subtree: true };
  const attributeFilter = ["class", "value", "d", "aria-label", "data-state"];
  const frozen = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.freeze = Math.max(seen.freeze, duration);
  });
  const running = (): boolean =>
    document.querySelector('.background[data-state="running"]') !== null;
  const drawing = (): boolean => Number(document.documentElement.dataset.drawing ?? 0) > 0;
  const act = (): void => {
    if (position === undefined || control.type === "radio") control.click();
    else {
      control.value = position;
      control.dispatchEvent(new Event("input", { bubbles: true }));
      control.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };
  return new Promise((done) => {
    observer.observe(document.querySelector("main") as Element, { ...watched, attributeFilter });
    frozen.observe({ type: "longtask" });
    const begin = performance.now();
    let quiet = 0;
    // What has changed by then was painted with the frame that has just ended.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const now = performance.now() - begin;
      take(observer.takeRecords());
      quiet = fresh.words || fresh.pictures || running() || drawing() ? 0 : quiet + 1;
      if (fresh.words || fresh.pictures) seen.answer ??= now;
      if (fresh.words) seen.words = now;
      if (fresh.pictures) seen.pictures = now;
      Object.assign(fresh, { words: false, pictures: false });
      seen.worker ||= running();
      // A page may wait a little before it begins.
      seen.over = quiet > 20;
      if (seen.over || now > patience) {
        observer.disconnect();
        frozen.disconnect();
        done(seen);
      } else requestAnimationFrame(() => port2.postMessage(null));
    };
    act();
    requestAnimationFrame(() => port2.postMessage(null));
  });
}
