/** Which controls a page has, and the positions to which a measurement moves each. */
import type { Page } from "playwright-core";
import type { Position } from "./stopwatch.ts";

/** What a reader can move, and what is pressed to see the next event of a film. */
export const CONTROLS = "main :is(input, select, textarea, .player-bar button)";

/** A control on the page. */
export interface Control {
  name: string;
  /** Among all that `CONTROLS` finds. */
  index: number;
  positions: Position[];
}

/** Positions of a slider: both ends, and these between them. */
const BETWEEN = [0.5, 0.15, 0.75, 0.35, 0.9];

/** All controls of the page that can be moved just now. */
export async function controlsOf(page: Page): Promise<Control[]> {
  const found = await page.evaluate(
    ([selector, between]) =>
      [...document.querySelectorAll<HTMLInputElement>(selector)].map((control, index) => {
        const label = control.labels?.[0]?.textContent ?? control.getAttribute("aria-label");
        const name = control.type === "radio" ? `Show: ${label}` : (label ?? control.textContent);
        const { value, min, max, step } = control;
        const at = (share: number): string => {
          const [least, size] = [Number(min), Number(step) || 1];
          return String(least + size * Math.round((share * (Number(max) - least)) / size));
        };
        const options = [...(control.querySelectorAll("option") ?? [])].map((each) => each.value);
        const others = options.filter((each) => each !== value);
        const positions: Record<string, (string | undefined)[]> = {
          range: [max, ...between.map(at), min, value],
          "select-one": [...others, value],
          textarea: [`${value}\n`, `${value}\n\n`, value],
          radio: control.checked ? [] : [undefined],
        };
        const presses = control.textContent === "Play" ? [] : [undefined, undefined, undefined];
        return {
          name,
          index,
          disabled: control.disabled,
          positions: positions[control.type] ?? presses,
        };
      }),
    [CONTROLS, BETWEEN] as const,
  );
  return found.filter(({ disabled, positions }) => !disabled && positions.length > 0);
}
