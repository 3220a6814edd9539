/** Objectives: kinds of clients by themselves, and how far a run is from them. */
import { describe, expect, test } from "vitest";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import type { Run } from "../../sim/study/results/index.ts";
import { study } from "../../sim/study/run.ts";
import { distance } from "../../sim/study/size/probes.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import { isDecided, type Judged, type JudgedKind, sloOutcome } from "../../sim/study/slo.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;
const slo = { wait_p99: 10 * MILLISECOND };
const times = { mean: 1, p50: 0, p95: 2, p99: 5, max: 900 };
/** All together surely meet it. */
const run: Judged = {
  transactions: 10_000,
  wait_ms: { ...times, p99_ci95: [4, 6] },
  response_ms: times,
  timeouts: 0,
  timeout_share_ci95: [0, 0],
  refused: 0,
  errors: {},
  clients_waiting: { mean: 1, max: 2, unserved: 0 },
};
const surely = (): ReturnType<JudgedKind["beyond"]> => ({ value: 0.002, interval: [0.001, 0.003] });

describe("one of several kinds of clients, by itself", () => {
  for (const [why, share, interval, transactions, met, decided] of [
    ["surely meets it", 0.005, [0.003, 0.007], 2_000, true, true],
    ["surely misses it", 0.03, [0.02, 0.04], 2_000, false, true],
    ["surely misses it, of few transactions", 0.3, [0.1, 0.5], 20, false, true],
    ["may miss it", 0.011, [0.009, 0.013], 2_000, false, false],
    ["may meet it", 0.009, [0.007, 0.011], 2_000, true, false],
    ["may miss it, of few transactions", 0.011, [0, 0.1], 999, true, true],
    ["may miss it, of just enough transactions", 0.011, [0, 0.1], 1_000, false, false],
    ["was seen once only", 0.5, null, 2_000, true, true],
  ] as [string, number, [number, number] | null, number, boolean, boolean][])
    test(`${why}: ${met ? "met" : "missed"}${decided ? "" : ", not decided"}`, () => {
      const beyond = () => ({ value: share, interval });
      const kind: JudgedKind = {
        ...{ name: "web", transactions, beyond },
        ...{ wait_ms: { ...times, p99: 11 }, response_ms: times },
        ...{ asked: transactions, late: { value: 0, interval: [0, 0] } },
      };
      const outcome = sloOutcome(slo, run, surely, [kind]);
      expect(outcome?.met).toBe(met);
      expect(isDecided(slo, run, surely, 1, [kind])).toBe(decided);
      const [own] = outcome?.terms.filter((term) => term.clients === "web") ?? [];
      if (!met) expect(own).toMatchObject({ name: "wait_p99", value: 11, limit: 10, met: false });
    });
});

/** 20 clients hold a connection each for ever; 20 come and go, and wait for what is left. */
const crowd: Workload = (() => {
  const constant = (ms: number): DistributionSpec => ({
    kind: "constant",
    value: ms * MILLISECOND,
  });
  const [sticky, guest] = [kindOf(20, 10, 5), kindOf(20, 50, 5)];
  const session = { transactions: { kind: "constant", value: 4 } as const, away: constant(500) };
  const plain = closedWorkload(sticky, 22);
  return {
    ...plain,
    settings: { ...plain.settings, pool_mode: "session" },
    clients: [
      { ...sticky, name: "sticky" },
      { ...guest, name: "guests", session },
    ],
    run: { ...plain.run, duration: 20 * SECOND },
    slo,
  };
})();

test("many transactions of others do not hide who waits", async () => {
  const { run: found } = await study(crowd, { replications: 10 });
  expect(found.wait_ms.p99).toBe(0);
  expect(found.slo?.met).toBe(false);
  expect(found.slo?.terms.map(({ name, clients, met }) => [name, clients, met])).toEqual([
    ["wait_p99", undefined, true],
    ["wait_p99", "guests", false],
  ]);
});

test("size finds a pool for all kinds, also where cores are shared", async () => {
  for (const workload of [crowd, { ...crowd, server: { ...crowd.server, cores: 16 } }]) {
    const { recommended, runs } = await sizePool(workload, { precision: 0.2, timeLimit });
    expect(recommended?.pool_size).toBeGreaterThan(25);
    expect(recommended?.pool_size).toBeLessThanOrEqual(40);
    expect(runs[0]?.clients.guests?.wait_ms.p99).toBeLessThan(10);
  }
});

test("who is not served at all is farther from an objective than any wait", () => {
  const far = (name: string, limit: number, value: number): number => {
    const term = { name, limit, value, unit: "", met: false, certain: true };
    return distance({ slo: { met: false, terms: [term] } } as unknown as Run);
  };
  expect(far("wait_p99", 10, 60_000)).toBe(6_000);
  expect(far("unserved", 0, 1)).toBeGreaterThan(far("wait_p99", 1, 120_000));
  expect(far("unserved", 0, 9)).toBeGreaterThan(far("unserved", 0, 8));
  expect(far("timeouts", 0, 0.01)).toBeCloseTo(1.01);
});
