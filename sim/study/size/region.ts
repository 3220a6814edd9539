/**
 * The search where a bigger pool can hurt: busy statements share the database's cores, so that from some
 * size on connections more only make each other slower. Sizes that meet the objective are then a region,
 * which may be empty, around the best size.
 */
import { inTime } from "../run.ts";
import { counted, nounFor } from "../words.ts";
import type { Judgement } from "./probes.ts";

/** What the search asks: simulates a size and says how far it is from the objective. */
export interface RegionJudge {
  at(size: number): Promise<unknown>;
  judge(size: number): Judgement;
  /** The worst term of the objective over its limit: above 1 it is missed; the lower the better. */
  distance(size: number): number;
  /** Part of the time that is over. */
  readonly spent: number;
}

/** Sizes that meet the objective; `from` and `to` are undefined when none was found. */
export interface Region {
  from: number | undefined;
  to: number | undefined;
  /** None was found, but the time was up before all that might have done were looked at. */
  cut?: true;
  notes: string[];
}

/** Parts of the time after which no further rungs are looked at, and the edges are as good as known. */
const RUNGS_UNTIL = 0.45;
const EDGES_UNTIL = 0.65;

/**
 * Climbs by doublings from `start`, up and down, as long as that does not only make things worse; then
 * narrows down where the objective is met, or nearly met. The distance is taken to have one minimum.
 */
export async function searchRegion(
  judge: RegionJudge,
  start: number,
  largest: number,
): Promise<Region> {
  const sizes = new Sizes(judge);
  await climb(sizes, Math.min(start, largest), largest);
  if (sizes.meeting.length === 0) await narrow(sizes);
  const [from, to] = [sizes.meeting[0], sizes.meeting.at(-1)];
  if (from === undefined || to === undefined)
    return { from, to, notes: [], ...(sizes.cut && { cut: true as const }) };
  const lower = await sizes.edge(sizes.below(from), from);
  const upper = await sizes.edge(sizes.above(to) ?? largest + 1, to);
  const notes = [
    ...(lower.open ? [unfinished("fewer, down", lower)] : []),
    ...(upper.open ? [unfinished("more, up", upper)] : []),
  ];
  return { from: lower.meets, to: upper.meets, notes };
}

interface Edge {
  meets: number;
  fails: number;
  /** Sizes in between were not looked at. */
  open: boolean;
}

const unfinished = (what: string, { meets, fails }: Edge): string =>
  `the time was up before the search was: ${counted(meets, "connection")} ` +
  `${nounFor(meets, "meets", "meet")} the objective; ${what} to ${fails}, were not looked at; give it more with --time-limit`;

/** The sizes looked at so far, in ascending order. */
class Sizes {
  readonly judge: RegionJudge;
  known: number[] = [];
  /** A size that was next was left out for want of time. */
  cut = false;

  constructor(judge: RegionJudge) {
    this.judge = judge;
  }

  /** Whether it meets the objective; undefined: it was given up. Errors: the first one was given up. */
  async look(size: number): Promise<boolean | undefined> {
    if (!this.known.includes(size)) {
      const look = this.judge.at(size).then(() => true);
      const made = this.known.length === 0 ? await look : await inTime(look);
      if (made === undefined) {
        this.cut = true;
        return undefined;
      }
      this.known = [...this.known, size].sort((a, b) => a - b);
    }
    return this.judge.judge(size) === "met";
  }

  /** Whether there is time to look at the size that is next; remembered when there is not. */
  allows(): boolean {
    if (this.judge.spent <= RUNGS_UNTIL) return true;
    this.cut = true;
    return false;
  }

  get meeting(): number[] {
    return this.known.filter((size) => this.judge.judge(size) === "met");
  }

  /** The one that is nearest to the objective. */
  get best(): number {
    const { distance } = this.judge;
    const far = (size: number): number => distance.call(this.judge, size);
    return this.known.reduce((best, size) => (far(size) < far(best) ? size : best));
  }

  /** The next known one below, or 0, which would fail; above, or undefined. */
  below(size: number): number {
    return this.known.findLast((other) => other < size) ?? 0;
  }
  above(size: number): number | undefined {
    return this.known.find((other) => other > size);
  }

  /** Bisects between a size that fails, or cannot be, and one that meets the objective. */
  async edge(fails: number, meets: number): Promise<Edge> {
    const edge = { meets, fails, open: false };
    while (Math.abs(edge.meets - edge.fails) > 1) {
      if (this.judge.spent > EDGES_UNTIL) return { ...edge, open: true };
      const middle = (edge.meets + edge.fails) >> 1;
      const meets = await this.look(middle);
      if (meets === undefined) return { ...edge, open: true };
      if (meets) edge.meets = middle;
      else edge.fails = middle;
    }
    return edge;
  }
}

async function climb(sizes: Sizes, start: number, largest: number): Promise<void> {
  const up = rungs(start, (size) => Math.min(largest, 2 * size), largest);
  const down = rungs(start, (size) => size >> 1, 1);
  await sizes.look(start);
  const ways = [
    { sizes: up, open: true },
    { sizes: down, open: true },
  ];
  for (let i = 0; i < Math.max(up.length, down.length); i++)
    for (const way of ways) way.open = way.open && (await worthwhile(sizes, way.sizes[i]));
}

/** Every size from the one after `start` until `end`, by `next`. */
function rungs(start: number, next: (size: number) => number, end: number): number[] {
  const sizes: number[] = [];
  for (let size = start; size !== end; ) {
    size = next(size);
    sizes.push(size);
  }
  return sizes;
}

/** Looks at a rung. False: it fails, and by more than the best so far, so that further ones are worse. */
async function worthwhile(sizes: Sizes, size: number | undefined): Promise<boolean> {
  if (size === undefined || !sizes.allows()) return false;
  const before = sizes.best;
  const meets = await sizes.look(size);
  if (meets !== false) return meets === true;
  return sizes.judge.distance(size) <= MUCH * sizes.judge.distance(before);
}

/** So much worse is no accident of the draws. */
const MUCH = 1.2;

/** Looks between the best size and its neighbours until one meets the objective or nothing is between. */
async function narrow(sizes: Sizes): Promise<void> {
  for (;;) {
    const { best } = sizes;
    const [below, above] = [sizes.below(best), sizes.above(best) ?? best];
    const side = above - best > best - below ? above : below;
    const middle = (best + side) >> 1;
    if (middle === best || middle === side || middle < 1 || !sizes.allows()) return;
    if ((await sizes.look(middle)) !== false) return;
  }
}
