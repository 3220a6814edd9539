/** The search for the smallest size that meets the objective. */
import type { Judgement } from "./probes.ts";

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

/**
 * Bisects between the largest size that fails and the smallest that is known to do. It begins where
 * Little's law puts the connections in use when nobody waits, and widens its step from there. A size
 * that stays undecided counts as failing: a recommendation must be sure.
 */
export async function search(judge: Judge, largest: number): Promise<Found> {
  const meets = async (size: number): Promise<boolean> => {
    await judge.at(size);
    return judge.judge(size) === "met";
  };
  if (!(await meets(largest))) return { size: undefined, notes: [] };
  const { run } = await judge.at(largest);
  let [fails, does] = [0, largest];
  const busy = Math.ceil(run.utilization * run.pool_size);
  let guess = Math.min(largest - 1, Math.max(1, busy));
  for (
    let step = Math.max(1, Math.round(Math.sqrt(busy) / 2));
    guess > fails && guess < does;
    step *= 2
  ) {
    if (judge.spent > 1) break;
    if (await meets(guess)) {
      does = guess;
      guess = does - step;
    } else {
      fails = guess;
      guess = fails + step;
    }
    if (fails > 0 && does < largest) break;
  }
  while (does - fails > 1 && judge.spent <= 1) {
    const middle = (fails + does) >> 1;
    if (await meets(middle)) does = middle;
    else fails = middle;
  }
  const notes = does - fails > 1 ? [unfinished(fails, does)] : [];
  return { size: does, notes: [...notes, ...undecided(judge, fails)] };
}

const unfinished = (fails: number, does: number): string =>
  `the time was up before the search was: ${fails} connections are too few, ${does} are enough, ` +
  "what lies between was not looked at; give it more with --time-limit";

function undecided(judge: Judge, fails: number): string[] {
  if (fails < 1 || judge.judge(fails) !== "unsure") return [];
  return [
    `${fails} connections may do as well, but that could not be decided in the time: the interval ` +
      "contains the limit",
  ];
}
