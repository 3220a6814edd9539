/** Clients that cancel what takes them too long, and keep their connection. */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
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
import type { ClientKind, RetryModel, Workload } from "../../workloads/schema/workload.ts";
import { any } from "./any-workload.ts";
import { withPooler } from "./poolers.ts";

/** 10 ms of thinking, one statement of a second, given up after 100 ms. */
const hasty: ClientKind = {
  ...closedKind(1, constant(10), constant(1000)),
  ...{ timeout: 100 * MS, cancels: true },
};
/** Round trips of 20 ms to the client and 10 to the server. */
const far = (workload: Workload): Workload => ({
  ...workload,
  network: { client: 20 * MS, server: 10 * MS },
});
const run = (workload: Workload, duration: number): RunResult =>
  simulate(workload, { duration: duration * MS, trace: true });

describe("a history of constant times", () => {
  test("one round trip to connect, one to the database to connect and one to be heard", () => {
    // Asked at 0, cancelled at 100 + 20, struck at 120 + 10 + 10, known at 140 + 20; next at 170.
    const result = run(far(textbook([hasty], 1)), 1700);
    expect(result.all.errors).toEqual({ client_cancel: 10 });
    expect([result.all.timeouts, result.all.given_up, result.all.response.count]).toEqual([
      ...[10, 10, 0],
    ]);
    expect(result.servers_active * 1700).toBeCloseTo(10 * 140, 6);
  });

  test("inside a transaction of several statements there is a ROLLBACK to come", () => {
    const transaction = { ...hasty.transaction, statements: times(2) };
    // The error at 140, ROLLBACK at 160, its answer at 170, known at 190; next at 200.
    const result = run(far(textbook([{ ...hasty, transaction }], 1)), 2000);
    expect(result.all.errors).toEqual({ client_cancel: 10 });
    expect(result.servers_active * 2000).toBeCloseTo(10 * 170, 6);
  });

  test("on cores the work ends with it, and is nobody's any more", () => {
    const plain = far(textbook([hasty], 1));
    for (const quantum of [undefined, 4 * MS]) {
      const workload = { ...plain, server: { ...plain.server, cores: 1, quantum } };
      const result = run(workload, 1700);
      expect(result.all.errors).toEqual({ client_cancel: 10 });
      // Of each 170 ms the core is at work from 10 to 140: the round trip comes before.
      expect((result.cores?.mean ?? 0) * 1700).toBeCloseTo(10 * 130, 6);
      expect(result.cores?.wasted).toBe(0);
    }
    // Who hangs up instead leaves the backend at work.
    const workload = { ...plain, server: { ...plain.server, cores: 100 } };
    const clients = [{ ...hasty, cancels: undefined }];
    expect(run({ ...workload, clients }, 5000).cores?.wasted).toBeGreaterThan(0);
  });

  test("a transaction that waits for a server cannot be cancelled: it is served, late", () => {
    const holder = { ...closedKind(1, constant(0), constant(400)), name: "holder" };
    const quick = { ...hasty, transaction: { ...hasty.transaction, service: constant(50) } };
    const result = run(textbook([holder, quick], 1), 1000);
    expect(result.all.errors).toEqual({});
    expect(result.kinds.clients?.response.max).toBeGreaterThan(400 * MS);
  });

  test("an attempt that was cancelled is made again on the same connection", () => {
    const retry: RetryModel = { attempts: 1, backoff: 30 * MS, factor: 1, jitter: 0 };
    const result = run(far(textbook([{ ...hasty, retry }], 1)), 10 * 360);
    // Known at 160, asked again at 190, known at 350, given up; next at 360.
    expect(result.all.errors).toEqual({ client_cancel: 20 });
    expect([result.all.retries, result.all.given_up]).toEqual([10, 10]);
    // Its own login is the only one: the others were of requests.
    expect(result.server_connections.max).toBe(2);
  });

  test("behind a pool of the application the connection goes back to it, and the user's next asks anew", () => {
    const retry: RetryModel = { attempts: 1, backoff: 30 * MS, factor: 1, jitter: 0 };
    const app_pool = { instances: 1, size: 1, timeout: 0 };
    // Asked at 10, when the connection is not there yet; its error known at 170; again from 200 to 360.
    const result = run(far(textbook([{ ...hasty, retry, app_pool }], 1)), 10 * 360);
    expect(result.all.errors).toEqual({ client_cancel: 20 });
    expect([result.all.retries, result.all.given_up]).toEqual([10, 10]);
    expect(result.all.app_wait?.max).toBe(0);
    expect(result.clients_connected).toBeCloseTo(1, 9);
  });

  test("behind a pool of the application ROLLBACK comes before its connection serves the next", () => {
    const transaction = { ...hasty.transaction, statements: times(2) };
    const app_pool = { instances: 1, size: 1, timeout: 0 };
    const kind = { ...hasty, transaction, app_pool };
    const result = run(far(textbook([kind], 1)), 2000);
    expect(result.all.errors).toEqual({ client_cancel: 10 });
    // At first the connection is there only 10 ms after it was asked for.
    expect(result.servers_active * 2000).toBeCloseTo(10 * 170 - 10, 6);
  });

  test("who waits for a connection of the application's pool has nothing to cancel, and gives up", () => {
    const app_pool = { instances: 1, size: 1, timeout: 0 };
    const two = { ...hasty, count: 2, app_pool };
    const result = run(far(textbook([two], 1)), 115);
    // Both ask at 10: one is served and sends its request at 110, when the other goes.
    expect(result.all.errors).toEqual({ client_cancel: 1, client_timeout: 1 });
  });

  test("with two processes a request finds the client's own by chance, else it is lost", () => {
    const many = closedKind(40, constant(10), constant(1000));
    const kind = { ...many, timeout: 100 * MS, cancels: true };
    const workload = withPooler(textbook([kind], 100), { processes: 2 });
    const { errors, response } = run(workload, 20_000).all;
    const cancelled = errors.client_cancel ?? 0;
    // Half of them: 40 x 20 s / (0.5 x 110 ms + 0.5 x 1010 ms) = 1429 attempts, of which 5 sigma is 95.
    expect(Math.abs(cancelled / (cancelled + response.count) - 0.5)).toBeLessThan(0.067);
  });
});

test("requests open connections past the pool's size, up to twice of it", () => {
  const kind = { ...closedKind(3, constant(1), constant(1000)), timeout: 50 * MS, cancels: true };
  const workload = far(textbook([kind], 3));
  const result = run(workload, 3000);
  expect(result.server_connections.max).toBeGreaterThan(3);
  expect(result.server_connections.max).toBeLessThanOrEqual(6);
  expect(result.all.errors.client_cancel).toBeGreaterThan(10);
});

test("a request takes no slot of max_connections, at whatever moment it meets a login", () => {
  // Each pool has its first connection early; the guests need a second one, the third of all, at `think`.
  const guest = { ...closedKind(2, constant(0), constant(500)), name: "guest", user: "other" };
  const cold = far(textbook([hasty, guest], 2, { min_pool_size: 0 }));
  const server = { ...cold.server, connect_time: constant(15), max_connections: 3 };
  for (let think = 80; think <= 160; think += 5) {
    const clients = [cold.clients[0] as ClientKind, { ...guest, think: constant(think) }];
    const { all, kinds, memory } = run({ ...cold, clients, server }, 400);
    expect(all.errors).toEqual({ client_cancel: 3 });
    // Were it refused, they would wait for each other, half a second and more.
    expect(kinds.guest?.wait.max, `${think} ms`).toBeLessThan(50 * MS);
    expect(memory / server.memory_per_connection, "of a request there is no backend").toBe(3);
  }
});

describe("whatever the workload", () => {
  const numRuns = Math.ceil(Number(process.env.PROPERTY_RUNS ?? 150) / 3);
  const parts = {
    workload: any,
    timeout: fc.integer({ min: 1, max: 100 }),
    attempts: fc.integer({ min: 0, max: 2 }),
    processes: fc.integer({ min: 1, max: 2 }),
    cores: fc.constantFrom(undefined, 2),
    quantum: fc.constantFrom(undefined, 2 * MS),
    fault: fc.constantFrom(undefined, "restart", "failover", "stall", "pooler_restart"),
    size: fc.constantFrom(undefined, 1, 3),
  } as const;
  const impatient = fc.record(parts).map((one): Workload => {
    const { workload, timeout, attempts, processes, cores, quantum, fault, size } = one;
    const app_pool = size && { instances: 2, size, timeout: 200 * MS };
    const retry = { attempts, backoff: 5 * MS, factor: 2, jitter: 0.5 };
    const clients = workload.clients.map((kind, i) => ({
      ...kind,
      ...{ timeout: timeout * MS, cancels: i === 0, retry, app_pool },
    }));
    const server = { ...workload.server, cores, quantum: cores && quantum };
    const faults = fault && [{ at: 500 * MS, for: 300 * MS, fault }];
    return withPooler({ ...workload, clients, server, faults }, { processes });
  });

  test("every transaction ends once, answered or not, and a seed is a run", () => {
    const claim = (workload: Workload, seed: number): void => {
      const options = { seed, duration: 2 * SECOND, trace: true, moments: 50 };
      const result = simulate(workload, options);
      expect(isDeepStrictEqual(simulate(workload, options), result)).toBe(true);
      expect(result.unfinished).toBe(0);
      const last = new Map<string, number>();
      const { client = [], kind = [], transaction = [] } = result.trace ?? {};
      client.forEach((number, i) => {
        const of = `${kind[i]} ${number}`;
        expect(transaction[i]).toBeGreaterThan(last.get(of) ?? -1);
        last.set(of, transaction[i] as number);
      });
      for (const { clients_waiting, servers_active, server_connections } of result.timeline) {
        expect(Math.min(clients_waiting, servers_active)).toBeGreaterThanOrEqual(0);
        expect(servers_active).toBeLessThanOrEqual(server_connections);
      }
      expect(result.kinds[workload.clients[1]?.name ?? ""]?.errors.client_cancel).toBeUndefined();
    };
    fc.assert(fc.property(impatient, fc.nat(), claim), { numRuns });
  });

  test("cancels that never come change nothing", () => {
    const kind = closedKind(12, exponential(40), exponential(10));
    const plain = textbook([{ ...kind, timeout: 3600 * SECOND }], 3);
    const clients = plain.clients.map((one) => ({ ...one, cancels: true }));
    const [hangUp, cancel] = [plain, { ...plain, clients }].map((one) => run(one, 2000).trace);
    expect(cancel).toEqual(hangUp);
  });
});
