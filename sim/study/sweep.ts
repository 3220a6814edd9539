/**
 * `sweep`: a grid of settings, every point on the same draws. A point is the workload file loaded with its
 * values, so that any key of the file or setting can be varied, and is checked as if it stood there.
 */
import { ConfigError } from "../../engine/config/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { difference } from "./compare.ts";
import { nameOf, notesOf, type Point } from "./points.ts";
import type { Difference, Run } from "./results/index.ts";
import { type Study, type StudyOptions, studies } from "./run.ts";

/** One key and the values that it takes, as they would be written in the file. */
export interface Axis {
  key: string;
  values: string[];
}

export interface Sweep {
  runs: Run[];
  /** Along a single axis: each value against the one before it. */
  differences: Difference[];
  notes: string[];
}

/** Points beyond which a sweep is more likely a slip than a wish. */
const MOST_POINTS = 1000;
const EXPECTED = "KEY=A..B, KEY=A..B:STEP or KEY=A,B,C, such as default_pool_size=5..50:5";

/**
 * Reads `--vary`: `default_pool_size=5..50:5`, `pool_mode=session,transaction`,
 * `clients.web.think=50 ms..200 ms:50 ms`. Errors: ConfigError.
 */
export function parseVary(text: string): Axis {
  const [, key = "", values = ""] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (key === "") throw refused(text, EXPECTED);
  const range = /^(.+?)\.\.(.+?)(?::(.+))?$/s.exec(values.trim());
  if (range === null) return { key: key.trim(), values: onceEach(text, listOf(values)) };
  const [from, to, step] = range.slice(1).map((part) => part && quantity(text, part));
  return {
    key: key.trim(),
    values: between(text, from as Quantity, to as Quantity, step || undefined),
  };
}

/** Errors: ConfigError for a value that is given twice: its points would have one name. */
function onceEach(whole: string, values: string[]): string[] {
  const twice = values.find((value, i) => values.indexOf(value) < i);
  if (twice !== undefined) throw refused(whole, `each value once; ${twice} is given twice`);
  return values;
}

/** Values between commas; those inside of brackets are a value's own. */
function listOf(text: string): string[] {
  const values = [""];
  let depth = 0;
  for (const letter of text) {
    if ("{[".includes(letter)) depth++;
    if ("}]".includes(letter)) depth--;
    if (letter === "," && depth === 0) values.push("");
    else values[values.length - 1] += letter;
  }
  return values.map((value) => value.trim());
}

interface Quantity {
  value: number;
  unit: string;
}

function quantity(whole: string, text: string): Quantity {
  const [, value = "", unit = ""] = /^\s*(-?\d+(?:\.\d+)?)\s*([A-Za-z%/]*)\s*$/.exec(text) ?? [];
  if (value === "") throw refused(whole, EXPECTED);
  return { value: Number(value), unit };
}

/** From the first to the last, both included where the step meets it. */
function between(whole: string, from: Quantity, to: Quantity, given?: Quantity): string[] {
  const step = given ?? { value: 1, unit: from.unit };
  if (from.unit !== to.unit || step.unit !== from.unit)
    throw refused(whole, "one unit for both ends and the step");
  if (!(step.value > 0)) throw refused(whole, "a step above zero");
  if (to.value < from.value) throw refused(whole, "the smaller end first");
  const count = Math.floor((to.value - from.value) / step.value + 1e-9) + 1;
  if (count > MOST_POINTS)
    throw refused(whole, `at most ${MOST_POINTS} values; give a larger step`);
  // Twelve digits: what a sum of steps adds to decimals is no part of the value.
  const at = (i: number): string => `${Number((from.value + i * step.value).toPrecision(12))}`;
  return Array.from({ length: count }, (_, i) => `${at(i)}${from.unit && ` ${from.unit}`}`);
}

function refused(got: string, expected: string): ConfigError {
  return new ConfigError({ at: "--vary", name: "range", got, expected });
}

/** All combinations, the last key changing fastest. Errors: ConfigError for too many, or a key twice. */
export function gridOf(axes: readonly Axis[]): Point[] {
  const keys = axes.map((axis) => axis.key);
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw refused(twice, "each key once");
  const size = axes.reduce((product, axis) => product * axis.values.length, 1);
  if (size > MOST_POINTS) throw refused(`${size} points`, `at most ${MOST_POINTS}`);
  return axes.reduce<Point[]>(
    (points, { key, values }) =>
      points.flatMap((point) => values.map((value) => ({ ...point, [key]: value }))),
    [{}],
  );
}

/** Simulates every point. `load` makes a workload of `KEY=VALUE` assignments. Errors: its ConfigErrors. */
export async function sweep(
  points: readonly Point[],
  load: (assignments: string[]) => Workload,
  options: StudyOptions = {},
): Promise<Sweep> {
  const workloads = points.map((point) =>
    load(Object.entries(point).map(([key, value]) => `${key}=${value}`)),
  );
  const answers = await studies(workloads, options);
  const runs = answers.map(({ run }, i) => {
    const values = Object.entries(points[i] as Point).map(
      ([key, value]) => [key, numberOr(value)] as const,
    );
    return { ...run, settings: { ...run.settings, ...Object.fromEntries(values) } };
  });
  return { runs, differences: alongAxis(points, answers), notes: notesOf(points, answers) };
}

const numberOr = (text: string): string | number =>
  /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;

function alongAxis(points: readonly Point[], answers: readonly Study[]): Difference[] {
  if (Object.keys(points[0] ?? {}).length !== 1) return [];
  return answers.slice(1).map((answer, i) => {
    const [from, to] = [points[i], points[i + 1]].map((point) => nameOf(point as Point));
    return difference(from as string, to as string, answers[i] as Study, answer);
  });
}
