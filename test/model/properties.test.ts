/**
 * What is true of every run. fast-check prints the seed and the smallest workload of a failure;
 * PROPERTY_RUNS sets how many workloads each property tries.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { type Figures, type RunResult, simulate, type Trace } from "../../sim/model/index.ts";
import { MS, SECOND } from "../../sim/study/theory/textbook.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { any, patient, plain } from "./any-workload.ts";

const numRuns = Number(process.env.PROPERTY_RUNS ?? 150);
const DURATION = 2 * SECOND;

const seeds = fc.nat();

function holds(
  workloads: fc.Arbitrary<Workload>,
  claim: (of: Workload, seed: number) => void,
): void {
  fc.assert(fc.property(workloads, seeds, claim), { numRuns });
}

test("limits: no more servers, clients and waiters than there may be", () => {
  holds(any, (workload, seed) => {
    const { settings, clients } = workload;
    const result = simulate(workload, { seed, warmup: SECOND, duration: DURATION, moments: 40 });
    const pools = clients.length * (settings.default_pool_size + settings.reserve_pool_size);
    const most = settings.max_db_connections > 0 ? Math.min(3, pools) : pools;
    expect(result.server_connections.max).toBeLessThanOrEqual(most);
    expect(result.servers_active).toBeLessThanOrEqual(result.server_connections.mean + 1e-9);
    expect(result.utilization).toBeLessThanOrEqual(1);
    // A client that is refused learns it one round trip later, and counts until then.
    const learning = ((dropsIn(result) + 30) * workload.network.client) / DURATION;
    expect(result.clients_connected).toBeLessThanOrEqual(settings.max_client_conn + learning);
    expect(result.clients_waiting.max).toBeLessThanOrEqual(settings.max_client_conn);
    const admitted = Math.min(result.server_connections.max, workload.server.max_connections);
    expect(result.memory).toBe(admitted * 10_000_000);
    for (const moment of result.timeline) {
      expect(moment.servers_active).toBeLessThanOrEqual(moment.server_connections);
      expect(moment.servers_active).toBeGreaterThanOrEqual(0);
      expect(moment.clients_waiting).toBeGreaterThanOrEqual(0);
    }
  });
});

test("figures agree with each other and with the trace", () => {
  holds(any, (workload, seed) => {
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    for (const figures of [result.all, ...Object.values(result.kinds)]) consistent(figures);
    const { all } = result;
    expect(trace.wait.length).toBe(all.response.count);
    expect(all.response.max).toBe(trace.response.reduce((a, b) => Math.max(a, b), 0));
    expect(all.wait.sum).toBe(trace.wait.reduce((a, b) => a + b, 0));
    const waits = trace.wait.filter((wait) => wait > 0).length;
    expect(all.wait_probability * all.wait.count).toBeCloseTo(waits, 6);
    expect(trace.wait.every((wait, i) => wait >= 0 && wait <= (trace.response[i] ?? 0))).toBe(true);
    const window = (sent: number): boolean => sent >= 0 && sent < DURATION;
    expect(trace.sent.every(window)).toBe(true);
  });
});

test("conservation: each transaction that was begun is completed, if nothing can drop it", () => {
  holds(patient, (workload, seed) => {
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    const seen = new Map<string, Set<number>>();
    trace.client.forEach((client, i) => {
      const of = `${trace.kind[i]} ${client}`;
      const numbers = seen.get(of) ?? new Set();
      seen.set(of, numbers.add(trace.transaction[i] as number));
    });
    // A client numbers its transactions: none is missing, none is there twice.
    let completed = 0;
    for (const numbers of seen.values()) completed += Math.max(...numbers) + 1;
    expect(trace.client.length).toBe(completed);
    expect([result.unfinished, dropsIn(result)]).toEqual([0, 0]);
  });
});

test("a client's transactions follow one another", () => {
  holds(any, (workload, seed) => {
    const trace = simulate(workload, { seed, duration: DURATION, trace: true }).trace as Trace;
    const free = new Map<string, number>();
    // A client's rows are in the order of their completion, and it has one transaction at a time.
    trace.client.forEach((client, i) => {
      const of = `${trace.kind[i]} ${client}`;
      const sent = trace.sent[i] as number;
      expect(sent).toBeGreaterThanOrEqual(free.get(of) ?? 0);
      free.set(of, sent + (trace.response[i] as number));
    });
  });
});

test("the same seed gives the same run, whatever the workload", () => {
  holds(any, (workload, seed) => {
    const options = { seed, warmup: 100 * MS, duration: SECOND, trace: true };
    // `toEqual` takes a tenth of a second for the histograms of one run.
    expect(isDeepStrictEqual(simulate(workload, options), simulate(workload, options))).toBe(true);
  });
});

test("one pool: first come, first served", () => {
  holds(plain, (workload, seed) => {
    const trace = simulate(workload, { seed, duration: DURATION, trace: true }).trace as Trace;
    const served = trace.sent.map((sent, i) => [sent, sent + (trace.wait[i] as number)] as const);
    served.sort(([a, x], [b, y]) => a - b || x - y);
    expect(served.every(([, start], i) => i === 0 || start >= (served[i - 1]?.[1] ?? 0))).toBe(
      true,
    );
  });
});

test("one pool: nobody waits while a server is idle", () => {
  holds(plain, (workload, seed) => {
    const servers = workload.settings.default_pool_size;
    const warmup = 2 * SECOND;
    const result = simulate(workload, { seed, warmup, duration: DURATION, moments: 200 });
    const idle = result.timeline.filter(
      (moment) => moment.clients_waiting > 0 && moment.servers_active < servers,
    );
    expect(idle).toEqual([]);
  });
});

test("one pool: Little's law to the nanosecond, for those who wait and for those who are served", () => {
  holds(plain, (workload, seed) => {
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    // What of each stay lies within the window, which begins with the run: L = lambda W.
    const stay = (from: (i: number) => number, to: (i: number) => number): number =>
      trace.sent.reduce(
        (sum, _, i) => sum + Math.min(to(i), DURATION) - Math.min(from(i), DURATION),
        0,
      );
    const sent = (i: number): number => trace.sent[i] as number;
    const start = (i: number): number => sent(i) + (trace.wait[i] as number);
    const end = (i: number): number => sent(i) + (trace.response[i] as number);
    expect(Math.round(result.clients_waiting.mean * DURATION)).toBe(stay(sent, start));
    expect(Math.round(result.servers_active * DURATION)).toBe(stay(start, end));
  });
});

test("one pool: SHOW STATS counts what was sent, and its wait is that of those who were served", () => {
  holds(plain, (workload, seed) => {
    const result = simulate(workload, { seed, duration: DURATION, trace: true });
    const trace = result.trace as Trace;
    expect(result.stats[STAT.xact_count]).toBe(trace.sent.length);
    expect(result.stats[STAT.query_count]).toBe(trace.sent.length);
    let waited = 0;
    for (const [i, sent] of trace.sent.entries()) {
      const wait = trace.wait[i] as number;
      if (sent + wait < DURATION) waited += wait;
    }
    expect(result.stats[STAT.wait_time]).toBe(waited);
  });
});

function dropsIn(result: RunResult): number {
  return Object.values(result.all.errors).reduce((sum, count) => sum + count, 0);
}

function consistent(figures: Figures): void {
  const { wait, response, wait_probability, throughput, timeouts, refused, errors } = figures;
  expect(response.count).toBe(wait.count);
  expect(throughput * (DURATION / SECOND)).toBeCloseTo(response.count, 6);
  expect(wait_probability).toBeGreaterThanOrEqual(0);
  expect(wait_probability).toBeLessThanOrEqual(1);
  expect(wait.max).toBeLessThanOrEqual(response.max);
  expect(wait.quantile(0.5)).toBeLessThanOrEqual(wait.quantile(0.99));
  const dropped = Object.values(errors).reduce((sum, count) => sum + count, 0);
  expect(timeouts + refused).toBeLessThanOrEqual(dropped);
}
