/** What a reader should know of several studies that are told together: said once, with those of whom it holds. */
import { POOL_MODES, type PoolMode } from "../../engine/core/index.ts";
import type { Study } from "./run.ts";
import { noInterval, type Scarce } from "./scarce.ts";

/** What a study has to say. */
export type Told = Pick<Study, "notes" | "scarce">;

/** How those of whom a note holds are named. */
export interface Naming<Who> {
  /** Before it: `every point: `. */
  before(who: readonly Who[]): string;
  /** Within it: ` at every point`. */
  within(who: readonly Who[]): string;
}

/** The notes of all; `answers` are in the order of `who`. */
export function notesOfAll<Who>(
  who: readonly Who[],
  answers: readonly Told[],
  naming: Naming<Who>,
): string[] {
  const notes = answers.map(({ notes, scarce }) => {
    const own = scarce.map((each) => noInterval([each]));
    return notes.filter((each) => !own.includes(each));
  });
  return [...saidOnce(who, notes, naming), ...scarceAmong(who, answers, naming)];
}

/** Equal notes; `notes` are in the order of `who`. */
export function saidOnce<Who>(
  who: readonly Who[],
  notes: readonly (readonly string[])[],
  { before }: Pick<Naming<Who>, "before">,
): string[] {
  const having = new Map<string, Who[]>();
  notes.forEach((own, i) => {
    for (const note of own) having.set(note, [...(having.get(note) ?? []), who[i] as Who]);
  });
  return [...having].map(([note, all]) => `${before(all)}${note}`);
}

/** Their numbers differ from one to the other; quantiles that are wanting for the same ones are said together. */
function scarceAmong<Who>(
  who: readonly Who[],
  answers: readonly Told[],
  { within }: Naming<Who>,
): string[] {
  const quantiles = [...new Set(answers.flatMap(({ scarce }) => scarce.map(({ p }) => p)))];
  const together = new Map<string, { having: Who[]; scarce: Scarce[] }>();
  for (const quantile of quantiles) {
    const found = answers.flatMap(({ scarce }, i) => {
      const own = scarce.find(({ p }) => p === quantile);
      return own === undefined ? [] : [{ i, own }];
    });
    const key = found.map(({ i }) => i).join();
    const having = found.map(({ i }) => who[i] as Who);
    const scarce = [...(together.get(key)?.scarce ?? []), ...found.map(({ own }) => own)];
    together.set(key, { having, scarce });
  }
  return [...together.values()].map(({ having, scarce }) => noInterval(scarce, within(having)));
}

/** `session and transaction mode: `; what holds in all modes names none. */
export const BY_MODE: Naming<PoolMode> = {
  before: (modes) => (areAll(modes) ? "" : `${modes.join(" and ")} mode: `),
  within: (modes) => (areAll(modes) ? "" : ` in ${modes.join(" and ")} mode`),
};

const areAll = (modes: readonly PoolMode[]): boolean => modes.length === POOL_MODES.length;
