/** Knobs as elements: a slider over the values of a knob, or a choice of a few. */
import { element } from "../lib/dom.ts";
import { type Knob, UNSET } from "./knobs.ts";

/** A knob on the page. */
export interface Control {
  knob: Knob;
  element: HTMLElement;
  /** Shows a value without telling anybody. */
  show(value: string): void;
  /** Greyed out while the question leaves the knob to itself. */
  able(able: boolean): void;
}

let made = 0;

/** Makes a control; `turned` is told the value that a reader sets. */
export function control(knob: Knob, turned: (value: string) => void): Control {
  const id = `knob-${++made}`;
  const label = element("label", { for: id }, knob.label);
  const host = element("div", { class: "control", "data-key": knob.key }, label);
  const { input, show } = knob.choice ? choice(knob, id, host) : range(knob, id, host);
  input.addEventListener("input", () => {
    const value = knob.values[placeOf(input)] as string;
    show(value);
    host.classList.toggle("turned", value !== knob.values[knob.initial]);
    turned(value);
  });
  return {
    knob,
    element: host,
    show: (value) => {
      show(value);
      host.classList.toggle("turned", value !== knob.values[knob.initial]);
    },
    able: (able) => {
      input.disabled = !able;
    },
  };
}

const placeOf = (input: HTMLInputElement | HTMLSelectElement): number =>
  input instanceof HTMLSelectElement ? input.selectedIndex : input.valueAsNumber;

type Made = { input: HTMLInputElement | HTMLSelectElement; show(value: string): void };

function choice(knob: Knob, id: string, host: HTMLElement): Made {
  const options = knob.values.map((value) => element("option", { value }, value));
  const input = element("select", { id }, ...options);
  host.append(input);
  const show = (value: string): void => {
    input.value = value;
  };
  return { input, show };
}

function range(knob: Knob, id: string, host: HTMLElement): Made {
  const max = String(knob.values.length - 1);
  const input = element("input", { id, type: "range", min: "0", max, step: "1" });
  const output = element("output", { for: id });
  host.append(input, output);
  const show = (value: string): void => {
    input.value = String(knob.values.indexOf(value));
    output.textContent = textOf(knob, value);
    input.setAttribute("aria-valuetext", textOf(knob, value));
  };
  return { input, show };
}

/** `1,200`, `30 s`, `no limit (0)`. */
function textOf({ zero = "", unit = "" }: Knob, value: string): string {
  if (value === UNSET) return zero;
  if (value === "0" && zero !== "") return `${zero} (0)`;
  const number = /^\d+$/.test(value) ? Number(value).toLocaleString("en-US") : value;
  return `${number} ${unit}`.trim();
}

/** Controls under the headings of their groups; the rarely turned ones folded away. */
export function panel(controls: readonly Control[]): HTMLElement {
  const groups = [...new Set(controls.map(({ knob }) => knob.group))];
  return element("div", { class: "knobs" }, ...groups.map((group) => section(group, controls)));
}

function section(group: string, controls: readonly Control[]): HTMLElement {
  const own = controls.filter(({ knob }) => knob.group === group);
  const usual = own.filter(({ knob }) => !knob.rare).map((each) => each.element);
  const rare = own.filter(({ knob }) => knob.rare).map((each) => each.element);
  const more = element("details", {}, element("summary", {}, "More"), ...rare);
  const title = element("legend", {}, group);
  return element("fieldset", {}, title, ...usual, ...(rare.length > 0 ? [more] : []));
}
