/** Load that changes with time, and faults of the database. */
import { describe, expect, test } from "vitest";
import type { Course } from "../../sim/kernel/course.ts";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import { loadCourse } from "../../workloads/schema/courses.ts";
import type { Fault, Workload } from "../../workloads/schema/workload.ts";
import { holds } from "./exactness.ts";

const trace = (workload: Workload, duration: number, warmup = 0): RunResult =>
  simulate(workload, { duration, warmup, trace: true });
const spike = { at: 2 * SECOND, for: SECOND, clients: "clients", factor: 3 };

describe("a schedule of a kind's load", () => {
  test("constant think times: three times as many transactions in the spike, the same before and after", () => {
    const plain = textbook([closedKind(1, constant(90), constant(10))], 1);
    const sent = trace({ ...plain, schedule: [spike] }, 5 * SECOND).trace?.sent ?? [];
    const within = (from: number, to: number) =>
      sent.filter((time) => time >= from * SECOND && time < to * SECOND).length;
    // A cycle is 90 + 10 ms, in the spike 30 + 10.
    expect([within(0, 2), within(2, 3), within(3, 5)]).toEqual([20, 25, 20]);
    // The think time under way at 2 s had begun at 2 s exactly: 30 ms.
    expect(sent.find((time) => time > 2 * SECOND)).toBe(2030 * MS);
  });

  test("its times count from the begin of the window", () => {
    const plain = textbook([closedKind(1, constant(90), constant(10))], 1);
    const result = trace({ ...plain, schedule: [spike] }, 5 * SECOND, 10 * SECOND);
    const first = result.trace?.sent.find((time, i, all) => time - (all[i - 1] ?? 0) < 50 * MS);
    expect(first).toBe(12_030 * MS);
  });

  test("paired runs: each think time takes its own draw of the load's time, at any pool size", () => {
    const kind = closedKind(20, exponential(100), exponential(10));
    const workload = { ...textbook([kind], 2), schedule: [{ ...spike, over: 500 * MS }] };
    const course = loadCourse(workload, "clients", 0) as Course;
    const thinks = (servers: number): Map<string, number> => {
      const settings = { ...workload.settings, default_pool_size: servers };
      const rows = trace({ ...workload, settings }, 5 * SECOND).trace;
      const ends = new Map<string, number>();
      const found = new Map<string, number>();
      rows?.client.forEach((client, i) => {
        const number = rows.transaction[i] as number;
        const before = ends.get(`${client} ${number - 1}`);
        const sent = rows.sent[i] as number;
        if (before !== undefined) found.set(`${client} ${number}`, area(course, before, sent));
        ends.set(`${client} ${number}`, sent + (rows.response[i] as number));
      });
      return found;
    };
    const [few, many] = [thinks(1), thinks(10)];
    const both = [...few].filter(([key]) => many.has(key));
    expect(both.length).toBeGreaterThan(300);
    for (const [key, length] of both)
      expect(Math.abs(length / (many.get(key) as number) - 1)).toBeLessThan(0.01);
  });

  test("arrivals are Poisson with the rate that the ramp has at each moment", () => {
    const kind = openKind(exponential(10), constant(1));
    const schedule = [{ at: SECOND, for: SECOND, clients: "clients", factor: 4, over: SECOND }];
    const workload = { ...textbook([kind], 50), schedule };
    const counts = Array.from({ length: 40 }, (_, seed) => {
      const sent = simulate(workload, { seed, duration: 4 * SECOND, trace: true }).trace?.sent;
      return [0, 1, 2, 3].map(
        (second) => sent?.filter((time) => Math.floor(time / SECOND) === second).length ?? 0,
      );
    });
    // The mean factor of each second: rising from 1 to 4, at 4, falling, and 1.
    for (const [second, factor] of [2.5, 4, 2.5, 1].entries())
      holds(
        `second ${second}`,
        counts.map((count) => count[second] as number),
        100 * factor,
      );
  });

  test("a daily curve repeats, the time before the window included", () => {
    const kind = openKind(constant(10), constant(1));
    const points = [
      { at: 0, factor: 1 },
      { at: SECOND, factor: 3 },
    ];
    const curves = [{ clients: "clients", points, every: 2 * SECOND }];
    const result = trace({ ...textbook([kind], 9), curves }, 6 * SECOND, 3 * SECOND);
    // On the average 2; three rounds of two seconds at 100 a second.
    expect(result.trace?.sent.length).toBe(1200);
  });
});

/** The integral by steps of 10 us. */
function area(course: Course, from: number, to: number): number {
  const step = 10_000;
  let sum = 0;
  for (let time = from; time < to; time += step)
    sum += course.factor(time + step / 2) * Math.min(step, to - time);
  return sum;
}

describe("faults of the database", () => {
  const kind = { ...closedKind(2, constant(10), constant(100)) };
  const back = { ...kind, session: { ...kind.session, away: constant(50) } };
  const settings = { server_login_retry: SECOND };
  const run = (fault: Fault["fault"], cores?: number) => {
    const plain = textbook([back], 2, settings);
    const faults = [{ at: 1040 * MS, for: 3 * SECOND, fault }];
    return trace({ ...plain, server: { ...plain.server, cores }, faults }, 8 * SECOND);
  };
  const sent = (result: RunResult) => (result.trace?.sent ?? []).map((time) => time / MS);
  const longest = (result: RunResult) => result.all.response.max / MS;

  for (const cores of [undefined, 4]) {
    const where = cores === undefined ? "" : ", on cores";
    test(`stall: who is under way takes so much longer, and nobody is dropped${where}`, () => {
      const result = run("stall", cores);
      expect(result.all.errors).toEqual({});
      expect(longest(result)).toBe(3100);
      // Cycles of 110 ms, two clients: 8 s less the stall and the remaining bits.
      expect(result.all.response.count).toBe(2 * 46);
    });

    test(`restart: connections die at once, logins fail, and after it all goes on${where}`, () => {
      const result = run("restart", cores);
      expect(result.all.errors).toEqual({ server_gone: 2 });
      // Back after 50 ms of absence and 10 of thinking, they wait for a login that succeeds: the first
      // attempt after the end, as server_login_retry lets one go every second.
      expect(sent(result).filter((time) => time > 1040 && time < 4040)).toEqual([1100, 1100]);
      expect(result.all.wait.max).toBeGreaterThan(2940 * MS);
      expect(result.all.wait.max).toBeLessThan(2940 * MS + SECOND + 334 * MS);
      expect(sent(result).filter((time) => time > 5400).length).toBeGreaterThan(40);
    });

    test(`failover: nothing is heard until its end, then connections die${where}`, () => {
      const result = run("failover", cores);
      expect(result.all.errors).toEqual({ server_gone: 2 });
      const waits = sent(result).filter((time) => time > 1040 && time < 4040);
      expect(waits).toEqual([]);
      expect(sent(result).filter((time) => time > 4040).length).toBeGreaterThan(60);
    });
  }

  test("who calls during a failover is heard when it is over, without server_login_retry", () => {
    const kind = openKind(constant(6000), constant(100));
    const cold = textbook([kind], 2, { min_pool_size: 0 });
    const server = { ...cold.server, connect_time: constant(20) };
    for (const [fault, first] of [
      ["failover", 9020],
      // Refused at 6000 + 0: after 15 s, at the tick of 21333 and 20 later.
      ["restart", 64 * 333.333 + 20],
    ] as const) {
      const faults = [{ at: 5 * SECOND, for: 4 * SECOND, fault }];
      const { trace } = simulate(
        { ...cold, server, faults },
        { duration: 40 * SECOND, trace: true },
      );
      expect((trace?.sent[0] ?? 0) / MS).toBeCloseTo(first, 6);
    }
  });

  test("logins stand still as well: in a stall they go on after it, in a failover they are lost", () => {
    // The first server connection is begun 8 ms before the fault and takes 20.
    const kind = openKind(constant(4992), constant(100));
    const cold = textbook([kind], 2, { min_pool_size: 0 });
    const server = { ...cold.server, connect_time: constant(20) };
    for (const [fault, first] of [
      ["stall", 9012],
      // Lost; 15 s after it was begun, at the tick of 20000 and 20 later.
      ["failover", 60 * 333.333 + 20],
    ] as const) {
      const faults = [{ at: 5 * SECOND, for: 4 * SECOND, fault }];
      const length = { duration: 40 * SECOND, trace: true };
      const { trace } = simulate({ ...cold, server, faults }, length);
      expect((trace?.sent[0] ?? 0) / MS).toBeCloseTo(first, 6);
    }
  });

  test("two runs of a seed fail in the same way", () => {
    expect(run("restart")).toEqual(run("restart"));
  });
});
