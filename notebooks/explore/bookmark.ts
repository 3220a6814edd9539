/** The state of the page in its address, so that it outlives a reload and can be kept. */
import type { Knob } from "./knobs.ts";
import { initialOf, QUESTIONS, type Question, type State } from "./state.ts";

const QUESTION = "question";
const MORE = "more";

/** What stands behind `#`. */
export function bookmarkOf({ question, turned, more }: State): string {
  const entries = [...turned, ...more.map((text) => [MORE, text] as const)];
  const all = question === "simulate" ? entries : [[QUESTION, question] as const, ...entries];
  return new URLSearchParams(all.map(([key, value]) => [key, value])).toString();
}

/** The state of a bookmark; what no longer fits the workload is left out. */
export function stateFrom(bookmark: string, knobs: readonly Knob[]): State {
  const entries = [...new URLSearchParams(bookmark)];
  const fits = ([key, value]: readonly [string, string]): boolean =>
    knobs.some(
      (knob) => knob.key === key && knob.values.includes(value) && initialOf(knob) !== value,
    );
  const question = entries.find(([key]) => key === QUESTION)?.[1] ?? "";
  return {
    question: question in QUESTIONS ? (question as Question) : "simulate",
    turned: new Map(entries.filter(fits)),
    more: entries.filter(([key]) => key === MORE).map(([, text]) => text),
  };
}
