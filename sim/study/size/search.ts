/**
 * The search for the number where an objective begins, or ceases, to be met: the smallest pool that meets
 * it, the most clients with whom it is met.
 */
import { inTime } from "../run.ts";
import { counted } from "../words.ts";
import type { Judgement, Probes } from "./probes.ts";

/** What the search asks: simulates a size and says whether it meets the objective. */
export interface Judge {
  at(size: number): Promise<{ run: { utilization: number; pool_size: number } }>;
  judge(size: number): Judgement;
  /** Part of the time that is over. */
  readonly spent: number;
}

export interface Found {
  /** The smallest size that meets it; undefined when none up to the largest does. */
  size: number | undefined;
  notes: string[];
}

/** Two numbers: `good` surely meets the objective, of `bad` that cannot be said. */
export interface Bounds {
  good: number;
  bad: number;
}

/**
 * Narrows `bounds` until they are neighbours or the time is up. It looks at `guess` first and widens its
 * step from there, then it bisects. Each end may lie above the other; neither is looked at itself. A number
 * that stays undecided counts as bad: an answer must be sure.
 */
export async function narrow(
  judge: Judge,
  bounds: Bounds,
  guess: number,
  step: number,
): Promise<Bounds> {
  let { good, bad } = bounds;
  const towardsBad = Math.sign(bad - good);
  let over = false;
  const look = async (number: number): Promise<boolean> => {
    over = (await inTime(judge.at(number))) === undefined;
    if (over) return false;
    const meets = judge.judge(number) === "met";
    if (meets) good = number;
    else bad = number;
    return meets;
  };
  const inside = (number: number): boolean =>
    number > Math.min(good, bad) && number < Math.max(good, bad);
  const hasTime = (): boolean => !over && judge.spent <= 1;
  for (let next = guess, by = step; inside(next) && hasTime(); by *= 2) {
    const meets = await look(next);
    if (good !== bounds.good && bad !== bounds.bad) break;
    next += (meets ? 1 : -1) * towardsBad * by;
  }
  while (Math.abs(bad - good) > 1 && hasTime()) await look((good + bad) >> 1);
  return { good, bad };
}

/**
 * The smallest size up to `largest` that meets the objective. It begins where Little's law puts the
 * connections in use when nobody waits.
 */
export async function search(judge: Judge, largest: number): Promise<Found> {
  const { run } = await judge.at(largest);
  if (judge.judge(largest) !== "met") return { size: undefined, notes: [] };
  const busy = Math.ceil(run.utilization * run.pool_size);
  const guess = Math.min(largest - 1, Math.max(1, busy));
  const step = Math.max(1, Math.round(Math.sqrt(busy) / 2));
  const { good, bad } = await narrow(judge, { good: largest, bad: 0 }, guess, step);
  return { size: good, notes: good - bad > 1 ? [unfinished(judge, bad, good)] : [] };
}

function unfinished(judge: Judge, fails: number, does: number): string {
  const few = judge.judge(fails) === "unsure" ? "may be" : "are";
  const known = [
    ...(fails > 0 ? [`${counted(fails, "connection")} ${few} too few`] : []),
    `${does} are enough`,
    fails > 0 ? "what lies between was not looked at" : "fewer were not looked at",
  ];
  const found = `the time was up before the search was: ${known.join(", ")}`;
  return `${found}; give it more with --time-limit`;
}

/** What is said of an answer that is not sure, and of one connection less where that is not known to be too few. */
export function undecided(judge: Pick<Probes, "judge" | "known">, size: number): string[] {
  const open = (each: number): boolean =>
    judge.known(each) !== undefined && judge.judge(each) === "unsure";
  const more =
    "the interval contains the limit; a finer --precision or more --time-limit would tell";
  return [
    ...(open(size) ? [`${counted(size, "connection")} may miss the objective: ${more}`] : []),
    ...(open(size - 1) ? [`${counted(size - 1, "connection")} may do as well: ${more}`] : []),
  ];
}
