/** A restart of the pooler: who is lost, when they are back, and how cold pools fill. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import { type Fault, SHUTDOWNS, type Workload } from "../../workloads/schema/workload.ts";
import { any } from "./any-workload.ts";
import { withPooler } from "./poolers.ts";

const restart = (at: number, length: number, shutdown?: Fault["shutdown"]): Fault => ({
  ...{ at: at * MS, for: length * MS, fault: "pooler_restart", shutdown },
});

describe("a history of constant times: two clients, 10 ms of thinking, 100 of service", () => {
  // Away for 50 ms, and a server connection takes 20; the pooler opens them when they are asked for.
  const base = closedKind(2, constant(10), constant(100));
  const kind = { ...base, session: { ...base.session, away: constant(50) } };
  const cold = textbook([kind], 2, { min_pool_size: 0 });
  const workload = { ...cold, server: { ...cold.server, connect_time: constant(20) } };
  const run = (shutdown: Fault["shutdown"]): RunResult => {
    const faults = [restart(1050, 1000, shutdown)];
    return simulate({ ...workload, faults }, { duration: 2400 * MS, trace: true });
  };
  /** Client, sent, wait and response of what was sent from 800 ms on. */
  const history = ({ trace }: RunResult): string[] =>
    (trace?.sent ?? []).flatMap((sent, i) => {
      const row = [sent, trace?.wait[i], trace?.response[i]].map((time) => (time ?? 0) / MS);
      return sent < 800 * MS ? [] : [[trace?.client[i], ...row].join(" ")];
    });

  test("immediate: both are dropped at once, knock every 50 ms, and log in one after the other", () => {
    const result = run("immediate");
    expect(history(result)).toEqual([
      ...["0 800 0 100", "1 820 0 100", "0 910 0 100", "1 930 0 100"],
      // The knock at 2050 is the first that is heard; the first server is there at 2070, and the second,
      // which nobody opened while the first one logged in, 20 ms after the second transaction came.
      ...["0 2080 0 100", "1 2080 20 120", "0 2190 0 100", "1 2210 0 100"],
      ...["0 2300 0 100", "1 2320 0 100"],
    ]);
    // From 1100 to 2000 every 50 ms, each of the two.
    expect(result.all.errors).toEqual({ killed: 2, shutting_down: 2 * 19 });
    expect(result.all.refused).toBe(2 * 19);
  });

  test("wait_for_servers: what runs is finished, and nothing else", () => {
    const result = run("wait_for_servers");
    const rows = history(result);
    // Those of 1020 and 1040 end at 1120 and 1140; the tick of 1333 then finds no server.
    expect(rows.slice(0, 6)).toEqual([
      ...["0 800 0 100", "1 820 0 100", "0 910 0 100", "1 930 0 100"],
      ...["0 1020 0 100", "1 1040 0 100"],
    ]);
    expect(rows[6]).toMatch(/^\d 2\d\d\d 0 100$/);
    // Their next requests, at 1130 and 1150, are told that it goes.
    expect(result.all.errors.server_shutting_down).toBe(2);
    expect(result.all.errors.killed).toBeUndefined();
  });

  test("wait_for_clients: who is there goes on, until the new one comes", () => {
    const result = run("wait_for_clients");
    const sent = (result.trace?.sent ?? []).map((time) => time / MS);
    expect(sent.filter((time) => time > 1050 && time < 2050)).toHaveLength(16);
    expect(result.all.errors).toEqual({ killed: 2 });
    // Dropped at 2050, back at 2100, served by the first server, which is there at 2120.
    expect(history(result).filter((row) => row.includes(" 2130 "))).toEqual([
      ...["0 2130 0 100", "1 2130 20 120"],
    ]);
  });

  test("PgBouncer's counters begin anew, the result's do not", () => {
    const { stats, all } = run("immediate");
    // It counts queries when they come, so also the two that were under way when it went.
    expect(stats[STAT.query_count]).toBe(all.response.count + 2);
    expect(stats[STAT.client_login_count]).toBe(4);
  });
});

test("the pool in use is a part of the pool, also where the run ends without a pooler or with two", () => {
  const kind = closedKind(2, constant(100), constant(100));
  const plain = textbook([kind], 10, { min_pool_size: 0 });
  for (const [fault, least] of [
    ["pooler_restart", 0.09],
    ["pooler_takeover", 0.099],
  ] as const) {
    const faults = [{ at: 19 * SECOND, for: 9 * SECOND, fault }];
    const { utilization } = simulate({ ...plain, faults }, { duration: 20 * SECOND });
    expect(utilization).toBeGreaterThan(least);
    expect(utilization).toBeLessThanOrEqual(0.1);
  }
});

test("a login storm into a cold pool: the k-th connection is there after k connect times", () => {
  const base = closedKind(8, constant(0), constant(10_000));
  const kind = { ...base, session: { ...base.session, away: constant(50) } };
  const cold = textbook([kind], 8, { min_pool_size: 0 });
  const server = { ...cold.server, connect_time: constant(30) };
  const workload = { ...cold, server, faults: [restart(1000, 100)] };
  const { trace } = simulate(workload, { duration: 5 * SECOND, trace: true });
  const waits = (trace?.wait ?? []).map((wait) => wait / MS).sort((a, b) => a - b);
  // The first one's connection was opened for the login, before there was anything to wait for.
  expect(waits).toEqual([0, 30, 60, 90, 120, 150, 180, 210]);
});

test("clients of an application's pool, and those that retry, find back as well", () => {
  const kind = closedKind(12, exponential(50), exponential(10));
  const app = { ...kind, app_pool: { instances: 2, size: 3, timeout: 30 * SECOND } };
  const retry = { attempts: 20, backoff: 100 * MS, factor: 1, jitter: 0 };
  for (const each of [app, { ...kind, retry }, { ...app, retry }]) {
    const workload = { ...textbook([each], 4), faults: [restart(2000, 500)] };
    for (const processes of [1, 3]) {
      const result = simulate(withPooler(workload, { processes }), {
        ...{ duration: 6 * SECOND, trace: true },
      });
      const sent = result.trace?.sent ?? [];
      const end = sent.map((time, i) => time + (result.trace?.response[i] ?? 0));
      expect(end.filter((time) => time > 2010 * MS && time < 2500 * MS)).toEqual([]);
      expect(sent.filter((time) => time > 3 * SECOND).length).toBeGreaterThan(300);
      if (each.retry !== undefined) expect(result.all.given_up).toBe(0);
    }
  }
});

test("one of several processes with as many clients as its table has room for can be restarted", () => {
  // Handles 2, 8, ... 62 fill a table of 64: the next one would be 68.
  const kind = closedKind(66, exponential(100), exponential(10));
  const workload = { ...textbook([kind], 4), faults: [restart(1000, 100)] };
  const deal = (_: string, number: number): number => number % 6;
  const options = { duration: 2 * SECOND, deal };
  const result = simulate(withPooler(workload, { processes: 6 }), options);
  expect(result.all.errors.killed).toBe(66);
});

describe("whatever the workload, and whenever the pooler is restarted", () => {
  const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 150) / 3);
  const parts = {
    workload: any,
    at: fc.integer({ min: 0, max: 1500 }),
    length: fc.integer({ min: 0, max: 800 }),
    shutdown: fc.constantFrom(...SHUTDOWNS),
    processes: fc.integer({ min: 1, max: 3 }),
    cpu_per_message: fc.constantFrom(0, 0.1 * MS),
    cores: fc.constantFrom(undefined, 2),
  };
  const restarted = fc.record(parts).map((one): Workload => {
    const { workload, at, length, shutdown, processes, cpu_per_message, cores } = one;
    const faults = [restart(at, length, shutdown)];
    const server = { ...workload.server, cores };
    return withPooler({ ...workload, faults, server }, { processes, cpu_per_message });
  });

  test("nothing is served while it is away, levels add up, and a seed is a run", () => {
    const claim = (workload: Workload, seed: number): void => {
      const options = { seed, duration: 2 * SECOND, trace: true, moments: 100 };
      const result = simulate(workload, options);
      expect(isDeepStrictEqual(simulate(workload, options), result)).toBe(true);
      expect(result.unfinished).toBe(0);
      const [fault] = workload.faults as [Fault];
      const gone = (at: number): boolean => at > fault.at && at < fault.at + fault.for;
      for (const { at, clients_waiting, servers_active, server_connections } of result.timeline) {
        expect(Math.min(clients_waiting, servers_active)).toBeGreaterThanOrEqual(0);
        expect(servers_active).toBeLessThanOrEqual(server_connections);
        if (fault.shutdown === "immediate" && gone(at))
          expect([clients_waiting, server_connections]).toEqual([0, 0]);
      }
      for (const [i, sent] of (result.trace?.sent ?? []).entries())
        if (fault.shutdown === "immediate") {
          const wait = result.trace?.wait[i] ?? 0;
          expect(gone(sent) || (sent <= fault.at && gone(sent + wait))).toBe(false);
        }
    };
    fc.assert(fc.property(restarted, fc.nat(), claim), { numRuns });
  });
});
