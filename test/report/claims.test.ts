/** What reports claim: no more than is known, with the error where there is one. */
import { expect, test } from "vitest";
import { diffText } from "../../sim/report/diff.ts";
import { runFindings, sloFindings } from "../../sim/report/findings.ts";
import { sizeText } from "../../sim/report/size.ts";
import { sweepText } from "../../sim/report/sweep.ts";
import { runTable } from "../../sim/report/tables.ts";
import { theoryText } from "../../sim/report/theory.ts";
import { digits } from "../../sim/report/units.ts";
import type { Result, Run, Sensitivity } from "../../sim/study/results/index.ts";
import { sampleComparison, sampleCurve, sampleRun } from "./fixture.ts";

const run = sampleRun("transaction", 4);
const head = { ...sampleComparison(), differences: [] };

test("sweep counts the points that drop clients apart from those that are not precise", () => {
  const runs = [3, 4, 5, 6, 7].map((size) => ({ ...run, settings: { default_pool_size: size } }));
  const points = runs.map((each, i): Run => {
    if (i === 0) return { ...each, errors: { query_wait_timeout: 3 }, timeouts: 3 };
    return i < 3 ? { ...each, precise: false } : each;
  });
  const result: Result = { ...head, command: "sweep", runs: points };
  const text = sweepText(result, ["default_pool_size"], true);
  expect(text).toContain("At 1 of 5 points clients go unserved or are dropped.");
  expect(text).toContain("At 2 of 5 points the asked-for precision was not reached");
  const both = { ...run, settings: { default_pool_size: 1 }, precise: false, errors: { x: 1 } };
  const one = sweepText({ ...result, runs: [both] }, ["default_pool_size"], true);
  expect(one).toContain("At 1 of 1 points clients go unserved or are dropped.");
});

test("sweep tells how sure each p99 is", () => {
  const runs = [{ ...run, settings: { default_pool_size: 3 } }];
  const text = sweepText({ ...head, command: "sweep", runs }, ["default_pool_size"], true);
  expect(text).toMatch(/wait, p99 +95 % interval of it +response, p99/);
  expect(text).toMatch(/18\.4 ms +16\.5 \.\. 20\.2 ms +44 ms/);
});

test("what has an interval is shown with it: the median, the responses", () => {
  const wait_ms: Run["wait_ms"] = { ...run.wait_ms, p50: 1, p50_ci95: [0.9, 1.1] };
  const response_ms: Run["response_ms"] = { ...run.response_ms, p99_ci95: [40, 48] };
  const rows = runTable({ ...run, wait_ms, response_ms }).rows.map((row) => row.slice(0, 3));
  expect(rows).toContainEqual(["wait, p50", "1 ms", "0.900 .. 1.10 ms"]);
  expect(rows).toContainEqual(["response, p99", "44 ms", "40 .. 48 ms"]);
});

test("a change that passes within the error is not said to meet the objective", () => {
  const term = { name: "wait_p99", limit: 20, value: 19, unit: "ms", met: true };
  const difference = {
    ...{ from: "old.ini", to: "new.ini", wait_mean_ms: 1, wait_mean_ms_ci95: null },
    ...{ wait_p99_ms: 1, wait_p99_ms_ci95: null, throughput_tps: 0, throughput_tps_ci95: null },
    ...{ timeouts: 0.03, timeouts_ci95: [0.02, 0.04] as [number, number] },
    ...{ memory_mb: -5000, memory_mb_ci95: [-5200, -4800] as [number, number] },
  };
  const said = (certain: boolean, fresh = run): string =>
    diffText(
      {
        ...{ ...head, command: "diff", runs: [run, fresh], differences: [difference], changes: [] },
        ...{ verdict: "pass", slo: { met: true, terms: [{ ...term, certain }] } },
      },
      true,
    );
  expect(said(true)).toMatch(/^Verdict: pass\. The new settings meet the objective\./);
  expect(said(false)).toMatch(/^Verdict: pass, but not surely: .*met, within the error/);
  const idle = said(false, { ...run, transactions: 0 });
  expect(idle).toMatch(/^Verdict: pass, but not surely: there is no transaction to judge by\.\n/);
  expect(idle).not.toContain("SLO");
  expect(said(true), "a difference of shares is in points").toMatch(/timeouts \+3 points/);
  expect(said(true, { ...run, retries: 7 })).toMatch(/timeouts, of attempts \+3 points/);
  expect(said(true)).toContain("memory, most of a replication -5 GB");
  expect(said(true)).toContain("Differences that nothing is sure of: wait, mean; wait, p99");
});

test("a change that fails within the error is not said to miss the objective for sure", () => {
  const term = { name: "wait_p99", limit: 20, value: 21, unit: "ms", met: false };
  const said = (certain: boolean, fresh: Run = run): string =>
    diffText(
      {
        ...{ ...sampleComparison(), command: "diff", runs: [run, fresh], changes: [] },
        ...{ verdict: "fail", slo: { met: false, terms: [{ ...term, certain }] } },
      },
      true,
    );
  expect(said(true)).toMatch(/^Verdict: fail\. SLO: /);
  expect(said(false)).toMatch(/^Verdict: fail, but not surely: .*--precision\. SLO: /);
  expect(said(false, { ...run, refused: 3 })).toMatch(/^Verdict: fail\. SLO: /);
});

test("where a queue grows a change of settings has no change of waits, and says why", () => {
  const growing: Run = { ...run, unsteady: "no steady state: the queue grows" };
  const text = diffText(
    { ...sampleComparison(), command: "diff", runs: [growing, run], changes: [] },
    true,
  );
  expect(text).toContain("Old settings: no steady state: the queue grows.");
  expect(text).toMatch(/^wait, mean +- /m);
});

test("a point of a sweep whose queue grows has no wait", () => {
  const runs = [run, { ...run, unsteady: "no steady state" }].map((each, i) => ({
    ...each,
    settings: { default_pool_size: i },
  }));
  const text = sweepText({ ...head, command: "sweep", runs }, ["default_pool_size"], true);
  expect(text).toMatch(/^ +1 +- +- /m);
  expect(text).toMatch(/^ +0 +\S+ ms +18\.4 ms /m);
});

test("one size alone is said to do only where its neighbours were looked at", () => {
  const [point] = sampleCurve();
  if (point === undefined) throw new Error("the sample has no points");
  const said = (from: number, ...looked: number[]): string => {
    const curve = looked.map((pool_size) => ({ ...point, pool_size }));
    const region = { from, to: from };
    return sizeText({ ...head, command: "size", runs: [run], curve, region }, true);
  };
  expect(said(8, 7, 8, 9)).toMatch(/^Only 8 connections meet the objective\.$/m);
  expect(said(8, 4, 8, 20)).toMatch(/^8 connections meet the objective\.$/m);
  expect(said(1, 1, 2)).toMatch(/^Only 1 connection meets the objective\.$/m);
});

test("a harder day names what is missed", () => {
  const day: Sensitivity = {
    ...{ change: "load x 1.5", wait_p99_ms: 3, wait_p99_ms_ci95: [2, 4], utilization: 0.5 },
    ...{ slo_met: false, missed: ["refused"] },
  };
  const result: Result = { ...head, command: "size", runs: [run], sensitivity: [day] };
  expect(sizeText(result, true)).toMatch(/load x 1\.5 .* 50 % +no: refused$/m);
});

test("a value that rounds to its limit is said to be on its side of it", () => {
  const said = (value: number): string =>
    sloFindings({
      met: value <= 10,
      terms: [{ name: "wait_p99", limit: 10, value, unit: "ms", met: value <= 10, certain: true }],
    }).join();
  expect(said(10.004)).toBe("SLO: wait_p99 a little over 10 ms, limit 10 ms: NOT met.");
  expect(said(9.996)).toBe("SLO: wait_p99 a little under 10 ms, limit 10 ms: met.");
  expect(said(10)).toBe("SLO: wait_p99 10 ms, limit 10 ms: met.");
});

test("where fewer than 1 in 100 wait, 1 in 100 is not said to", () => {
  const rare = {
    ...run,
    wait_ms: { ...run.wait_ms, mean: 0.0004, p99: 0 },
    wait_probability: 8e-4,
  };
  expect(runFindings(rare)[0]).toMatch(
    /0\.0800 % of the transactions wait; \S+ us on average over all\.$/,
  );
  expect(runFindings(run)[0]).toContain("1 in 100 longer than 18.4 ms");
});

test("what six places do not show is nothing", () => {
  expect([1e-9, -1e-9, -0, 6e-7].map(digits)).toEqual(["0", "0", "0", "0.000001"]);
});

test("theory does not say that all hold where nothing was looked at, or all together do not", () => {
  const none = { rows: [], spread: [], transactions: 0, systems: 0, families: 0, met: false };
  expect(theoryText(none, 7)).toContain(": nothing was looked at; leave out --quick; seed 7.");
  const row = {
    ...{ family: "M/M/c", system: "M/M/1", figure: "wait, mean", unit: "ms" as const },
    ...{ exact: 1, simulated: 1, z: 0, met: true },
  };
  expect(theoryText({ ...none, rows: [row] }, 7)).toContain("together do not look like chance");
});
