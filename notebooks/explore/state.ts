/**
 * What a reader has turned, as the command line and the workload file that say the same. All three go
 * through the loader's own overrides, so that they cannot drift apart.
 */
import { type Document, parseDocument } from "yaml";
import { applyOverrides, type Overrides } from "../../workloads/schema/overrides.ts";
import type { Knob } from "./knobs.ts";

/** What is asked about a workload; each is a command. */
export const QUESTIONS = {
  simulate: "this configuration",
  compare: "the three pool modes",
  sweep: "over the pool size",
} as const;
export type Question = keyof typeof QUESTIONS;

/** All that a reader can set. */
export interface State {
  question: Question;
  /** Texts of the knobs that are not where the file has them, by the knob's key. */
  turned: ReadonlyMap<string, string>;
  /** Further `KEY=VALUE`, one each. */
  more: readonly string[];
}

/** Replications unless a knob says otherwise; always as many, so that a page and a command agree. */
const REPLICATIONS = 10;

export const replicationsOf = ({ turned }: State): number =>
  Number(turned.get("--replications") ?? REPLICATIONS);

/** What the question leaves to itself: an option that must not be given as well. */
const OWN: Readonly<Record<Question, readonly string[]>> = {
  simulate: [],
  compare: ["--pool-mode", "pool_mode"],
  sweep: ["--pool-size"],
};

/** Whether a knob does nothing for this question. */
export const leftAlone = (question: Question, key: string): boolean => OWN[question].includes(key);

/** The changes as the loader of workloads takes them. */
export function overridesOf(state: State): Overrides {
  const option = (name: string): string | undefined =>
    leftAlone(state.question, name) ? undefined : state.turned.get(name);
  const [size, seed] = [option("--pool-size"), option("--seed")];
  return {
    set: assignments(state),
    poolMode: option("--pool-mode"),
    ...(size === undefined ? {} : { poolSize: Number(size) }),
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    duration: option("--duration"),
  };
}

/** `KEY=VALUE` of everything that has no option of its own. */
function assignments({ question, turned, more }: State): string[] {
  const keys = [...turned.keys()].filter(
    (key) => !key.startsWith("--") && !leftAlone(question, key),
  );
  return [...keys.map((key) => `${key}=${turned.get(key)}`), ...more];
}

/** The command that prints the same figures. `file`: as it was typed. */
export function commandLine(file: string, state: State, vary: string): string {
  const options = [...state.turned].filter(
    ([key]) => key.startsWith("--") && key !== "--replications" && !leftAlone(state.question, key),
  );
  const words = [
    ...["poolwise", state.question, file],
    ...(state.question === "sweep" ? ["--vary", vary] : []),
    ...options.flat(),
    ...assignments(state).flatMap((text) => ["--set", text]),
    ...["--replications", String(replicationsOf(state))],
  ];
  return words.map(quoted).join(" ");
}

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** What `sweep` varies: nine sizes about the present one, under the key that has it. */
export function varyOf(knobs: readonly Knob[], state: State): string {
  const knob = knobs.find(({ key }) => /pool[-_]size$/.test(key) && !key.startsWith("reserve"));
  const size = Number(knob === undefined ? 20 : (state.turned.get(knob.key) ?? initialOf(knob)));
  const step = Math.max(1, Math.round(size / 10));
  const from = Math.max(1, size - 4 * step);
  const key = knob === undefined || knob.key === "--pool-size" ? "default_pool_size" : knob.key;
  return `${key}=${from}..${from + 8 * step}:${step}`;
}

/** The text of a knob where the file has it. */
export const initialOf = ({ values, initial }: Knob): string => values[initial] as string;

/** The workload file with the changes in it; its comments stay. Errors: ConfigError. */
export function fileWith(text: string, state: State): string {
  const document = parseDocument(text);
  const [before, after] = [document.toJS(), document.toJS()];
  applyOverrides(after, { ...overridesOf(state) });
  change(document, [], before, after);
  return document.toString({ lineWidth: 100 });
}

/** Makes `document`, of value `before`, one of value `after`, and touches nothing else of it. */
function change(document: Document, path: readonly string[], before: unknown, after: unknown) {
  if (!isTree(before) || !isTree(after)) {
    if (before !== after) document.setIn(path, after);
    return;
  }
  for (const key of Object.keys(before)) if (!(key in after)) document.deleteIn([...path, key]);
  for (const [key, value] of Object.entries(after)) {
    const inner = Array.isArray(after) ? Number(key) : key;
    change(document, [...path, inner] as string[], (before as Tree)[key], value);
  }
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === "object" && value !== null;
