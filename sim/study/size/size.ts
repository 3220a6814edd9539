/**
 * `size`: the smallest `default_pool_size` that meets the objective with confidence, found by a search on
 * common random numbers; the curve around it, what a harder day would need, and why.
 *
 * More connections never make anybody wait longer on the same draws as long as the database itself does
 * not slow down: then the search is one of bisection, and looks at a handful of sizes, not at a grid.
 * Where busy statements share the database's cores a bigger pool can hurt, and another search is needed.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { speedOf, topSpeed } from "../../model/index.ts";
import type { CurvePoint, Result } from "../results/index.ts";
import { inTime, type Study, type StudyOptions, study } from "../run.ts";
import { counted } from "../words.ts";
import { bestOf, biggerThan, costOf, movedWaiting } from "./bigger.ts";
import { curvePoint, kneeOf } from "./curve.ts";
import { iniWithSize } from "./ini.ts";
import { waitingInside } from "./inside.ts";
import { judge, Probes } from "./probes.ts";
import { whyNone, whyNoneShared, whySize } from "./reason.ts";
import { searchRegion } from "./region.ts";
import { remedies } from "./remedies.ts";
import { search, undecided } from "./search.ts";
import { harderDays } from "./sensitivity.ts";
import { largestPool, sharedLimit, sizedByEntries, withPoolSize } from "./variants.ts";

/** The part of a result that is `size`'s own. */
export type Sizing = Pick<Result, "runs" | "curve" | "verdict"> & Partial<Result>;

/** Parts of the time limit after which the curve, and the harder days, get no further points. */
const CURVE_UNTIL = 0.7;
const DAYS_UNTIL = 1;

/** What a search came to; `region` where a bigger pool can hurt. */
interface Found {
  size: number | undefined;
  region?: Result["region"];
  /** The largest of which it is known, where pools share a limit. */
  most?: number;
  /** No size was found, and not all were looked at that might do. */
  cut?: true;
  notes: string[];
}

/**
 * Sizes the pool of a workload that has an objective. `options.precision` is that of the final run.
 * Errors: ConfigError when the model refuses the workload.
 */
export async function sizePool(workload: Workload, options: StudyOptions = {}): Promise<Sizing> {
  const probes = new Probes(workload, options);
  const largest = largestPool(workload);
  const found = await smallest(probes, largest);
  const notes = [...sizedByEntries(workload), ...found.notes];
  if (found.size === undefined) return await none(probes, largest, { ...found, notes });
  const first = { ...found, size: found.size };
  const { size, final, region } = await settled(workload, first, largest, probes, options);
  await inTime(lookAround(probes, size, largest));
  const shared = region && (await inTime(bigger(probes, size, largest)));
  const curve = curveOf(probes);
  const sensitivity = await harderDays(workload, size, probes, DAYS_UNTIL);
  const { run } = final;
  return {
    runs: [run],
    recommended: {
      pool_size: size,
      settings: { default_pool_size: size },
      reason: whySize(workload, run, probes.known(size - 1)?.run),
      ini: iniWithSize(workload, size),
    },
    ...(run.slo === undefined ? {} : { slo: run.slo }),
    curve,
    knee: kneeOf(curve),
    ...(region && { region }),
    ...shared,
    sensitivity,
    verdict: judge(final) === "met" ? "pass" : "unsure",
    notes: [
      ...notes,
      ...undecided(probes, size),
      ...final.notes,
      ...(region ? movedWaiting(curve, size) : []),
      ...waitingInside(workload, run),
    ],
  };
}

async function smallest(probes: Probes, largest: number): Promise<Found> {
  const speed = speedOf(probes.workload.server);
  if (speed === undefined) return await smallestOfSharing(probes, largest);
  // A connection for each core is the least that keeps them all busy.
  const start = Math.max(1, Math.ceil(topSpeed(speed, largest)));
  const { from, to, notes, cut } = await searchRegion(probes, start, largest);
  if (from === undefined || to === undefined)
    return { size: undefined, notes, ...(cut && { cut }) };
  return { size: from, region: { from, to }, notes };
}

/**
 * Where pools share a limit of their connections, those of one that is large are missed by the others: that
 * the largest size does not do says nothing of smaller ones.
 */
async function smallestOfSharing(probes: Probes, largest: number): Promise<Found> {
  const found = await search(probes, largest);
  const shared = sharedLimit(probes.workload);
  if (found.size !== undefined || shared === undefined) return found;
  const most = Math.min(largest, shared.most);
  const { from, to, notes, cut } = await searchRegion(probes, Math.min(shared.even, most), most);
  if (from === undefined || to === undefined)
    return { size: undefined, notes, ...(cut && { cut }) };
  const starving =
    `pools of more than ${counted(to, "connection")} do not meet the objective: they share max_db_connections or ` +
    "max_user_connections, and those of the one that has them are missed by the others";
  return { size: from, most: to, notes: [...notes, starving] };
}

/** The best size so far, and what a bigger pool than `than`, or than the best, costs. */
async function bigger(
  probes: Probes,
  than: number | undefined,
  largest: number,
): Promise<Pick<Result, "best" | "bigger">> {
  const best = bestOf(curveOf(probes));
  if (best === undefined) return {};
  const size = than ?? best.pool_size;
  const own = probes.workload.settings.default_pool_size;
  const many = biggerThan(size, best.pool_size, own, largest);
  if (many <= size) return { best };
  const cost = await costOf(probes, size, many);
  // The bigger one is a point of the curve now, and may be the best of all.
  return { best: bestOf(curveOf(probes)) ?? best, bigger: cost };
}

/** Nothing meets the objective: the largest pool shows what is left, and why; with cores the nearest. */
async function none(probes: Probes, largest: number, found: Found): Promise<Sizing> {
  const shared = speedOf(probes.workload.server) !== undefined;
  const sharing = sharedLimit(probes.workload) !== undefined;
  // First, for it looks at one more size, which may be the nearest.
  const costs = shared && (await inTime(bigger(probes, undefined, largest)));
  const nearest = shared || sharing ? probes.nearest : largest;
  const { run } = await probes.at(nearest);
  const unsure = found.cut === true || probes.judge(nearest) === "unsure";
  const looked = found.cut && probes.all().map(([size]) => size);
  const reasons = shared
    ? [
        ...whyNoneShared(probes.workload, run, largest, looked),
        ...((await inTime(remedies(probes, nearest, 0.85))) ?? []),
      ]
    : whyNone(probes.workload, run, largest, looked);
  const curve = curveOf(probes);
  return {
    runs: [run],
    ...(run.slo === undefined ? {} : { slo: run.slo }),
    curve,
    knee: kneeOf(curve),
    ...costs,
    verdict: unsure ? "unsure" : "fail",
    reasons,
    notes: found.notes,
  };
}

/** Part of the time limit after which no further size is looked at precisely. */
const SETTLED_UNTIL = 0.8;

/**
 * The answer of a search once more, as precisely as `simulate` would. A look that was as long as it took to
 * be sure is the one of several that was lucky: where more draws do not bear it out, the next size is the
 * answer, if it is sure.
 */
async function settled(
  workload: Workload,
  found: Found & { size: number },
  largest: number,
  probes: Probes,
  options: StudyOptions,
): Promise<{ size: number; final: Study; region: Result["region"] }> {
  const { region, most = region?.to ?? largest } = found;
  for (let { size } = found; ; size++) {
    const final = await finalStudy(workload, size, probes, options);
    probes.learn(size, final);
    const sure = judge(final) === "met";
    if (sure || size >= most || probes.spent > SETTLED_UNTIL)
      return { size, final, region: region && { from: size, to: most } };
  }
}

/** A size as precisely as `simulate` would have it, and until the objective is decided. */
async function finalStudy(
  workload: Workload,
  size: number,
  probes: Probes,
  options: StudyOptions,
): Promise<Study> {
  probes.tell(`${counted(size, "connection")}, precisely`);
  const precise = study(withPoolSize(workload, size), {
    ...options,
    goal: "both",
    timeLimit: probes.allowance,
    onProgress: undefined,
  });
  return (await inTime(precise)) ?? (await probes.at(size));
}

/** Sizes of a curve, as multiples of the answer; its neighbours come with them. */
const SPREAD = [0.5, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5, 2];

async function lookAround(probes: Probes, size: number, largest: number): Promise<void> {
  const near = [size - 1, size + 1, size - 2, size + 2];
  const far = SPREAD.map((factor) => Math.round(factor * size));
  for (const each of [...near, ...far]) {
    if (each < 1 || each > largest) continue;
    if (probes.spent < CURVE_UNTIL) await probes.at(each);
  }
}

const curveOf = (probes: Probes): CurvePoint[] =>
  probes.all().map(([size, { run }]) => curvePoint(size, run));
