/** The points of a sweep, and what a reader should know of them: said once, with the points of which it holds. */
import { notesOfAll, type Told } from "./notes.ts";

/** One point of the grid: the value of each key. */
export type Point = Record<string, string>;

/** `default_pool_size=5, pool_mode=session`. */
export const nameOf = (point: Readonly<Record<string, unknown>>): string =>
  Object.entries(point)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");

/** Notes of all points; `answers` are in the order of `points`. */
export const notesOf = (points: readonly Point[], answers: readonly Told[]): string[] =>
  notesOfAll(points, answers, {
    before: (at) => `${placesOf(at, points)}: `,
    within: (at) => ` at ${placesOf(at, points)}`,
  });

/** Points that are named one by one; of more of them the rest is counted. */
const NAMED = 12;

/** `default_pool_size=5, 6`; of several keys each point by itself. */
function placesOf(at: readonly Point[], points: readonly Point[]): string {
  if (at.length === points.length && at.length > 1) return "every point";
  const [key, ...others] = Object.keys(at[0] ?? {});
  const single = key !== undefined && others.length === 0;
  const shown = at.slice(0, NAMED).map((point) => (single ? `${point[key]}` : nameOf(point)));
  const rest = at.length > NAMED ? ` and ${at.length - NAMED} more` : "";
  return `${single ? `${key}=` : ""}${shown.join(single ? ", " : "; ")}${rest}`;
}
