/**
 * Simulations of a notebook: the same study as the commands', but with a fixed number of replications, so
 * that a page shows the same figures on every machine, however slow.
 */
import type { PoolMode } from "../../engine/core/index.ts";
import { duration, durations } from "../../sim/report/units.ts";
import type { CurvePoint, Run } from "../../sim/study/results/index.ts";
import { study } from "../../sim/study/run.ts";
import { LEAST_REPLICATIONS } from "../../sim/study/statistics.ts";
import type { Workload } from "../../workloads/schema/workload.ts";

/** Replications behind each figure: as many as a study makes before it looks at its intervals first. */
export const REPLICATIONS = LEAST_REPLICATIONS;

/** Studies one workload; `onProgress` is told the replications done. Errors: ConfigError. */
export async function studied(
  workload: Workload,
  onProgress: (replications: number) => void = () => {},
): Promise<Run> {
  const answer = await study(workload, {
    replications: REPLICATIONS,
    onProgress: ({ replications }) => onProgress(replications),
  });
  return answer.run;
}

/** The workload with another pool size, and in another mode. */
export function configured(workload: Workload, pool_size: number, pool_mode?: PoolMode): Workload {
  const mode = pool_mode ?? workload.settings.pool_mode;
  const databases = workload.settings.databases.map(
    ({ pool_size: _, pool_mode: __, ...entry }) => entry,
  );
  const settings = { ...workload.settings, databases, pool_mode: mode };
  return { ...workload, settings: { ...settings, default_pool_size: pool_size } };
}

/**
 * The smallest pool from which on all p99 waits stay below the limit with their whole interval;
 * undefined while no simulated size does.
 */
export function smallest(points: readonly CurvePoint[], limit_ms: number): number | undefined {
  const sure = (point: CurvePoint): boolean =>
    (point.wait_p99_ms_ci95?.[1] ?? Number.POSITIVE_INFINITY) <= limit_ms && point.timeouts === 0;
  const rising = [...points].sort((a, b) => a.pool_size - b.pool_size);
  const lastBad = rising.findLastIndex((point) => !sure(point));
  return rising[lastBad + 1]?.pool_size;
}

/** At most 19 pool sizes about the offered work, from where it piles up to where nobody waits. */
export function sizesAround(offered: number): number[] {
  // Demand swings by about the square root of its mean, as Poisson's law has it.
  const swing = Math.sqrt(offered);
  const low = Math.max(1, Math.floor(offered - swing));
  const high = Math.ceil(offered + 3.2 * swing + 1);
  const step = Math.ceil((high - low) / 18);
  return Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => low + i * step);
}

/**
 * `11.9 to 12.8 ms`: the 95 % interval of the p99 wait. An overloaded pool has none here: its queue moves so
 * slowly that ten replications cannot tell how high it gets.
 */
export function interval({ wait_p99_ms_ci95 }: CurvePoint): string {
  return wait_p99_ms_ci95 === null ? "too wide to tell" : durations(wait_p99_ms_ci95).join(" to ");
}

/** `12.3 ms (95 %: 11.9 to 12.8 ms)`: the p99 wait of one size. */
export function around(points: readonly CurvePoint[], pool_size: number): string {
  const point = points.find((each) => each.pool_size === pool_size);
  if (point === undefined) return "";
  return `${duration(point.wait_p99_ms)} (95 %: ${interval(point)})`;
}
