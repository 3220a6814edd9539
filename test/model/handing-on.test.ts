/** Cancel requests that reach another process of the pooler than their client's. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import type { Deal } from "../../sim/model/processes.ts";
import { Tally } from "../../sim/study/tally.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  SECOND,
  textbook,
  times,
} from "../../sim/study/theory/textbook.ts";
import type { ClientKind, PoolerModel, Workload } from "../../workloads/schema/workload.ts";
import { any } from "./any-workload.ts";
import { withPooler } from "./poolers.ts";

/** 10 ms of thinking, one statement of a second, cancelled after 100 ms; trips of 20 and 10 ms. */
const hasty: ClientKind = {
  ...closedKind(1, constant(10), constant(1000)),
  ...{ timeout: 100 * MS, cancels: true },
};
const two = (pooler: Partial<PoolerModel>, kind = hasty): Workload => ({
  ...withPooler(textbook([kind], 1), { processes: 2, ...pooler }),
  network: { client: 20 * MS, server: 10 * MS },
});
/** Clients are at the first process, their requests at `process`. */
const to =
  (process: number): Deal =>
  (kind) =>
    kind.endsWith(" cancel") ? process : 0;
const run = (workload: Workload, process: number, duration: number): RunResult =>
  simulate(workload, { duration: duration * MS, trace: true, deal: to(process) });

describe("a history of constant times", () => {
  test("handed on: a round trip to connect and half of one to be heard, before all that follows", () => {
    // Asked at 0; at the other process at 120, at the client's at 126, struck at 146, known at 166.
    const result = run(two({ peering: 4 * MS }), 1, 1760);
    expect(result.all.errors).toEqual({ client_cancel: 10 });
    expect(result.servers_active * 1760).toBeCloseTo(10 * 146, 6);
    expect(result.requests).toEqual({ asked: 10, forwarded: 10, lost: 0 });
    // The connection to the peer is none to the database; that for the request is.
    expect(result.server_connections.max).toBe(2);
    expect(result.server_connections.opened).toBe(1 + 10);
  });

  test("at the client's own process nothing is handed on", () => {
    const result = run(two({ peering: 4 * MS }), 0, 1700);
    expect(result.all.errors).toEqual({ client_cancel: 10 });
    expect(result.servers_active * 1700).toBeCloseTo(10 * 140, 6);
    expect(result.requests).toEqual({ asked: 10, forwarded: 0, lost: 0 });
  });

  test("without peers it is lost, and the statement runs to its end", () => {
    const result = run(two({}), 1, 4000);
    expect(result.all.errors).toEqual({});
    expect(result.trace?.response.slice(0, 3)).toEqual([1030 * MS, 1030 * MS, 1030 * MS]);
    expect(result.requests).toEqual({ asked: 4, forwarded: 0, lost: 4 });
  });

  test("who is answered while its request is on the way keeps its next statement", () => {
    // Answered at 125, when the request is between the processes.
    const kind = { ...hasty, transaction: { ...hasty.transaction, service: constant(115) } };
    const result = run(two({ peering: 4 * MS }, kind), 1, 2000);
    expect(result.all.errors).toEqual({});
    expect(new Set(result.trace?.response)).toEqual(new Set([145 * MS]));
    expect(result.requests?.forwarded).toBeGreaterThan(10);
  });

  test("one connection to a peer is made at a time", () => {
    // Both ask at the same instant: the second's connection is begun when the first one's stands.
    const pair = { ...hasty, count: 2 };
    const workload = two({ peering: 40 * MS }, pair);
    const wide = { ...workload.settings, default_pool_size: 2, min_pool_size: 2 };
    const result = run({ ...workload, settings: wide }, 1, 430);
    // Asked at 30, 400 before the end. At the peer at 120 + 60 and 160 + 60, struck 20 later; their next are sent 30 after that.
    expect(result.servers_active * 430).toBeCloseTo(200 + 240 + 170 + 130, 6);
  });
});

test("with peers every request finds its client, without them half of them do", () => {
  const many = closedKind(40, constant(10), constant(1000));
  const kind = { ...many, timeout: 100 * MS, cancels: true };
  const wide = (pooler: Partial<PoolerModel>): RunResult =>
    simulate(withPooler(textbook([kind], 100), { processes: 2, ...pooler }), {
      duration: 20 * SECOND,
    });
  const [forwarded, lost] = [wide({ peering: 0 }), wide({})];
  expect(forwarded.all.response.count).toBe(0);
  expect(forwarded.all.errors.client_cancel).toBe(forwarded.requests?.asked);
  const half = (forwarded.requests?.forwarded ?? 0) / (forwarded.requests?.asked ?? 1);
  // Of 7,000 five sigma is 0.03.
  expect(Math.abs(half - 0.5)).toBeLessThan(0.03);
  expect(lost.requests?.lost).toBe(lost.all.response.count);
});

test("what is drawn for a request depends on its transaction and attempt alone", () => {
  const kind = { ...closedKind(6, exponential(50), exponential(100)), timeout: 60 * MS };
  const cancels = { ...kind, name: "other", user: "other", cancels: true };
  const lost = (others: number): unknown => {
    const quiet = { ...kind, count: others, cancels: true };
    const workload = withPooler(textbook([quiet, cancels], 20), { processes: 3 });
    const { trace } = simulate(workload, { duration: 5 * SECOND, trace: true });
    return trace?.sent.filter((_, i) => trace.kind[i] === 1);
  };
  expect(lost(0)).toEqual(lost(6));
});

test("results say how many were handed on, and reports do", () => {
  const workload = two({ peering: 4 * MS });
  const tally = new Tally(workload);
  for (const seed of [1, 2])
    tally.add(simulate(workload, { seed, duration: 1760 * MS, deal: to(1) }));
  expect(tally.run(0.05, 0, {}).pooler).toMatchObject({
    cancel_requests: { asked: 20, forwarded: 20, lost: 0 },
  });
});

describe("whatever the workload", () => {
  const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 150) / 3);
  const parts = {
    workload: any,
    timeout: fc.integer({ min: 1, max: 100 }),
    attempts: fc.integer({ min: 0, max: 2 }),
    processes: fc.integer({ min: 2, max: 3 }),
    peering: fc.constantFrom(0, MS, 40 * MS),
    fault: fc.constantFrom(undefined, "restart", "failover", "stall", "pooler_restart"),
    size: fc.constantFrom(undefined, 1, 3),
  } as const;
  const impatient = fc.record(parts).map((one): Workload => {
    const { workload, timeout, attempts, processes, peering, fault, size } = one;
    const app_pool = size && { instances: 2, size, timeout: 200 * MS };
    const retry = { attempts, backoff: 5 * MS, factor: 2, jitter: 0.5 };
    const clients = workload.clients.map((kind) => ({
      ...kind,
      ...{ timeout: timeout * MS, cancels: true, retry, app_pool },
    }));
    const faults = fault && [{ at: 500 * MS, for: 300 * MS, fault }];
    return withPooler({ ...workload, clients, faults }, { processes, peering });
  });

  test("connections to peers are counted nowhere, every transaction ends, and a seed is a run", () => {
    const claim = (workload: Workload, seed: number): void => {
      const options = { seed, duration: 2 * SECOND, moments: 50 };
      const result = simulate(workload, options);
      expect(isDeepStrictEqual(simulate(workload, options), result)).toBe(true);
      expect(result.unfinished).toBe(0);
      expect(result.requests?.lost).toBe(0);
      for (const { servers_active, server_connections } of result.timeline)
        expect(servers_active).toBeLessThanOrEqual(server_connections);
    };
    fc.assert(fc.property(impatient, fc.nat(), claim), { numRuns });
  });

  test("times of transactions without cancels are the same, whether peers are known or not", () => {
    const claim = (workload: Workload, seed: number): void => {
      const clients = workload.clients.map((kind) => ({ ...kind, timeout: 3600 * SECOND }));
      const options = { seed, duration: SECOND, trace: true };
      const [known, not] = [0, undefined].map((peering) =>
        simulate(withPooler({ ...workload, clients }, { processes: 2, peering }), options),
      );
      expect(known).toEqual(not);
    };
    fc.assert(fc.property(impatient, fc.nat(), claim), { numRuns: Math.ceil(numRuns / 4) });
  });
});

test("a transaction of several statements is rolled back at the client's own process", () => {
  const transaction = { ...hasty.transaction, statements: times(2) };
  const result = run(two({ peering: 4 * MS }, { ...hasty, transaction }), 1, 2060);
  // The error at 146, ROLLBACK at 166, its answer at 176, known at 196; next at 206.
  expect(result.all.errors).toEqual({ client_cancel: 10 });
  expect(result.servers_active * 2060).toBeCloseTo(10 * 176, 6);
});
