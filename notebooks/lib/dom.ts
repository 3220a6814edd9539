/** Elements of a page, made in one call. */

type Child = Node | string;

/** An HTML element with attributes and children; text is text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An element of SVG. */
export function shape<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** An element that a cell can `view`: its value changes whenever it says `input`. */
export type View<Value> = HTMLElement & { value: Value };

/** Gives an element a value; `change` sets it and tells the notebook. */
export function valued<Value>(
  host: HTMLElement,
  value: Value,
): { view: View<Value>; change(value: Value): void } {
  const view = Object.assign(host, { value });
  const change = (next: Value): void => {
    view.value = next;
    view.dispatchEvent(new Event("input"));
  };
  return { view, change };
}

/** Nothing yet: a notebook would show an empty text with its quotes. */
export const nothing = (words = ""): HTMLElement => element("p", {}, words);

/** What is wrong with what the reader gave, for all to see. */
export const trouble = (message: string): HTMLElement =>
  element("div", { class: "trouble", role: "alert" }, message);

/** Several elements as one: a cell shows one thing. */
export const all = (elements: readonly Node[]): HTMLElement => element("div", {}, ...elements);
