/** How much longer transactions with more work take: known answers, and which live ones count. */
import { describe, expect, test } from "vitest";
import { simulate, type Trace } from "../../sim/model/index.ts";
import {
  type Served,
  servedLive,
  servedSimulated,
  steepness,
} from "../../sim/study/live/steepness.ts";
import type { LiveResult } from "../../workloads/live/index.ts";
import { closedWorkload, kindOf } from "./workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

describe("known answers", () => {
  const none = [0, 0, 0];
  const cases: [string, Served, number][] = [
    ["in proportion", { work: [1, 2, 3], response: [10, 20, 30], wait: none }, 1],
    ["all wait as long", { work: [1, 2, 3], response: [11, 12, 13], wait: none }, 1 / 6],
    ["nothing to do with it", { work: [1, 2, 3], response: [5, 7, 5], wait: none }, 0],
    ["longer than in proportion", { work: [1, 2, 3], response: [0, 1, 2], wait: none }, 2],
    ["waits by chance", { work: [1, 2, 3], response: [15, 20, 40], wait: [5, 0, 10] }, 0.8],
    ["all the same work", { work: [2, 2, 2], response: [10, 20, 30], wait: none }, Number.NaN],
    ["nobody", { work: [], response: [], wait: [] }, Number.NaN],
  ];
  test.each(cases)("%s", (_, served, want) => {
    if (Number.isNaN(want)) expect(steepness(served)).toBeNaN();
    else expect(steepness(served)).toBeCloseTo(want, 10);
  });

  test("work in any unit, at any speed", () => {
    const served = { work: [1, 2, 5, 3], response: [4, 5, 9, 6], wait: [1, 0, 2, 2] };
    const [work, response, wait] = [
      served.work.map((x) => 7 * x),
      served.response.map((x) => x / 3),
      served.wait.map((x) => x / 3),
    ];
    expect(steepness({ work, response, wait })).toBeCloseTo(steepness(served), 10);
  });
});

describe("of a run", () => {
  const workload = closedWorkload(kindOf(20, 20, 5), 20);
  const of = (server: object): number => {
    const played = { ...workload, server: { ...workload.server, ...server } };
    const options = { seed: 1, warmup: SECOND, duration: 20 * SECOND, trace: true };
    const { trace } = simulate(played, options);
    return steepness(servedSimulated(trace as Trace, played, 1));
  };

  test("1 if all advance alike, less the longer the turns are", () => {
    const [alike, short, long, whole] = [
      of({ cores: 2 }),
      of({ cores: 2, quantum: 2 * MILLISECOND }),
      of({ cores: 2, quantum: 8 * MILLISECOND }),
      of({ cores: 2, quantum: SECOND }),
    ] as const;
    expect(alike).toBeGreaterThan(0.95);
    expect(alike).toBeLessThan(1.05);
    expect(short).toBeLessThan(alike - 0.05);
    expect(long).toBeLessThan(short - 0.1);
    expect(whole).toBeLessThan(0.2); // Its own work alone is longer: a tenth of the time.
  });
});

test("of a live run: the committed transactions of the window", () => {
  const [late, early, failed, unended] = [10, 3, 5, 6];
  const live = {
    window: { from: 4, to: 9 },
    transactions: {
      length: 5,
      sent: [4, early, failed, unended, late],
      outcome: [0, 0, 1, 0, 0],
      response: [9, 9, 9, Number.NaN, 9],
      wait: [2, 2, 2, 2, 2],
      service: [3, 1, 1, 1, 1],
    },
  };
  expect(servedLive(live as unknown as LiveResult)).toEqual({
    work: [3],
    response: [9],
    wait: [2],
  });
});
