/** What clients ask for when nobody waits, said beforehand and simulated; and a warm-up that lasts until they do. */
import { describe, expect, test } from "vitest";
import { offeredLoad, settlingTime } from "../../sim/study/offered.ts";
import { overlooked } from "../../sim/study/overlooked.ts";
import { paceOf, rateOf } from "../../sim/study/pace.ts";
import { study } from "../../sim/study/run.ts";
import { Probes } from "../../sim/study/size/probes.ts";
import { holdings } from "../../sim/study/size/reason.ts";
import {
  closedKind,
  constant,
  exponential,
  openKind,
  SECOND,
  textbook,
  times,
} from "../../sim/study/theory/textbook.ts";
import { leastWarmUp } from "../../sim/study/warm-up.ts";
import type { ClientKind, SessionModel, Workload } from "../../workloads/schema/workload.ts";
import { timeLimit } from "./workload.ts";

const forever = "forever" as const;
const closed = closedKind(20, exponential(190), exponential(10));
const open = { ...openKind(exponential(500), exponential(10)), think: exponential(190) };
const away = exponential(2000);

const withSession = (kind: ClientKind, session: Partial<SessionModel>): ClientKind => ({
  ...kind,
  session: { ...kind.session, ...session },
});

/** Nobody waits on so many connections. */
function roomy(kind: ClientKind, mode: "transaction" | "session" = "transaction"): Workload {
  const workload = textbook([kind], 400, { pool_mode: mode });
  return { ...workload, run: { ...workload.run, duration: 60 * SECOND, warmup: "auto" } };
}

describe("transactions a second, and the connections that they hold", () => {
  for (const [what, kind, rate] of [
    ["clients who stay", closed, 100],
    ["who are away after five", withSession(closed, { transactions: times(5), away }), 20 / 0.6],
    [
      "who are away after a time",
      withSession(closed, { duration: exponential(3800), away }),
      (20 * 20) / 6,
    ],
    [
      "after one or the other, which comes first",
      withSession(closed, { transactions: times(4), duration: constant(60_000), away }),
      (20 * 4) / 2.8,
    ],
    ["clients who come for one", open, 2],
    ["for five", withSession(open, { transactions: times(5) }), 10],
    [
      "for a time",
      withSession(open, { transactions: forever, duration: exponential(3800) }),
      2 * 20,
    ],
  ] as const) {
    test(`${what}: ${rate.toFixed(1)}/s`, async () => {
      const workload = roomy(kind);
      expect(rateOf(kind, paceOf(workload, kind)) * SECOND).toBeCloseTo(rate, 9);
      const { run } = await study(workload, { replications: 20 });
      const [low, high] = run.throughput_tps_ci95 as [number, number];
      expect(rate).toBeGreaterThan(low);
      expect(rate).toBeLessThan(high);
      const [statements] = holdings(workload);
      expect(statements?.connections).toBeCloseTo(rate * 0.01, 9);
    });
  }
});

test("in session mode a client has no server before its first transaction", async () => {
  const kind = withSession(closed, { transactions: times(4), away });
  const workload = roomy(kind, "session");
  const held = holdings(workload).reduce((sum, part) => sum + part.connections, 0);
  expect(held).toBeCloseTo((20 * (4 * 0.01 + 3 * 0.19)) / 2.8, 9);
  const { run } = await study(workload, { replications: 20 });
  expect(Math.abs((run.utilization * 400) / held - 1)).toBeLessThan(0.02);
});

test("sessions that end by time bring one transaction each however slow the pool is", () => {
  const brief = withSession(open, { transactions: forever, duration: exponential(3800) });
  const pool = (servers: number): Workload => textbook([brief], servers);
  expect(offeredLoad(pool(1))).toBeCloseTo(0.02, 9);
  const endless = withSession(open, { transactions: forever });
  expect(offeredLoad(textbook([endless], 1))).toBe(Number.POSITIVE_INFINITY);
  const { statements, gap } = open.transaction;
  const idle = { ...endless, transaction: { statements, service: constant(0), gap } };
  for (const kind of [endless, idle]) expect(settlingTime(textbook([kind], 1))).toBe(0);
});

test("the warm-up lasts until there are as many sessions as there will be", () => {
  const lasting = (kind: ClientKind): number => leastWarmUp(roomy(kind)) / SECOND;
  expect(lasting(closed)).toBeCloseTo(5 * 0.2, 9);
  expect(lasting(withSession(closed, { transactions: times(5), away }))).toBeCloseTo(5 * 3, 9);
  expect(lasting(withSession(open, { transactions: times(5) }))).toBeCloseTo(5 * 1, 9);
});

test("clients who begin together and think for a constant time: the warm-up lasts until they are out of step", async () => {
  const even = closedKind(118, constant(594), exponential(13));
  const lasting = (kind: ClientKind, servers: number): number => {
    const workload = textbook([kind], servers);
    const run = { ...workload.run, duration: 60 * SECOND, warmup: "auto" as const };
    return leastWarmUp({ ...workload, run }) / SECOND;
  };
  const cycle = 0.607;
  const steps = (594 + 13) ** 2 / 13 ** 2 / 4; // A random walk of 13 ms a cycle, half a cycle wide.
  const spread = lasting(even, 14) / (steps * cycle);
  expect(spread).toBeGreaterThan(0.7);
  expect(spread).toBeLessThan(1.4);
  expect(lasting(even, 118), "nobody waits").toBeCloseTo(5 * cycle, 9);
  expect(lasting(closedKind(118, constant(594), constant(13)), 14)).toBeCloseTo(5 * cycle, 9);
  expect(lasting(closedKind(118, exponential(594), exponential(13)), 14)).toBeCloseTo(5 * cycle, 9);
  const workload = textbook([even], 14);
  const short = { ...workload, run: { ...workload.run, duration: 60 * SECOND } };
  const auto = { ...short, run: { ...short.run, warmup: "auto" as const } };
  expect(overlooked(auto)).toEqual([
    expect.stringMatching(/in step for \d+(\.\d+)? s: their waits are/),
  ]);
  expect((await study(auto, { replications: 1 })).run.warmup_s).toBe(15);
  // Part of a crowd's course is not the whole of it: `size` looks at as much as `simulate` would.
  const probes = new Probes({ ...auto, slo: { wait_p99: SECOND } }, { timeLimit });
  await probes.at(13);
  const { run } = await probes.at(14);
  expect(run.simulated_s / run.replications).toBe(60);
});

test("the warm-up lasts until a pool without a size is open, too", () => {
  const connecting = (servers: number): number => {
    const workload = roomy(closed, "session");
    const settings = { ...workload.settings, default_pool_size: servers };
    const server = { ...workload.server, connect_time: exponential(400) };
    return leastWarmUp({ ...workload, settings, server }) / SECOND;
  };
  expect(connecting(400)).toBeCloseTo(1.25 * 20 * 0.4, 9);
  expect(connecting(0)).toBeCloseTo(1.25 * 20 * 0.4, 9);
});
