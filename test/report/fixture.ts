/** Results as a study would give them, small enough to check by eye. */
import type { CurvePoint, Moment, Result, Run } from "../../sim/study/results/index.ts";

const QUANTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1] as const;

/** A run whose waits grow with `scale`. */
export function sampleRun(pool_mode: Run["pool_mode"], scale: number): Run {
  const ms = (p: number): number => (p <= 0.5 ? 0 : scale * -Math.log(1.0001 - p));
  const timeline: Moment[] = Array.from({ length: 60 }, (_, i) => ({
    at_s: i,
    clients_waiting: i > 20 && i < 40 ? 20 - Math.abs(30 - i) : 0,
    servers_active: Math.min(20, 5 + i),
    server_connections: Math.min(20, 8 + i),
  }));
  const wait = {
    mean: ms(0.63),
    mean_ci95: [ms(0.63) * 0.9, ms(0.63) * 1.1] as [number, number],
    p50: 0,
    p95: ms(0.95),
    p95_ci95: [ms(0.95) * 0.9, ms(0.95) * 1.1] as [number, number],
    p99: ms(0.99),
    p99_ci95: [ms(0.99) * 0.9, ms(0.99) * 1.1] as [number, number],
    max: ms(1),
  };
  const response = { mean: 12.5, p50: 9.1, p95: 30.2, p99: 44, max: 170 };
  const kind = {
    transactions: 61_728,
    wait_ms: wait,
    response_ms: response,
    throughput_tps: 500.2,
    timeouts: 0,
    refused: 0,
    errors: {},
  };
  return {
    pool_mode,
    pool_size: 20,
    settings: {},
    simulated_s: 600,
    warmup_s: 30,
    replications: 10,
    precise: true,
    transactions: 123_456,
    events: 987_654,
    wall_s: 0.2,
    wait_ms: wait,
    wait_probability: 0.21,
    wait_probability_ci95: [0.2, 0.22],
    response_ms: response,
    throughput_tps: 1000.5,
    throughput_tps_ci95: [998, 1003],
    utilization: 0.71,
    clients_waiting: { mean: 1.3, max: 20, unserved: 0 },
    server_connections: { mean: 18.2, max: 20, opened: 3 },
    multiplexing: 16.2,
    memory_mb: 200,
    timeouts: pool_mode === "session" ? 480 : 0,
    refused: 0,
    errors: pool_mode === "session" ? { query_wait_timeout: 480 } : {},
    clients: { browsing: kind, checkout: kind },
    distribution: QUANTILES.map((p) => ({ p, wait_ms: ms(p), response_ms: 4 + ms(p) })),
    timeline,
  };
}

/** Three modes of one workload. */
export function sampleComparison(): Result {
  return {
    poolwise: "0.1.0",
    command: "compare",
    workload: "checkout",
    seed: 1,
    precision: 0.05,
    runs: [sampleRun("session", 900), sampleRun("transaction", 4), sampleRun("statement", 3)],
    differences: [
      {
        from: "session",
        to: "transaction",
        wait_mean_ms: -891,
        wait_mean_ms_ci95: [-950, -840],
        wait_p99_ms: -4100,
        wait_p99_ms_ci95: [-4300, -3900],
        throughput_tps: 12,
        throughput_tps_ci95: [-3, 27],
      },
    ],
  };
}

/** A falling curve of waits over the pool size. */
export function sampleCurve(): CurvePoint[] {
  return [10, 12, 14, 16, 18, 20, 22, 24].map((pool_size, i) => {
    const wait = 40 / 2 ** i;
    return {
      pool_size,
      wait_mean_ms: wait,
      wait_mean_ms_ci95: [wait * 0.9, wait * 1.1],
      wait_p99_ms: wait * 6,
      wait_p99_ms_ci95: [wait * 5, wait * 7],
      throughput_tps: 1000 - 300 / (i + 1),
      throughput_tps_ci95: [990 - 300 / (i + 1), 1010 - 300 / (i + 1)],
      response_p99_ms: wait * 6 + 20,
      utilization: 0.9 - i * 0.05,
      timeouts: 0,
      slo_met: wait * 6 <= 10,
    };
  });
}
