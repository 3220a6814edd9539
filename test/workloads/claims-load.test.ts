/**
 * What the shipped workloads claim about kinds of clients that share pools, about load that changes and
 * about pools that are too big: each verdict through the simulator, against exact formulas where one
 * applies. `retry-storm` has its own in test/model/retries.test.ts.
 */
import { describe, expect, test } from "vitest";
import type { RunResult } from "../../sim/model/index.ts";
import { closedPool, openPool } from "../../sim/study/analytic/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { chain } from "../model/chain.ts";
import { holds, samplesOf } from "../model/exactness.ts";
import { average, once, p99, repeats, shipped, waitsExactly } from "./claims.ts";

const MS = 1e6;
const SECOND = 1e9;
/** What the formulas know nothing of. */
const IDEAL = ["network.client=0 ms", "network.server=0 ms", "server.connect_time=0 ms"];

describe("long-transactions: each takes one connection from everybody", () => {
  for (const workers of [2, 4])
    test(`with ${workers} that never end, a pool of 10 is one of ${10 - workers}, exactly`, () => {
      const set = [...IDEAL, `clients.workers.count=${workers}`, "clients.workers.think=0 ms"];
      const endless = "clients.workers.transaction.service=100 h";
      const runs = repeats(shipped("long-transactions", [...set, endless]), 20, 100, 12);
      waitsExactly(
        runs,
        closedPool({ clients: 150, think: 1000, service: 40, servers: 10 - workers }),
      );
    });

  test("as it ships: the p99 wait of the API rises with each worker, and jumps at the fifth", () => {
    const tails = [0, 2, 4, 5].map((workers) => {
      const workload = shipped("long-transactions", [`clients.workers.count=${workers}`]);
      return p99(repeats(workload, 30, 200, 2), "api");
    });
    const steps = tails.slice(1).map((tail, i) => tail - (tails[i] as number));
    expect(Math.min(...steps)).toBeGreaterThan(0);
    expect(Math.max(...steps)).toBe(steps.at(-1));
    expect(tails.at(-1)).toBeGreaterThan(10 * (tails[0] as number));
  });
});

test("idle-in-transaction: a pause costs like work, and idle_transaction_timeout is the remedy", () => {
  const tail = (set: string[]): number =>
    p99(repeats(shipped("idle-in-transaction", set), 60, 300, 2), "api");
  const [paused, remedied, calm] = [
    tail([]),
    tail(["idle_transaction_timeout=2"]),
    tail(["clients.callers.count=0", "clients.psql.count=0"]),
  ];
  expect(calm).toBe(0);
  expect(remedied).toBeLessThan(paused / 2);
  expect(paused).toBeGreaterThan(15);
});

describe("mixed-traffic: two pools beat one", () => {
  const ONE = ["clients.workers.database=api", "clients.consoles.database=api"];
  const session = (size: number): RunResult =>
    once(
      shipped("mixed-traffic", [...ONE, "databases.api={pool_mode: session}"], { poolSize: size }),
      40,
      20,
    );

  test("one pool in session mode: 30 connections serve 30 clients, and it takes 215", () => {
    const few = session(30);
    expect(few.server_connections.max).toBe(30);
    // Consoles that are away, 3 at most, wait for nothing.
    expect(few.clients_waiting.mean).toBeGreaterThan(181);
    const all = session(215);
    expect(all.all.wait.quantile(0.99)).toBe(0);
    expect(all.clients_connected).toBeGreaterThan(211);
    expect(all.server_connections.max).toBeGreaterThan(211);
  });

  test("two pools of 15: the API waits as the formula has it, the sticky never for each other", () => {
    const runs = repeats(shipped("mixed-traffic", IDEAL), 10, 30);
    const law = closedPool({ clients: 200, think: 1000, service: 40, servers: 15 });
    holds(
      "API",
      samplesOf(runs, ({ kinds }) => (kinds.api?.wait.mean ?? Number.NaN) / MS),
      law.mean,
    );
    for (const { kinds, server_connections } of runs) {
      expect([kinds.workers?.wait.max, kinds.consoles?.wait.max]).toEqual([0, 0]);
      expect(server_connections.max).toBeLessThanOrEqual(30);
    }
  });

  test("two pools for halves of the API wait longer than one: split no further than needed", () => {
    const set = [...IDEAL, "databases.api.pool_size=14"];
    const whole = shipped("mixed-traffic", set);
    const only = { ...whole, clients: whole.clients.slice(0, 1) };
    const law = (parts: number) =>
      closedPool({ clients: 200 / parts, think: 1000, service: 40, servers: 14 / parts });
    waitsExactly(repeats(only, 10, 30, 12), law(1));
    waitsExactly(repeats(halved(only), 10, 30, 12), law(2));
    expect(law(2).quantile(0.99)).toBeGreaterThan(4 * law(1).quantile(0.99));
  });
});

/** Each half of the only kind on a database with half the pool. */
function halved({ clients: [kind], settings, ...rest }: Workload): Workload {
  if (kind === undefined) throw new Error("no kind to halve");
  const names = ["left", "right"];
  return {
    ...rest,
    settings: {
      ...settings,
      databases: names.map((name) => ({ name, pool_mode: "transaction", pool_size: 7 })),
    },
    clients: names.map((name) => ({ ...kind, name, database: name, count: 100 })),
  };
}

describe("double-pooling: two waits, one after the other", () => {
  const at = (size: number, pool = 40): RunResult[] =>
    repeats(
      shipped("double-pooling", [
        `clients.threads.app_pool.size=${size}`,
        `default_pool_size=${pool}`,
      ]),
      3,
      5,
      8,
    );
  const throughput = (runs: RunResult[]) => average(runs, (run) => run.all.throughput);
  const wait = (runs: RunResult[]) => average(runs, (run) => run.all.wait.mean / MS);
  const appWait = (runs: RunResult[]) => average(runs, (run) => (run.all.app_wait?.mean ?? 0) / MS);
  const wide = at(50);
  const law = closedPool({ clients: 400, think: 300, service: 40, servers: 40 });

  test("50 an instance: they wait in the pooler alone, exactly as the formula has it", () => {
    waitsExactly(wide, law);
    expect(appWait(wide)).toBe(0);
  });

  for (const size of [10, 6])
    test(`${size} an instance: the same wait in two parts, and the same throughput`, () => {
      const runs = at(size);
      expect(wait(runs)).toBeGreaterThan(1);
      expect(appWait(runs)).toBeGreaterThan(10);
      expect((wait(runs) + appWait(runs)) / wait(wide)).toBeCloseTo(1, 1);
      expect(throughput(runs) / throughput(wide)).toBeCloseTo(1, 2);
    });

  test("5 an instance: they wait in the application alone, and 2 % is lost, exactly", () => {
    const runs = at(5);
    const instance = closedPool({ clients: 50, think: 300, service: 40, servers: 5 });
    holds(
      "wait in the application",
      samplesOf(runs, (run) => (run.all.app_wait?.mean ?? 0) / MS),
      instance.mean,
    );
    expect(wait(runs)).toBe(0);
    expect(8 * instance.throughput).toBeLessThan(0.99 * law.throughput);
    expect(throughput(runs)).toBeLessThan(throughput(wide));
  });

  test("a server pool of 80: nobody waits, and 10 an instance get as much done as 50", () => {
    const [many, few] = [at(50, 80), at(10, 80)];
    expect([wait(many), appWait(many), wait(few)]).toEqual([0, 0, 0]);
    expect(throughput(few) / throughput(many)).toBeCloseTo(1, 2);
  });
});

describe("login-storm: what paces it, and what helps", () => {
  const at = (set: string[]) =>
    [1, 2, 3].map((seed) =>
      once(shipped("login-storm", set), 0, 40, { seed, trace: true, moments: 4000 }),
    );
  const longest = (runs: RunResult[], kind: number, from: number, to: number) =>
    Math.max(
      ...runs.flatMap(({ trace }) =>
        (trace?.wait ?? []).filter((_, i) => {
          const sent = (trace?.sent[i] ?? 0) / SECOND;
          return trace?.kind[i] === kind && sent >= from && sent < to;
        }),
      ),
    ) / MS;
  const plain = at([]);
  const deploy = (runs: RunResult[]) => longest(runs, 0, 0, 5);
  const hour = (runs: RunResult[]) => longest(runs, 1, 30, 40);

  test("the pool grows by one connection every 30 ms while somebody waits, never faster", () => {
    for (const { timeline } of plain) {
      for (const { at, server_connections } of timeline.filter((moment) => moment.at < 20 * SECOND))
        expect(server_connections).toBeLessThanOrEqual(1 + Math.floor(at / (30 * MS)));
      expect(timeline.find(({ at }) => at >= 300 * MS)?.server_connections).toBe(10);
    }
  });

  test("no login waits for a connection, and no client of the deploy waits long", () => {
    for (const { all } of plain) expect(all.errors).toEqual({});
    expect(deploy(plain)).toBeLessThan(300);
  });

  test("min_pool_size does nothing for a pooler that has just started, and a little later on", () => {
    const warm = at(["min_pool_size=40"]);
    expect(deploy(warm)).toBe(deploy(plain));
    expect(hour(warm)).toBeLessThan(hour(plain));
    expect(hour(warm)).toBeGreaterThan(0.9 * hour(plain));
  });

  test("the reserve is the remedy for the jobs of the hour", () => {
    const reserved = at(["reserve_pool_size=20", "reserve_pool_timeout=1"]);
    expect(hour(reserved)).toBeLessThan(0.8 * hour(plain));
    expect(reserved[0]?.server_connections.max).toBe(60);
  });
});

test("admin-and-migrations: in a session pool of its own the migration waits for no report", () => {
  const at = (set: string[]) => repeats(shipped("admin-and-migrations", set), 300, 3600, 12);
  const wait = (runs: RunResult[]) => average(runs, ({ kinds }) => kinds.migration?.wait.mean ?? 0);
  const done = (runs: RunResult[]) => average(runs, ({ kinds }) => kinds.reports?.throughput ?? 0);
  const [shared, larger, own] = [
    at([]),
    at(["databases.app.pool_size=4"]),
    at(["clients.migration.database=admin"]),
  ];
  expect(wait(shared)).toBeGreaterThan(10 * SECOND);
  expect(wait(larger)).toBeGreaterThan(SECOND);
  expect(wait(larger)).toBeLessThan(wait(shared) / 2);
  // A test query after a long rest, and once the set-up of its connection.
  expect(Math.max(...own.map(({ kinds }) => kinds.migration?.wait.max ?? 0))).toBeLessThan(16 * MS);
  expect(done(own) / done(shared)).toBeCloseTo(1, 1);
});

describe("traffic-grows: a cliff, and a queue that drains at a known rate", () => {
  const steady = (factor: number): Workload => ({
    ...shipped("traffic-grows", [`clients.requests.arrivals.rate=${200 * factor}/s`]),
    schedule: [],
  });
  const law = (factor: number) => openPool({ rate: 0.2 * factor, service: 20, servers: 10 });

  for (const factor of [1.5, 2])
    test(`x${factor}: exactly as the formula has it`, () =>
      waitsExactly(repeats(steady(factor), 2, 20), law(factor)));

  test("x1 has a p99 of 0, x2.25 misses 50 ms, and from x2.5 on there is no end to it", () => {
    expect([law(1).quantile(0.99), p99(repeats(steady(1), 2, 20, 4))]).toEqual([0, 0]);
    expect(law(2.25).quantile(0.99)).toBeGreaterThan(50);
    expect(() => law(2.5)).toThrow("load must be below the number of servers");
    const [first, second] = [10, 20].map((length) => p99(repeats(steady(3), 0, length, 4)));
    expect((second as number) / (first as number)).toBeGreaterThan(1.7);
  });

  test("a spike of x3 for 30 s: 3,000 wait for 6 s, and it takes a third of its length to drain", () => {
    const runs = Array.from({ length: 8 }, (_, seed) =>
      once(shipped("traffic-grows"), 5, 90, { seed, moments: 900 }),
    );
    const peaks = runs.map((run) => run.clients_waiting.max);
    const drained = runs.map(({ timeline }) => {
      const over = timeline.find((row) => row.at > 60 * SECOND && row.clients_waiting === 0);
      return (over?.at ?? Number.NaN) / SECOND;
    });
    holds("most that wait", peaks, 3000);
    holds("drained at", drained, 70);
    expect(Math.max(...drained) - Math.min(...drained)).toBeLessThan(5);
    holds(
      "longest wait",
      runs.map((run) => run.all.wait.max / SECOND),
      6,
    );
  });
});

describe("bigger-is-worse: flat, then falling, while each query slows down", () => {
  const at = (size: number) =>
    repeats(shipped("bigger-is-worse", [`default_pool_size=${size}`]), 2, 4, 8);
  const server = { cores: 4, usl: { sigma: 0.03, kappa: 0.002 } };
  const exact = (pool: number) =>
    1000 * chain(server, { clients: 160, think: 20, service: 5, pool });

  for (const size of [1, 4, 16, 160])
    test(`${size} connections: throughput exactly that of the birth-death chain`, () =>
      holds(
        "throughput",
        samplesOf(at(size), (run) => run.all.throughput),
        exact(size),
      ));

  test("more throughput up to the cores, the same up to 25 times as many, a quarter less at 40 times", () => {
    expect(exact(4) / exact(1)).toBeGreaterThan(3.5);
    expect(exact(100) / exact(6)).toBeCloseTo(1, 2);
    expect(exact(160) / exact(100)).toBeLessThan(0.8);
  });

  test("in the flat part the slowest queries get slower and slower", () => {
    const tails = [6, 40, 100, 160].map((size) => {
      const runs = at(size);
      return average(runs, (run) => run.all.response.quantile(0.99));
    });
    for (const [i, tail] of tails.slice(1).entries())
      expect(tail / (tails[i] as number)).toBeGreaterThan(1.3);
  });
});

describe("cpu-bound: the same work and the same mean, but slower slowest queries", () => {
  const at = (size: number) =>
    repeats(shipped("cpu-bound", [...IDEAL, `default_pool_size=${size}`]), 2, 10, 8);
  const [small, large] = [at(3), at(40)];

  for (const [size, runs] of [
    [3, small],
    [40, large],
  ] as const)
    test(`${size} connections: throughput exactly that of the birth-death chain`, () =>
      holds(
        "throughput",
        samplesOf(runs, (run) => run.all.throughput),
        1000 * chain({ cores: 2 }, { clients: 40, think: 20, service: 5, pool: size }),
      ));

  test("40 connections make the p99 response twice as long and more, and the mean none", () => {
    const ratio = (figure: (run: RunResult) => number): number =>
      average(large, figure) / average(small, figure);
    expect(ratio(({ all }) => all.response.mean)).toBeCloseTo(1, 1);
    expect(ratio(({ all }) => all.response.quantile(0.99))).toBeGreaterThan(2);
  });
});
