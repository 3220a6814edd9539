/** Parts of the page: the questions, how far the simulation is, and what can be copied. */
import { element } from "../lib/dom.ts";
import { QUESTIONS, type Question } from "./state.ts";

/** A choice of what to ask. */
export function questions(now: Question, asked: (question: Question) => void): HTMLElement {
  const buttons = Object.entries(QUESTIONS).map(([name, words]) => {
    const radio = element("input", { type: "radio", name: "question", value: name });
    radio.checked = name === now;
    radio.addEventListener("change", () => asked(name as Question));
    return element("label", {}, radio, words);
  });
  return element("fieldset", { class: "questions" }, element("legend", {}, "Show"), ...buttons);
}

/** A bar with words; `state` is for those who wait for the end of it. */
export interface Status {
  element: HTMLElement;
  say(state: "running" | "done" | "failed", share: number, words: string): void;
}

/** A bar that is still empty. */
export function status(): Status {
  const bar = element("progress", { max: "1", value: "0", "aria-label": "simulation" });
  const text = element("span", { role: "status" });
  const host = element("div", { class: "background", "data-state": "running" }, bar, text);
  const say: Status["say"] = (state, share, words) => {
    bar.value = share;
    host.dataset.state = state;
    text.textContent = words === "" && state === "running" ? "simulating ..." : words;
  };
  return { element: host, say };
}

/** A text with a button that copies it. */
export interface Copied {
  element: HTMLElement;
  show(text: string): void;
}

/** `name` is what the text is, for the button and for those who look for it. */
export function copied(title: string, name: string): Copied {
  const label = `Copy the ${name}`;
  const text = element("pre", { "data-copy": name });
  const button = element("button", { type: "button" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
      button.textContent = "Copied";
    } catch {
      // Whoever may not write to the clipboard can press Ctrl-C.
      getSelection()?.selectAllChildren(text);
    }
  });
  const show = (words: string): void => {
    text.textContent = words;
    button.textContent = label;
  };
  const heading = element("h2", {}, title);
  return { element: element("section", { class: "copied" }, heading, text, button), show };
}
