/** Objectives: the timeouts of each kind of clients by itself, and what a share of them is of. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram } from "../../sim/kernel/histogram.ts";
import type { Figures, RunResult } from "../../sim/model/index.ts";
import { runFindings } from "../../sim/report/findings.ts";
import { Estimates, KindEstimates } from "../../sim/study/estimates.ts";
import type { Run, SloOutcome } from "../../sim/study/results/index.ts";
import { study } from "../../sim/study/run.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import { isDecided, type JudgedKind, sloOutcome } from "../../sim/study/slo.ts";
import { constant } from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { sampleRun } from "../report/fixture.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

describe("the timeouts of one of several kinds, by themselves", () => {
  const run: Run = { ...sampleRun("transaction", 4), timeout_share_ci95: [0, 0] };
  const nobody: JudgedKind["beyond"] = () => ({ value: 0, interval: [0, 0] });
  // limit, share, interval, asked for, met, decided, why
  for (const [limit, value, interval, asked, met, decided, why] of [
    [0.01, 0.004, [0.002, 0.006], 2_000, true, true, "surely fewer"],
    [0.01, 0.12, [0.1, 0.14], 2_000, false, true, "surely more"],
    [0.01, 0.5, [0.2, 0.8], 20, false, true, "surely more, of few"],
    [0.01, 0.011, [0.008, 0.014], 2_000, false, false, "may be more"],
    [0.01, 0.009, [0.006, 0.012], 2_000, true, false, "may be fewer"],
    [0.01, 0, [0, 0.15], 20, true, true, "none, of few"],
    [0.01, 0, [0, 0.003], 1_000, true, true, "none, of just enough"],
    [0.01, 0.05, [0, 0.17], 20, true, true, "one of twenty may be chance"],
    [0.01, 0.09, [0, 0.3], 100, true, true, "nine, all at once, are no number"],
    [0.01, 0.1, [0, 0.3], 100, false, false, "ten, all at once, are one, and may be chance"],
    [0.01, 0.5, null, 2_000, true, true, "seen once only"],
    [0, 0, [0, 0.15], 20, true, true, "none allowed, none seen"],
    [0, 0.05, null, 20, false, true, "none allowed, one seen, once only"],
  ] as [number, number, [number, number] | null, number, boolean, boolean, string][])
    test(`${value} of ${asked}, ${limit} allowed: ${why}`, () => {
      const kind: JudgedKind = {
        ...{ name: "reports", transactions: asked * (1 - value), beyond: nobody },
        ...{ wait_ms: run.wait_ms, response_ms: run.response_ms },
        ...{ asked, late: { value, interval } },
      };
      const slo = { timeouts: limit };
      const outcome = sloOutcome(slo, run, nobody, [kind]);
      expect(outcome?.met).toBe(met);
      expect(isDecided(slo, run, nobody, 1, [kind])).toBe(decided);
      const [all, ...own] = outcome?.terms ?? [];
      expect(all).toEqual({ ...{ name: "timeouts", limit, value: 0, unit: "" }, ...SURELY_MET });
      const named = { name: "timeouts", clients: "reports", limit, value, unit: "", met };
      expect(own).toEqual(met && decided ? [] : [{ ...named, certain: decided }]);
    });
});

const SURELY_MET = { met: true, certain: true };

/** Attempts that were completed and that timed out, of each kind in each replication. */
const counts = fc.record({ done: fc.nat({ max: 40 }), late: fc.nat({ max: 40 }) });
const kindCounts = fc.tuple(counts, counts, counts);

const figuresOf = ({ done, late }: { done: number; late: number }): Figures => {
  const response = new Histogram();
  for (let i = 0; i < done; i++) response.record(i);
  const figures = { response, wait: response, wait_probability: 0, throughput: 1 };
  return { ...figures, timeouts: late, errors: {} } as unknown as Figures;
};

test("the share of all is the mean of the kinds' shares, and where all misses one kind does", () => {
  fc.assert(
    fc.property(fc.array(kindCounts, { minLength: 2, maxLength: 12 }), (replications) => {
      const all = new Estimates({ wait: new Histogram(), response: new Histogram() });
      const kinds = [0, 1, 2].map(() => ({ estimates: new KindEstimates(), asked: 0, late: 0 }));
      for (const replication of replications) {
        const sum = { done: 0, late: 0 };
        for (const [i, each] of replication.entries()) {
          const kind = kinds[i] as (typeof kinds)[number];
          kind.estimates.add(figuresOf(each));
          kind.asked += each.done + each.late;
          kind.late += each.late;
          sum.done += each.done;
          sum.late += each.late;
        }
        const server_connections = { mean: 1, max: 1, opened: 0 };
        const result = { all: figuresOf(sum), memory: 0, server_connections };
        all.add(result as unknown as RunResult);
      }
      const asked = kinds.reduce((sum, kind) => sum + kind.asked, 0);
      const shares = kinds.map(({ estimates }) => estimates.timeouts);
      for (const [i, { mean, low, high }] of shares.entries()) {
        const kind = kinds[i] as (typeof kinds)[number];
        expect(mean).toBeCloseTo(kind.asked === 0 ? 0 : kind.late / kind.asked, 12);
        expect(low).toBeLessThanOrEqual(mean);
        expect(high, "what was not seen may be there").toBeGreaterThanOrEqual(
          Math.min(1, 3 / Math.max(1, kind.asked)),
        );
      }
      const { mean } = all.of("timeouts").interval;
      const weighted = shares.reduce((sum, each, i) => sum + each.mean * (kinds[i]?.asked ?? 0), 0);
      expect(mean).toBeCloseTo(asked === 0 ? 0 : weighted / asked, 12);
      expect(Math.max(...shares.map((each) => each.mean)) + 1e-12).toBeGreaterThanOrEqual(mean);
    }),
  );
});

/** Part of the reports that take longer than their clients' patience. */
const IMPATIENT = 0.12;

/** Nobody waits; the reports take 50 ms, exponential, and their clients hang up after `timeout`. */
function shop(reports: Partial<ClientKind> = {}): Workload {
  const plain = closedWorkload(kindOf(20, 10, 5), 60);
  const timeout = Math.round(-50 * MILLISECOND * Math.log(IMPATIENT));
  const [web] = plain.clients as [ClientKind];
  return {
    ...plain,
    clients: [
      { ...web, name: "web" },
      { ...kindOf(4, 200, 50), name: "reports", timeout, ...reports },
    ],
    run: { ...plain.run, duration: 20 * SECOND },
    slo: { timeouts: 0.01 },
  };
}

/** Name, kind, what the share is of, met. */
const told = (slo: SloOutcome | undefined) =>
  slo?.terms.map(({ name, clients, of, met, certain }) => [name, clients, of, met, certain]);

test("many transactions of others do not hide whose time out: exp(-timeout / mean) of them", async () => {
  const { run } = await study(shop(), { replications: 20 });
  const { web, reports } = run.clients;
  expect(told(run.slo)).toEqual([
    ["timeouts", undefined, undefined, true, true],
    ["timeouts", "reports", undefined, false, true],
  ]);
  const [low = 0, high = 0] = reports?.timeout_share_ci95 ?? [];
  expect([low < IMPATIENT, high > IMPATIENT, high - low < 0.05]).toEqual([true, true, true]);
  expect(web?.timeout_share_ci95).toEqual([0, 3 / (web?.transactions ?? 0)]);
  expect(runFindings(run).at(-1)).toMatch(
    /^SLO: timeouts 0\.\d+ %, limit 1 %: met; timeouts of reports 1[12]\.?\d* %, limit 1 %: NOT met\.$/,
  );
});

test("with retries the share is of attempts, and says so: who fails twice counts twice", async () => {
  const retry = { attempts: 1, backoff: 10 * MILLISECOND, factor: 1, jitter: 0 };
  const { run } = await study(shop({ retry }), { replications: 20 });
  // The further attempt has the same draws, and fails like the first.
  const want = (2 * IMPATIENT) / (1 + IMPATIENT);
  const [low = 0, high = 0] = run.clients.reports?.timeout_share_ci95 ?? [];
  expect([low < want, high > want, high - low < 0.07]).toEqual([true, true, true]);
  expect(told(run.slo)).toEqual([
    ["timeouts", undefined, "attempts", true, true],
    ["timeouts", "reports", "attempts", false, true],
  ]);
  expect(runFindings(run).at(-1)).toMatch(
    /timeouts of reports 2[12]\.?\d* % of attempts, limit 1 %/,
  );
});

test("a kind that is met too seldom to tell has the benefit of the doubt; where it is one there is no other", async () => {
  const seldom = shop({ count: 1, think: constant(9_000) });
  const { run } = await study(seldom, { replications: 10 });
  const { timeouts = 0, timeout_share_ci95: interval } = run.clients.reports ?? {};
  expect(timeouts).toBeGreaterThan(0);
  expect(interval?.[0]).toBeLessThan(0.01);
  expect(told(run.slo)).toEqual([["timeouts", undefined, undefined, true, true]]);
  const [, reports] = shop().clients as [ClientKind, ClientKind];
  const { run: alone } = await study({ ...shop(), clients: [reports] }, { replications: 10 });
  expect(told(alone.slo)).toEqual([["timeouts", undefined, undefined, false, true]]);
  expect(alone.clients.reports?.timeout_share_ci95).toEqual(alone.timeout_share_ci95);
});

test("size finds a pool in which no kind times out too often", async () => {
  const service = constant(50);
  const transaction = { ...kindOf(1, 200, 50).transaction, service };
  const workload = shop({ transaction, timeout: 60 * MILLISECOND });
  const { recommended, runs } = await sizePool(workload, { precision: 0.2, timeLimit });
  const { transactions = 0, timeouts = 0 } = runs[0]?.clients.reports ?? {};
  expect(timeouts / (transactions + timeouts)).toBeLessThanOrEqual(0.01);
  expect(recommended?.pool_size).toBeLessThan(24);
});
