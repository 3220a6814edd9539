/** Where the database's cores are shared: the best size, and what a bigger pool costs. */
import type { CurvePoint, Interval95, Result } from "../results/index.ts";
import { type Interval, pairedConfidence } from "../statistics.ts";
import { counted } from "../words.ts";
import type { Probes } from "./probes.ts";

type Best = NonNullable<Result["best"]>;
type Bigger = NonNullable<Result["bigger"]>;

/** The size of the curve with the shortest response at p99; the smallest of them. */
export function bestOf(curve: readonly CurvePoint[]): Best | undefined {
  const served = curve.filter(({ throughput_tps }) => throughput_tps > 0);
  const [first] = served;
  if (first === undefined) return undefined;
  const best = served.reduce((a, b) => (b.response_p99_ms < a.response_p99_ms ? b : a), first);
  const { pool_size, response_p99_ms, response_p99_ms_ci95 = null, throughput_tps } = best;
  return { pool_size, response_p99_ms, response_p99_ms_ci95, throughput_tps };
}

/**
 * Where an objective for waits alone asks for more connections than are good for the clients: the waiting
 * then moves into the database, where nobody counts it.
 */
export function movedWaiting(curve: readonly CurvePoint[], size: number): string[] {
  const [best, here] = [bestOf(curve), curve.find(({ pool_size }) => pool_size === size)];
  const [, fast = Number.NaN] = best?.response_p99_ms_ci95 ?? [];
  const [slow = Number.NaN] = here?.response_p99_ms_ci95 ?? [];
  if (best === undefined || best.pool_size >= size || !(fast < slow)) return [];
  const [few, many] = [best.response_p99_ms, here?.response_p99_ms ?? Number.NaN].map(Math.round);
  return [
    `with ${counted(size, "connection")} the waiting moves into the database: ` +
      `response p99 is ${many} ms, with ${best.pool_size} it would be ${few} ms; an objective for response_p99 counts both`,
  ];
}

/** How many times the best size a pool is whose owner believes that more is better. */
const TOO_MUCH = 8;

/** A bigger pool to hold against `size`: the workload's own, or several times the best. */
export function biggerThan(size: number, best: number, own: number, largest: number): number {
  const floor = Math.max(size, best);
  return own > floor && own <= largest ? own : Math.min(largest, TOO_MUCH * floor);
}

/** What `pool_size` connections change beside `than` of them, on the same draws. */
export async function costOf(probes: Probes, than: number, pool_size: number): Promise<Bigger> {
  const [few, many] = await probes.pair(than, pool_size);
  const response = pairedConfidence(few.samples.response_p99_ms, many.samples.response_p99_ms);
  const rate = pairedConfidence(few.samples.throughput_tps, many.samples.throughput_tps);
  return {
    pool_size,
    than,
    response_p99_ms: [few.run.response_ms.p99, many.run.response_ms.p99],
    response_p99_change_ms: response.mean,
    response_p99_change_ms_ci95: asPair(response),
    throughput_tps: [few.run.throughput_tps, many.run.throughput_tps],
    throughput_change_tps: rate.mean,
    throughput_change_tps_ci95: asPair(rate),
    hurts: response.low > 0,
  };
}

function asPair({ low, high }: Interval): Interval95 {
  return Number.isFinite(low) && Number.isFinite(high) ? [low, high] : null;
}
