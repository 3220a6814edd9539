/**
 * A machine that stood still: the rule with both sides of its boundary, what is measured again and how often,
 * and a calibration that one bad section does not move. The measurements are made up.
 */
import { describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { validationText } from "../../sim/report/validation.ts";
import { calibrate } from "../../sim/study/live/calibrate.ts";
import { standstillOf, stoodStill, Watch } from "../../sim/study/live/standstill.ts";
import type { Result } from "../../sim/study/results/index.ts";
import type { LiveResult } from "../../workloads/live/index.ts";
import { sessionRecords, transactionRecords } from "../../workloads/live/records.ts";

const ms = (value: number): number => value * MILLISECOND;

const RULE: readonly [loop: number, timer: number, still: boolean, why: string][] = [
  [0, 0, false, "nothing was late"],
  [90, 60, false, "a busy machine"],
  [250, 0, false, "the boundary itself is quiet"],
  [250.001, 0, true, "just beyond, by the event loop"],
  [0, 250, false, "the boundary itself, by a timer"],
  [0, 250.001, true, "just beyond, by a timer"],
  [249, 249, false, "two delays do not add up"],
];

describe("whether the machine stood still", () => {
  for (const [loop, timer, still, why] of RULE)
    test(`event loop ${loop} ms late, timer ${timer} ms late: ${still} (${why})`, () => {
      const of = (max: number) => ({ count: 1, mean: 0, p50: 0, p99: 0, max: ms(max) });
      const driver = { event_loop_delay: of(loop), timer_lateness: of(timer) };
      expect(stoodStill(standstillOf({ driver } as LiveResult))).toBe(still);
    });
});

/** Standstills of the attempts in ms; which is used; how often it is measured again; the longest dropped. */
const ATTEMPTS: readonly [attempts: number[], used: number, times: number, longest?: number][] = [
  [[10], 0, 0],
  [[250], 0, 0],
  [[1500, 20], 1, 1, 1500],
  [[300, 1500, 20], 2, 2, 1500],
  [[1500, 300, 900], 1, 2, 1500],
  [[300, 900, 1500], 0, 2, 1500],
];

describe("measured again until it is quiet, three times at most, else the quietest", () => {
  for (const [attempts, used, times, longest] of ATTEMPTS)
    test(`standstills of ${attempts.join(", ")} ms`, async () => {
      const watch = new Watch();
      const told: number[] = [];
      watch.onAgain = (_piece, length) => told.push(length);
      const found = await watch.quietly({ what: "live", repeat: 4 }, async (before) => {
        return { found: before, longest: ms(attempts[before] ?? Number.NaN) };
      });
      expect(found).toBe(used);
      expect(told).toHaveLength(times);
      const piece = { what: "live", repeat: 4, times, longest: ms(longest ?? 0) };
      expect(watch.again).toEqual(times === 0 ? [] : [{ ...piece, used: ms(attempts[used] ?? 0) }]);
    });
});

test("the report says what was measured again, and what was never quiet", () => {
  const head = { poolwise: "0", command: "validate", workload: "made up", seed: 1, runs: [] };
  const piece = { longest_ms: 1200, used_ms: 10, quiet: true };
  const measured_again: Result["measured_again"] = [
    { what: "calibration", repeat: 1, times: 2, ...piece },
    { what: "live", repeat: 2, times: 2, ...piece, used_ms: 400, quiet: false },
  ];
  const text = validationText({ ...head, measured_again }, false);
  expect(text).toContain("Calibrated again: 2 times, the machine stood still for 1.20 s");
  expect(text).toContain("Live runs repeated: 2 times");
  expect(text).toContain("NOT quiet: the live run of repeat 2, in 3 attempts.");
  expect(text).not.toContain("NOT quiet: the calibration");
  expect(validationText(head, false)).not.toContain("NOT quiet");
});

describe("a calibration", () => {
  const PROBED = {
    connects: [5, 5.2, 4.9, 294, 5.1, 5, 5.3, 4.8].map(ms),
    logins: [],
    resets: [],
    connect_time: { kind: "constant", value: 0 },
  } as const;

  /** A second of each ms's transaction: 20 ms of service, 0.4 ms beside it, of which the server has 0.3. */
  function measured(standstill: { from: number; to: number; length: number }): LiveResult {
    const rows = { ...transactionRecords(1000), length: 1000 };
    const stats = [0, 0, 200, 400, 600, 800, 1000].map((moment) => {
      return { at: ms(moment), count: 0, time: 0 };
    });
    for (let at = 0; at < rows.length; at++) {
      const late = at >= standstill.from && at < standstill.to ? standstill.length : 0;
      rows.service[at] = ms(20);
      rows.response[at] = ms(20.4 + late);
      rows.sent[at] = ms(at) - (rows.response[at] as number);
      rows.wait[at] = ms(0.1 + (at % 100 < 2 ? 2 : 0) + late);
      rows.lateness[at] = ms(0.5);
      for (const sample of stats)
        if (at < sample.at / MILLISECOND) {
          sample.count++;
          sample.time += 20_300;
        }
    }
    return {
      transactions: rows,
      sessions: sessionRecords(1),
      window: { from: 0, to: SECOND },
      observed: {
        pools: [],
        stats: stats.map(({ at, count, time }) => {
          const totals = { total_xact_count: count, total_xact_time: time, total_wait_time: 0 };
          return { at, rows: [{ database: "entry", ...totals }] };
        }),
      },
    } as unknown as LiveResult;
  }

  const entries = new Set(["entry"]);
  const quiet = calibrate(measured({ from: 0, to: 0, length: 0 }), entries, PROBED);

  test("takes apart what holds the server and what does not", () => {
    expect(quiet.parts.overhead).toBeCloseTo(0.4, 6);
    expect(quiet.parts.held).toBeCloseTo(0.3, 6);
    expect(quiet.parts.path).toBeCloseTo(0.1, 6);
    expect(quiet.parts.resolution).toBeCloseTo(2, 6);
    expect(quiet.parts.timer_lateness).toBeCloseTo(0.5, 6);
    expect(quiet.parts.transactions).toBe(1000);
  });

  test("is not moved by a stall of 200 ms in one or two of its five sections", () => {
    for (const to of [250, 399])
      expect(calibrate(measured({ from: 210, to, length: 200 }), entries, PROBED)).toEqual(quiet);
  });

  test("one slow set-up of eight does not count as slow", () => {
    expect(quiet.parts.connect).toBeGreaterThan(4.7);
    expect(quiet.parts.connect).toBeLessThan(5.3);
  });
});
