/** Why no pool meets an objective: what is said is true of the run that it is said of. */
import { describe, expect, test } from "vitest";
import type { Run, SloOutcome } from "../../sim/study/results/index.ts";
import { kneeOf } from "../../sim/study/size/curve.ts";
import { judge } from "../../sim/study/size/probes.ts";
import { whyNone, whySize } from "../../sim/study/size/reason.ts";
import { sampleCurve, sampleRun } from "../report/fixture.ts";
import { closedWorkload, kindOf } from "./workload.ts";

const sample = sampleRun("session", 4);
const wait = { name: "wait_p99", limit: 10, value: 0, unit: "ms", met: true, certain: false };
const timeouts = {
  name: "timeouts",
  limit: 0.005,
  value: 0.02,
  unit: "",
  met: false,
  certain: true,
};

const session = closedWorkload(kindOf(1, 1000, 5), 1);
const workload = { ...session, settings: { ...session.settings, pool_mode: "session" as const } };
const reasons = (terms: SloOutcome["terms"], change: Partial<Run> = {}, largest = 1): string[] =>
  whyNone(workload, { ...sample, errors: {}, slo: { met: false, terms }, ...change }, largest);

describe("reasons", () => {
  test("what is met within the error is not missed beside what surely is", () => {
    expect(reasons([wait, timeouts], {}, 20)[0]).toBe(
      "no pool of up to 20 connections meets the objective: timeouts is 2 %, limit 0.5 %",
    );
  });

  test("a kind that misses by itself is named, and with retries its share is of attempts", () => {
    const own = { ...timeouts, clients: "reports", of: "attempts" as const };
    const none = "no pool of up to 1 connection meets the objective: ";
    expect(reasons([own])[0]).toBe(`${none}timeouts of reports is 2 % of attempts, limit 0.5 %`);
    const near = { ...own, value: 0.005001 };
    expect(reasons([near])[0]).toBe(
      `${none}timeouts of reports is a little over 0.5 % of attempts, limit 0.5 %`,
    );
  });

  test("of one connection less what is surely missed is said first, and what is not sure as such", () => {
    const near = { ...wait, value: 10.2, met: false };
    const why = (terms: SloOutcome["terms"]): string =>
      whySize(workload, sample, { ...sample, pool_size: 7, slo: { met: false, terms } });
    expect(why([near])).toContain(
      "; with 7 wait_p99 is 10.2 ms, known too little to be sure of its limit of 10 ms. ",
    );
    expect(why([near, timeouts])).toContain("; with 7 timeouts would be 2 %, over its limit of");
  });

  test("where only more data is wanting nothing else is blamed", () => {
    expect(reasons([wait])).toEqual([
      "no pool of up to 1 connection surely meets the objective: wait_p99 is 0 ms, limit 10 ms",
      "it is met within the error: what was simulated is too little to be sure",
    ]);
  });

  test("timeouts that no pool changes are named, and those of the wait for one are not", () => {
    const errors = { query_timeout: 7, app_pool_timeout: 3, query_wait_timeout: 2 };
    expect(reasons([timeouts], { errors })[1]).toBe(
      "timeouts end transactions, whatever the pool: query_timeout, app_pool_timeout",
    );
    expect(reasons([{ ...wait, met: false }], { errors }).join()).not.toContain("whatever");
  });

  test("not one transaction: it is said, it is a miss, and there is no knee", () => {
    const nothing = { transactions: 0, timeouts: 9, errors: { query_timeout: 9 } };
    expect(reasons([wait], nothing).slice(1, 3)).toEqual([
      "not one transaction was completed in the simulated time",
      "timeouts end transactions, whatever the pool: query_timeout",
    ]);
    const run = { ...sample, ...nothing, slo: { met: false, terms: [wait] } };
    const study = { run, samples: undefined as never, notes: [], scarce: [], dashboard: undefined };
    expect(judge(study)).toBe("missed");
    expect(judge({ ...study, run: { ...run, timeouts: 0 } })).toBe("unsure");
    expect(kneeOf(sampleCurve().map((point) => ({ ...point, throughput_tps: 0 })))).toBeUndefined();
  });
});
