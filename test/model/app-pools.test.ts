/** Pools inside the application: two queues, one behind the other, told apart. */
import { describe, expect, test } from "vitest";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import { closedPool } from "../../sim/study/analytic/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import type { AppPool, ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { holds, samplesOf } from "./exactness.ts";

/** One transaction a session. */
const ONE = { kind: "constant", value: 1 } as const;
const pooled = (kind: ClientKind, pool: Partial<AppPool>): ClientKind => ({
  ...kind,
  app_pool: { instances: 1, size: 1, timeout: 0, ...pool },
});
const mean = (result: RunResult): number => (result.all.app_wait?.mean ?? 0) / MS;

describe("exact theory", () => {
  const law = closedPool({ clients: 20, think: 100, service: 10, servers: 2 });
  const kind = closedKind(20, exponential(100), exponential(10));
  const runs = (workload: Workload): RunResult[] =>
    Array.from({ length: 12 }, (_, seed) =>
      simulate(workload, { seed, warmup: SECOND, duration: 30 * SECOND }),
    );

  test("two connections in front of many servers: all waiting is in the application", () => {
    const results = runs(textbook([pooled(kind, { size: 2 })], 10));
    holds("app wait", samplesOf(results, mean), law.mean);
    expect(results.every((result) => result.all.wait.max === 0)).toBe(true);
    expect(results.every((result) => Math.abs(result.clients_connected - 2) < 1e-9)).toBe(true);
  });

  test("many connections in front of two servers: all waiting is in the pooler", () => {
    const results = runs(textbook([pooled(kind, { size: 20 })], 2));
    holds(
      "wait",
      samplesOf(results, (result) => result.all.wait.mean / MS),
      law.mean,
    );
    expect(results.every((result) => result.all.app_wait?.max === 0)).toBe(true);
  });

  test("five and two: the waits of both queues add up to that of two servers", () => {
    const results = runs(textbook([pooled(kind, { size: 5 })], 2));
    holds(
      "both",
      samplesOf(results, (result) => mean(result) + result.all.wait.mean / MS),
      law.mean,
    );
    expect(results.every((result) => mean(result) > 0 && result.all.wait.mean > 0)).toBe(true);
  });

  test("two instances of one connection each are two queues of ten users", () => {
    const alone = closedPool({ clients: 10, think: 100, service: 10, servers: 1 });
    const results = runs(textbook([pooled(kind, { instances: 2 })], 10));
    holds("app wait", samplesOf(results, mean), alone.mean);
  });
});

test("a connection for every user is as good as no pool, to the nanosecond", () => {
  const session = { transactions: { kind: "constant", value: 7 }, away: exponential(50) } as const;
  const kind = { ...closedKind(12, exponential(40), exponential(10)), session };
  const statements = { kind: "constant", value: 3 } as const;
  const several = {
    ...kind,
    transaction: { ...kind.transaction, statements, gap: exponential(2) },
  };
  const plain = textbook([several], 3);
  const rows = (kinds: ClientKind[]) => {
    const { trace } = simulate({ ...plain, clients: kinds }, { duration: 9 * SECOND, trace: true });
    const all = (trace?.sent ?? []).map((sent, i) =>
      [trace?.client[i], trace?.transaction[i], sent, trace?.wait[i], trace?.response[i]].join(),
    );
    return all.sort();
  };
  const own = rows([several]);
  expect(rows([pooled(several, { instances: 1, size: 12 })])).toEqual(own);
  expect(own.length).toBeGreaterThan(500);
});

describe("a history of constant times", () => {
  const kind = closedKind(3, constant(0), constant(10));
  const open = openKind(constant(100), constant(250));

  test("three users of one connection are served in turn, and response counts both waits", () => {
    const once = { ...kind, session: { ...kind.session, away: constant(1e6) } };
    const one = { ...once, session: { ...once.session, transactions: ONE } };
    const result = simulate(textbook([pooled(one, {})], 1), { duration: SECOND, trace: true });
    expect(result.trace?.response.map((time) => time / MS)).toEqual([10, 20, 30]);
    expect([result.all.app_wait?.sum, result.all.app_wait?.max]).toEqual([30 * MS, 20 * MS]);
  });

  test("timeout: who has waited so long leaves without having been a client of the pooler", () => {
    const result = simulate(textbook([pooled(open, { timeout: 120 * MS })], 5), {
      duration: 2 * SECOND,
    });
    // Served from 100, 350, 600 ms on: 200 and 300 ms come, the first waits 150 ms: too long.
    expect(result.all.errors).toEqual({ app_pool_timeout: result.all.timeouts });
    expect(result.all.timeouts + result.all.response.count).toBe(19);
    expect(result.all.given_up).toBe(result.all.timeouts);
    expect(result.all.app_wait?.max).toBeLessThanOrEqual(120 * MS);
    expect(result.clients_waiting.mean).toBe(0);
  });

  // pool, connections after 2 s, connections made, why
  for (const [pool, connected, why] of [
    [{ size: 3 }, 3, "all there are from the start"],
    [{ size: 5, min_size: 0 }, 3, "made when they are needed, and kept"],
    [
      { size: 5, min_size: 1, idle_timeout: 200 * MS },
      1,
      "closed when they idle, down to min_size",
    ],
    [{ size: 2, lifetime: 100 * MS }, 2, "replaced when they are old"],
  ] as const)
    test(`${JSON.stringify(pool)}: ${why}`, () => {
      // Three at once, then nobody for a long time.
      const burst = { ...kind, transaction: { ...kind.transaction, service: constant(50) } };
      const one = { ...burst, session: { transactions: ONE, away: constant(1e6) } };
      const workload = textbook([pooled(one, pool)], 5);
      const result = simulate(workload, { warmup: SECOND, duration: 2 * SECOND });
      expect(result.clients_connected).toBeCloseTo(connected, 9);
    });

  test("a connection that the pooler drops costs its user the transaction, and is made again", () => {
    const workload = textbook([pooled(closedKind(2, constant(0), constant(900)), { size: 2 })], 1, {
      query_wait_timeout: 500 * MS,
    });
    const result = simulate(workload, { duration: 10 * SECOND });
    expect(Object.keys(result.all.errors)).toEqual(["query_wait_timeout"]);
    expect(result.all.given_up).toBe(result.all.errors.query_wait_timeout);
    expect(result.all.response.count).toBeGreaterThan(8);
    expect(result.unfinished).toBe(0);
  });
});

test("every transaction is completed or given up, with networks, retries and several instances", () => {
  const base = closedKind(30, exponential(50), exponential(10));
  const kind = {
    ...pooled(base, {
      instances: 3,
      size: 2,
      min_size: 1,
      timeout: 40 * MS,
      idle_timeout: 30 * MS,
    }),
    timeout: 60 * MS,
    retry: { attempts: 2, backoff: 10 * MS, factor: 2, jitter: 0.5 },
  };
  const workload = { ...textbook([kind], 3), network: { client: 400_000, server: 200_000 } };
  const result = simulate(workload, { duration: 10 * SECOND, trace: true });
  const last = new Map<number, number>();
  result.trace?.client.forEach((client, i) => {
    last.set(client, Math.max(last.get(client) ?? -1, result.trace?.transaction[i] ?? 0));
  });
  const begun = [...last.values()].reduce((sum, number) => sum + number + 1, 0);
  expect(result.unfinished).toBe(0);
  // Only a client's last ones may be given up without a later one that shows it.
  const ended = result.all.response.count + result.all.given_up;
  expect(ended - begun).toBeGreaterThanOrEqual(0);
  expect(ended - begun).toBeLessThan(10);
  expect(result.all.retries).toBeGreaterThan(100);
  expect(result).toEqual(simulate(workload, { duration: 10 * SECOND, trace: true }));
});
