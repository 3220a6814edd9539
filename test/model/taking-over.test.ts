/** A second pooler takes over from the first: who is where, and how many connections the database has. */
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
  times,
} from "../../sim/study/theory/textbook.ts";
import { type Fault, SHUTDOWNS, type Workload } from "../../workloads/schema/workload.ts";
import { any } from "./any-workload.ts";
import { withPooler } from "./poolers.ts";

const takeover = (at: number, length: number, shutdown?: Fault["shutdown"]): Fault => ({
  ...{ at: at * MS, for: length * MS, fault: "pooler_takeover", shutdown },
});

describe("a history of constant times: 10 ms of thinking, 100 of service, 20 to open a connection", () => {
  const forever = closedKind(1, constant(10), constant(100));
  // Four transactions from 10 ms after the login on, then away for 60: every 500 ms.
  const session = { transactions: times(4), away: constant(60) };
  const guest = { ...forever, name: "guest", session };
  const stays = { ...forever, name: "stays", session: { ...forever.session, away: constant(60) } };
  const run = (shutdown?: Fault["shutdown"], max_connections = 100): RunResult => {
    const settings = { min_pool_size: 0, server_login_retry: 100 * MS };
    const cold = textbook([guest, stays], 2, settings);
    const server = { ...cold.server, connect_time: constant(20), max_connections };
    const faults = [takeover(700, 1000, shutdown)];
    return simulate(
      { ...cold, server, faults },
      { duration: 3000 * MS, trace: true, moments: 300 },
    );
  };
  /** Sent, wait and response of a kind's transactions that were sent from 500 ms to 2 s. */
  const history = ({ trace }: RunResult, kind: number): string[] =>
    (trace?.sent ?? []).flatMap((sent, i) => {
      if (trace?.kind[i] !== kind || sent < 500 * MS || sent >= 2000 * MS) return [];
      return [[sent, trace.wait[i], trace.response[i]].map((time) => (time ?? 0) / MS).join(" ")];
    });
  const connectionsAt = ({ timeline }: RunResult, ms: number): number | undefined =>
    timeline.find(({ at }) => at === ms * MS)?.server_connections;

  test("who comes back comes to the new one, who stays keeps the old one until its time is over", () => {
    const result = run();
    expect(history(result, 0)).toEqual([
      ...["530 0 100", "640 0 100", "750 0 100", "860 0 100"],
      // Back at 1020; the new one's first connection is there at 1040.
      ...["1050 0 100", "1160 0 100", "1270 0 100", "1380 0 100"],
      ...["1550 0 100", "1660 0 100", "1770 0 100", "1880 0 100"],
    ]);
    const { errors } = result.all;
    expect(errors).toEqual({ killed: 1 });
    // The old one's two, one of them idle, and the new one's; then the old one's are gone.
    expect([690, 1100, 1690, 1710].map((ms) => connectionsAt(result, ms))).toEqual([2, 3, 3, 1]);
    expect(result.server_connections.max).toBe(3);
    // Dropped at 1700, back at 1760; both ask at 1770, and a second connection is opened for it.
    expect(history(result, 1).slice(-2)).toEqual(["1770 20 120", "1900 0 100"]);
  });

  test("max_connections must hold both: else the new one cannot log in", () => {
    const result = run(undefined, 2);
    // The pooler has three, one of them in login; the database has two.
    expect(result.server_connections.max).toBe(3);
    expect(result.memory).toBe(2 * textbook([forever], 2).server.memory_per_connection);
    // It is tried at the login of 1020, and at the tick of 1367 for who is back at 1100.
    expect(result.all.errors.server_error).toBe(2);
    expect(history(result, 0).filter((row) => Number(row.split(" ")[0]) > 960)).toEqual(
      history(result, 0).filter((row) => Number(row.split(" ")[0]) > 1700),
    );
  });

  test("wait_for_servers: the old one finishes what runs, and everybody is soon at the new one", () => {
    const result = run("wait_for_servers");
    expect(result.all.errors).toEqual({ server_shutting_down: 2 });
    expect(connectionsAt(result, 1690)).toBe(2);
    expect(result.server_connections.max).toBeLessThanOrEqual(4);
  });

  test("immediate: everybody is at the new one as soon as it comes back", () => {
    const result = run("immediate");
    expect(result.all.errors).toEqual({ killed: 2 });
    // Dropped at 700, back at 760, welcome at 780.
    expect(history(result, 0).find((row) => Number(row.split(" ")[0]) > 700)).toBe("790 0 100");
    expect(connectionsAt(result, 710)).toBe(0);
  });

  test("without a way to go it waits for clients, and PgBouncer's counters are summed over both", () => {
    const [first, second] = [run(), run("wait_for_clients")];
    expect(isDeepStrictEqual(first, second)).toBe(true);
    expect(first.stats[STAT.xact_count]).toBe(first.all.response.count);
  });
});

test("the old one goes as soon as its last client has left, with its idle servers", () => {
  const kind = closedKind(20, exponential(20), exponential(10));
  const guests = { ...kind, session: { transactions: times(10), away: exponential(50) } };
  const workload = { ...textbook([guests], 4), faults: [takeover(2000, 60_000)] };
  const result = simulate(workload, { duration: 10 * SECOND, moments: 100 });
  expect(result.all.errors).toEqual({});
  expect(result.server_connections.max).toBe(8);
  const late = result.timeline.filter(({ at }) => at > 5 * SECOND);
  expect(new Set(late.map((row) => row.server_connections))).toEqual(new Set([4]));
});

test("before it nothing is different, and each may come after another", () => {
  const kind = closedKind(12, exponential(50), exponential(10));
  const guests = { ...kind, session: { transactions: times(5), away: exponential(50) } };
  const plain = textbook([guests], 3);
  const run = (faults?: Fault[]) =>
    simulate({ ...plain, faults }, { duration: 8 * SECOND, trace: true });
  const [never, thrice] = [run(), run([2000, 4000, 6000].map((at) => takeover(at, 1500)))];
  const early = ({ trace }: RunResult): number[] =>
    (trace?.sent ?? []).filter((sent, i) => sent + (trace?.response[i] ?? 0) < 2 * SECOND);
  expect(early(thrice)).toEqual(early(never));
  expect(thrice.all.response.count).toBeGreaterThan(0.97 * never.all.response.count);
  expect(thrice.server_connections.max).toBe(6);
});

test("cancel requests come to the new one, which knows the old one's clients as peers only", () => {
  const kind = { ...closedKind(4, constant(10), constant(1000)), timeout: 100 * MS, cancels: true };
  const faults = [takeover(1000, 8000)];
  const run = (peering?: number): RunResult =>
    simulate(withPooler({ ...textbook([kind], 4), faults }, { peering }), { duration: 5 * SECOND });
  const [known, lost] = [run(0), run()];
  expect(known.all.response.count).toBe(0);
  expect(known.requests?.forwarded).toBeGreaterThan(100);
  expect(lost.requests?.lost).toBe(lost.all.response.count);
});

describe("whatever the workload, and whenever another takes over", () => {
  const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 150) / 3);
  const parts = {
    workload: any,
    at: fc.integer({ min: 0, max: 1500 }),
    length: fc.integer({ min: 0, max: 800 }),
    shutdown: fc.constantFrom(undefined, ...SHUTDOWNS),
    processes: fc.integer({ min: 1, max: 3 }),
    peering: fc.constantFrom(undefined, MS),
    timeout: fc.constantFrom(undefined, 50 * MS),
    cpu_per_message: fc.constantFrom(0, 0.1 * MS),
    cores: fc.constantFrom(undefined, 2),
    size: fc.constantFrom(undefined, 2),
    discipline: fc.constantFrom("fifo" as const, "race" as const),
  };
  const relieved = fc.record(parts).map((one): Workload => {
    const { workload, at, length, shutdown, cores, size, timeout, ...pooler } = one;
    const app_pool = size && { instances: 2, size, timeout: 200 * MS };
    const cancels = timeout !== undefined;
    const clients = workload.clients.map((kind) => ({ ...kind, app_pool, timeout, cancels }));
    const faults = [takeover(at, length, shutdown), takeover(at + length, 300)];
    const server = { ...workload.server, cores };
    return withPooler({ ...workload, clients, faults, server }, pooler);
  });

  test("levels add up, every transaction ends, and a seed is a run", () => {
    const claim = (workload: Workload, seed: number): void => {
      const options = { seed, duration: 2 * SECOND, trace: true, moments: 100 };
      const result = simulate(workload, options);
      expect(isDeepStrictEqual(simulate(workload, options), result)).toBe(true);
      expect(result.unfinished).toBe(0);
      for (const { clients_waiting, servers_active, server_connections } of result.timeline) {
        expect(Math.min(clients_waiting, servers_active)).toBeGreaterThanOrEqual(0);
        expect(servers_active).toBeLessThanOrEqual(server_connections);
      }
    };
    fc.assert(fc.property(relieved, fc.nat(), claim), { numRuns });
  });
});
