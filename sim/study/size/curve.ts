/** Points of the curve over the pool size, and its knee. */
import type { CurvePoint, Result, Run } from "../results/index.ts";

/** A point of a curve: one size, or one value of another key. */
export function curvePoint(pool_size: number, run: Run): CurvePoint {
  return {
    pool_size,
    wait_mean_ms: run.wait_ms.mean,
    wait_mean_ms_ci95: run.wait_ms.mean_ci95 ?? null,
    wait_p99_ms: run.wait_ms.p99,
    wait_p99_ms_ci95: run.wait_ms.p99_ci95 ?? null,
    throughput_tps: run.throughput_tps,
    throughput_tps_ci95: run.throughput_tps_ci95 ?? null,
    response_mean_ms: run.response_ms.mean,
    response_p99_ms: run.response_ms.p99,
    response_p99_ms_ci95: run.response_ms.p99_ci95 ?? null,
    ...(run.cores === undefined ? {} : { stretch: run.cores.stretch }),
    utilization: run.utilization,
    timeouts: run.timeouts,
    ...(run.slo === undefined ? {} : { slo_met: meets(run) }),
  };
}

const meets = (run: Run): boolean =>
  run.slo?.terms.every((term) => term.met && term.certain) === true;

/** Share of the most that the database ever gets through, from which a pool counts as past the knee. */
const KNEE = 0.99;

/** The smallest size of the curve that gets through 99 % of the most. */
export function kneeOf(curve: readonly CurvePoint[]): Result["knee"] {
  const most = Math.max(...curve.map((point) => point.throughput_tps));
  const first = curve.find((point) => most > 0 && point.throughput_tps >= KNEE * most);
  return first && { pool_size: first.pool_size, throughput_tps: first.throughput_tps };
}
