/** What a reader sets: sliders, choices and texts, each with its label, all of them for the keyboard too. */
import { element, type View, valued } from "./dom.ts";

let made = 0;
const newId = (): string => `control-${++made}`;

/** The range of a slider, and where it begins. */
export interface SliderOptions {
  min: number;
  max: number;
  step?: number;
  value: number;
  /** Stands after the number: `ms`, `clients`. */
  unit?: string;
}

/** A number from a range. */
export function slider(label: string, options: SliderOptions): View<number> {
  const { min, max, step = 1, value, unit = "" } = options;
  const text = (number: number): string => `${number.toLocaleString("en-US")} ${unit}`.trim();
  const id = newId();
  const range = element("input", {
    id,
    type: "range",
    min: `${min}`,
    max: `${max}`,
    step: `${step}`,
  });
  range.value = String(value);
  const shown = element("output", { for: id }, text(value));
  const name = element("label", { for: id }, label);
  const { view, change } = valued(element("div", { class: "control" }, name, range, shown), value);
  range.setAttribute("aria-valuetext", text(value));
  range.addEventListener("input", (event) => {
    event.stopPropagation(); // The notebook listens to the whole control.
    shown.textContent = text(range.valueAsNumber);
    range.setAttribute("aria-valuetext", text(range.valueAsNumber));
    change(range.valueAsNumber);
  });
  return view;
}

/** One of a few values. */
export function choice<Value extends string>(
  label: string,
  values: readonly Value[],
  value: Value,
): View<Value> {
  const id = newId();
  const options = values.map((each) => element("option", { value: each }, each));
  const select = element("select", { id }, ...options);
  select.value = value;
  const name = element("label", { for: id }, label);
  const { view, change } = valued(element("div", { class: "control" }, name, select), value);
  select.addEventListener("input", (event) => {
    event.stopPropagation();
    change(values[select.selectedIndex] as Value);
  });
  return view;
}

/** A text of several lines. It counts when the reader leaves the box or presses Ctrl+Enter. */
export function textBox(label: string, value: string, rows: number): View<string> {
  const id = newId();
  const box = element("textarea", { id, rows: `${rows}`, spellcheck: "false" }, value);
  const name = element("label", { for: id }, label);
  const { view, change } = valued(element("div", { class: "control wide" }, name, box), value);
  box.addEventListener("input", (event) => event.stopPropagation());
  box.addEventListener("change", () => change(box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.ctrlKey) change(box.value);
  });
  return view;
}
