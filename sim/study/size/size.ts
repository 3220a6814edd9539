/**
 * `size`: the smallest `default_pool_size` that meets the objective with confidence, found by a search on
 * common random numbers; the curve around it, what a harder day would need, and why.
 *
 * More connections never make anybody wait longer on the same draws as long as the database itself does
 * not slow down, so the search is one of bisection: it looks at a handful of sizes, not at a grid.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { CurvePoint, Result } from "../results.ts";
import { type Study, type StudyOptions, study } from "../run.ts";
import { curvePoint, kneeOf } from "./curve.ts";
import { iniOf } from "./ini.ts";
import { Probes } from "./probes.ts";
import { whyNone, whySize } from "./reason.ts";
import { search } from "./search.ts";
import { harderDays } from "./sensitivity.ts";
import { largestPool, sizedByEntries, withPoolSize } from "./variants.ts";

/** The part of a result that is `size`'s own. */
export type Sizing = Pick<Result, "runs" | "curve" | "verdict"> & Partial<Result>;

/** Parts of the time limit after which the curve, and the harder days, get no further points. */
const CURVE_UNTIL = 0.7;
const DAYS_UNTIL = 1;

/**
 * Sizes the pool of a workload that has an objective. `options.precision` is that of the final run.
 * Errors: ConfigError when the model refuses the workload.
 */
export async function sizePool(workload: Workload, options: StudyOptions = {}): Promise<Sizing> {
  const probes = new Probes(workload, options);
  const largest = largestPool(workload);
  const found = await search(probes, largest);
  const notes = [...sizedByEntries(workload), ...found.notes];
  if (found.size === undefined) return await none(probes, largest, notes);
  const { size } = found;
  const final = await finalStudy(workload, size, probes, options);
  const curve = await curveAround(probes, size, largest);
  const sensitivity = await harderDays(workload, size, probes, DAYS_UNTIL);
  const { run } = final;
  return {
    runs: [run],
    recommended: {
      pool_size: size,
      settings: { default_pool_size: size },
      reason: whySize(workload, run, probes.known(size - 1)?.run),
      ini: iniOf(withPoolSize(workload, size).settings),
    },
    ...(run.slo === undefined ? {} : { slo: run.slo }),
    curve,
    knee: kneeOf(curve),
    sensitivity,
    verdict: "pass",
    notes: [...notes, ...final.notes],
  };
}

/** Nothing meets the objective: the largest pool shows what is left, and why. */
async function none(probes: Probes, largest: number, notes: string[]): Promise<Sizing> {
  const { run } = await probes.at(largest);
  const curve = probes.all().map(([size, each]) => curvePoint(size, each.run));
  const unsure = probes.judge(largest) === "unsure";
  return {
    runs: [run],
    ...(run.slo === undefined ? {} : { slo: run.slo }),
    curve,
    knee: kneeOf(curve),
    verdict: unsure ? "unsure" : "fail",
    reasons: whyNone(probes.workload, run, largest),
    notes,
  };
}

/** The recommended size once more, as precisely as `simulate` would. */
async function finalStudy(
  workload: Workload,
  size: number,
  probes: Probes,
  options: StudyOptions,
): Promise<Study> {
  probes.tell(`${size} connections, precisely`);
  return await study(withPoolSize(workload, size), {
    ...options,
    timeLimit: probes.allowance,
    onProgress: undefined,
  });
}

/** Sizes of a curve, as multiples of the answer; its neighbours come with them. */
const SPREAD = [0.5, 0.7, 0.8, 0.9, 1.1, 1.25, 1.5, 2];

async function curveAround(probes: Probes, size: number, largest: number): Promise<CurvePoint[]> {
  const near = [size - 1, size + 1, size - 2, size + 2];
  const far = SPREAD.map((factor) => Math.round(factor * size));
  for (const each of [...near, ...far]) {
    if (each < 1 || each > largest) continue;
    if (probes.spent < CURVE_UNTIL) await probes.at(each);
  }
  return probes.all().map(([each, found]) => curvePoint(each, found.run));
}
