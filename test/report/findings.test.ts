/** What a report says in sentences. */
import { describe, expect, test } from "vitest";
import {
  comparisonFindings,
  runFindings,
  sloFindings,
  trouble,
} from "../../sim/report/findings.ts";
import { comparisonReport, comparisonText, runReport, runText } from "../../sim/report/reports.ts";
import { sweepText } from "../../sim/report/sweep.ts";
import type { Result, Run } from "../../sim/study/results/index.ts";
import { sampleComparison, sampleRun } from "./fixture.ts";

const run = sampleRun("transaction", 4);
const result = { ...sampleComparison(), command: "simulate", runs: [run] };

describe("findings of a run", () => {
  test("how many wait and how long", () => {
    expect(runFindings(run)[0]).toBe(
      "Transaction mode, 20 server connections: 21 % of the transactions wait; " +
        "3.98 ms on average over all, 1 in 100 longer than 18.4 ms.",
    );
  });
  test("several pools are named with what they have of their own", () => {
    const pool = (
      database: string,
      pool_size: number,
      pool_mode: Run["pool_mode"] = "session",
    ) => ({
      ...{ database, user: "app", pool_mode, pool_size },
    });
    const head = (...pools: NonNullable<Run["pools"]>) =>
      runFindings({ ...run, pool_mode: "session", pools })[0]?.replace(/: .*/, "");
    expect(head(pool("api", 15), pool("jobs", 5))).toBe(
      "Session mode, pools of 15 (api) and 5 (jobs) server connections",
    );
    expect(head(pool("api", 15), pool("jobs", 15))).toBe(
      "Session mode, 2 pools of 15 server connections",
    );
    expect(head(pool("api", 15, "transaction"), pool("jobs", 5))).toBe(
      "Pools of 15 (api, transaction mode) and 5 (jobs, session mode) server connections",
    );
    expect(head(pool("api", 15), { ...pool("api", 5), user: "batch" })).toBe(
      "Session mode, pools of 15 (api/app) and 5 (api/batch) server connections",
    );
    expect(head(...[3, 4, 5, 6, 7].map((size) => pool(`d${size}`, size)))).toBe(
      "Session mode, 5 pools of 3 to 7 server connections",
    );
  });
  test("one connection is one, in a pool and in several that are alike", () => {
    expect(runFindings({ ...run, pool_size: 1 })[0]).toMatch(
      /^Transaction mode, 1 server connection: /,
    );
    const pools = ["api", "jobs"].map((database) => ({
      ...{ database, user: "app", pool_mode: run.pool_mode, pool_size: 1 },
    }));
    expect(runFindings({ ...run, pools })[0]).toMatch(/, 2 pools of 1 server connection: /);
  });
  test("a pool size of 0 is no limit", () => {
    const head = runFindings({ ...run, pool_size: 0 })[0];
    expect(head).toMatch(/^Transaction mode, unlimited server connections: /);
  });
  test("nobody waits", () => {
    const calm = { ...run, wait_ms: { mean: 0, p50: 0, p95: 0, p99: 0, max: 0 } };
    expect(runFindings(calm)[0]).toContain("nobody waits");
    const hungry = { ...calm, clients_waiting: { ...run.clients_waiting, unserved: 16 } };
    expect(runFindings(hungry)[0]).toContain("nobody who is served waits");
    expect(trouble({ ...hungry, transactions: 0 })[0]).toMatch(/get no server connection\.$/);
  });
  test("no transaction at all is not the same as no wait", () => {
    expect(runFindings({ ...run, transactions: 0 })[0]).toContain("not one transaction");
  });
  test("dropped clients and missed precision are trouble", () => {
    const texts = trouble({ ...run, precise: false, errors: { query_wait_timeout: 480 } });
    expect(texts[0]).toBe("Transaction mode: clients dropped: query_wait_timeout 480.");
    expect(texts[1]).toContain("--time-limit");
    expect(trouble(run)).toEqual([]);
  });
  test("clients who wait in vain do not hide behind the waits of the served", () => {
    const starved = { ...run, clients_waiting: { mean: 80, max: 80, unserved: 76 } };
    expect(trouble(starved)[0]).toContain("76 clients wait at any moment and get no server");
    const alone = { ...run, clients_waiting: { ...run.clients_waiting, unserved: 1 } };
    expect(trouble(alone)[0]).toContain("1 client waits at any moment and gets no server");
  });
  test("a mode that leaves clients unserved is told first, and its waits are not held for better", () => {
    const result = sampleComparison();
    const hungry = { mean: 80, max: 80, unserved: 76 };
    const runs = result.runs.map((each) =>
      each.pool_mode === "session" ? { ...each, clients_waiting: hungry } : each,
    );
    const said = comparisonFindings({ ...result, runs });
    expect(said[0]).toMatch(/^Session mode: 76 clients wait at any moment and get no server/);
    expect(said.filter((text) => text === said[0])).toHaveLength(1);
    expect(said[1]).toMatch(/^Transaction mode instead of session mode: mean wait of those served/);
  });
  test("a queue that grows is no multiplexing: as long as the run", () => {
    const endless = { ...sampleRun("session", 4), unsteady: "it grows" };
    const runs = [endless, sampleRun("transaction", 4)];
    const text = comparisonText({ ...sampleComparison(), runs }, true);
    expect(text).toContain("Clients per server connection: transaction 16.2.");
    expect(text).toMatch(/multiplexing +- +16\.2$/m);
    expect(comparisonText({ ...sampleComparison(), runs: [endless] }, true)).not.toContain(
      "Clients per",
    );
  });

  test("a mode without a transaction has no waits, no objective, and no difference to others", () => {
    const terms = [
      { name: "wait_p99", limit: 10, value: 0, unit: "ms", met: true, certain: false },
    ];
    const slo = { met: false, terms };
    const idle = { ...sampleRun("session", 4), transactions: 0, errors: {}, slo };
    const whole = sampleComparison();
    const text = comparisonText({ ...whole, runs: [idle, ...whole.runs.slice(1)] }, true);
    expect(text).toContain("Session mode: not one transaction was completed in the simulated time");
    expect(text).not.toMatch(/instead of session mode|Session mode: SLO/);
    expect(text).toMatch(/^wait, p99 +- +18\.4 ms/m);
    expect(runText({ ...result, runs: [idle] }, true)).toMatch(/^wait, p99 +- /m);
    const points = [idle, run].map((each, i) => ({ ...each, settings: { x: i } }));
    const swept = sweepText({ ...result, runs: points }, ["x"], true);
    expect(swept).toContain("At 1 of 2 points not one transaction was completed in the simulated");
    expect(swept).toMatch(/^0 +- +- +/m);
  });

  test("the figures of a comparison are as precise as the least precise of its runs", () => {
    const result = sampleComparison();
    const runs = result.runs.map((each, i) => ({ ...each, precise: i === 0 }));
    const said = (each: Result) => comparisonText({ ...each, precision: 0.05 }, true);
    expect(said(result)).toMatch(/intervals within 5 %\.$/m);
    expect(said({ ...result, runs })).toMatch(/intervals within 5 % NOT reached\.$/m);
  });
  test("each term of an objective", () => {
    const terms = [
      { name: "wait_p99", limit: 10, value: 8.1, unit: "ms", met: true, certain: true },
      { name: "timeouts", limit: 0.001, value: 0.01, unit: "", met: false, certain: false },
      { name: "unserved", limit: 0, value: 76, unit: "clients", met: false, certain: true },
    ];
    expect(sloFindings({ met: false, terms })).toEqual([
      "SLO: wait_p99 8.10 ms, limit 10 ms: met; timeouts 1 %, limit 0.100 %: NOT met, within the error; " +
        "unserved 76 clients, limit 0 clients: NOT met.",
    ]);
  });
});

describe("findings of a comparison", () => {
  const [difference] = sampleComparison().differences ?? [];
  const said = (change: object): string | undefined =>
    comparisonFindings({
      ...sampleComparison(),
      differences: difference ? [{ ...difference, ...change }] : [],
    })[0];
  const head = "Transaction mode instead of session mode: ";
  const cases = [
    [{}, "mean wait 891 ms less (95 %: 840 ms to 950 ms), no real difference in throughput."],
    [
      { wait_mean_ms_ci95: [-1, 1], throughput_tps: 80, throughput_tps_ci95: [78, 82] },
      "no real difference in the mean wait; throughput 80 more (95 %: 78 to 82) transactions/s.",
    ],
    [
      { wait_mean_ms: 0.0001, wait_mean_ms_ci95: [0.00005, 0.00015] },
      "no real difference in the mean wait, nor in throughput.",
    ],
    [
      { wait_mean_ms_ci95: null },
      "nothing is sure of a difference in the mean wait, no real difference in throughput.",
    ],
    [
      { wait_mean_ms_ci95: null, throughput_tps_ci95: null },
      "nothing is sure of a difference in the mean wait, nor in throughput.",
    ],
  ] as const;
  for (const [change, want] of cases) {
    test(`${JSON.stringify(change)}: ${want}`, () => expect(said(change)).toBe(head + want));
  }
});

describe("whole reports", () => {
  test("a run: findings, table, pictures, and how to repeat it", () => {
    const text = runText(result, false);
    expect(text).toContain("Kinds of clients, transaction mode");
    expect(text).toMatch(/Waits\n50 % wait at most/);
    expect(text).toContain("Clients waiting, first replication");
    expect(text).toContain("To repeat: seed 1;");
    expect(text).not.toContain("\n\n\n");
    expect(runText(result, true)).not.toContain("meaning");
  });
  test("a comparison: modes, differences, what breaks", () => {
    const text = comparisonText(sampleComparison(), false);
    for (const part of ["Pool modes on the same draws", "Differences", "What each mode takes away"])
      expect(text).toContain(part);
    expect(comparisonText(sampleComparison(), true)).not.toContain("takes away");
  });
  test("reports for files have charts, tables and the data", () => {
    for (const report of [runReport(result), comparisonReport(sampleComparison())]) {
      expect(report.charts.length).toBeGreaterThan(0);
      expect(report.tables.length).toBeGreaterThan(0);
      expect(report.data).toHaveProperty("seed", 1);
    }
  });
});
