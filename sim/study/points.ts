/** The points of a sweep, and what a reader should know of them: said once, with the points of which it holds. */
import type { Study } from "./run.ts";
import { noInterval, type Scarce } from "./scarce.ts";

/** One point of the grid: the value of each key. */
export type Point = Record<string, string>;

/** `default_pool_size=5, pool_mode=session`. */
export const nameOf = (point: Readonly<Record<string, unknown>>): string =>
  Object.entries(point)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");

type Told = Pick<Study, "notes" | "scarce">;

/** Notes of all points; `answers` are in the order of `points`. */
export function notesOf(points: readonly Point[], answers: readonly Told[]): string[] {
  const where = new Map<string, Point[]>();
  answers.forEach(({ notes, scarce }, i) => {
    const own = scarce.map((each) => noInterval([each]));
    for (const note of notes.filter((each) => !own.includes(each)))
      where.set(note, [...(where.get(note) ?? []), points[i] as Point]);
  });
  const notes = [...where].map(([note, at]) => `${placesOf(at, points)}: ${note}`);
  return [...notes, ...scarceAt(points, answers)];
}

/** Their numbers differ from point to point; quantiles that are wanting at the same points are said together. */
function scarceAt(points: readonly Point[], answers: readonly Told[]): string[] {
  const quantiles = [...new Set(answers.flatMap(({ scarce }) => scarce.map(({ p }) => p)))];
  const together = new Map<string, { at: Point[]; scarce: Scarce[] }>();
  for (const quantile of quantiles) {
    const found = answers.flatMap(({ scarce }, i) => {
      const own = scarce.find(({ p }) => p === quantile);
      return own === undefined ? [] : [{ i, own }];
    });
    const key = found.map(({ i }) => i).join();
    const at = found.map(({ i }) => points[i] as Point);
    const scarce = [...(together.get(key)?.scarce ?? []), ...found.map(({ own }) => own)];
    together.set(key, { at, scarce });
  }
  return [...together.values()].map(({ at, scarce }) =>
    noInterval(scarce, ` at ${placesOf(at, points)}`),
  );
}

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
