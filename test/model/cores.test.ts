/**
 * Cores against exact theory: processor sharing has a mean response that knows of the law of the service
 * nothing but its mean, and a closed network with it is a birth-death chain.
 */
import { describe, expect, test } from "vitest";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { Turns } from "../../sim/kernel/turns.ts";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import { sharingOf } from "../../sim/model/speed.ts";
import { closedPool, openPool } from "../../sim/study/analytic/index.ts";
import { batchMeans } from "../../sim/study/statistics.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import type { ServerModel, Workload } from "../../workloads/schema/workload.ts";
import { chain } from "./chain.ts";
import { binomialBounds, holds, samplesOf } from "./exactness.ts";

const SEEDS = 24;
const TRANSACTIONS = 6_000;

function onCores(workload: Workload, server: Partial<ServerModel>): Workload {
  return { ...workload, server: { ...workload.server, ...server } };
}

interface Case {
  name: string;
  workload: Workload;
  /** Exact mean response in ms, and transactions a millisecond. */
  response: number;
  throughput: number;
}

/** Connections enough that nobody waits for one: the cores are the only queue. */
const ENOUGH = 90;
const SERVICE = 10;

/** M/G/c-PS in number like M/M/c, whatever the service's law. */
function open(name: string, service: DistributionSpec, rate: number, cores: number): Case {
  const kind = openKind(exponential(1 / rate), service);
  const workload = onCores(textbook([kind], ENOUGH), { cores });
  const law = openPool({ rate, service: SERVICE, servers: cores });
  return { name, workload, response: law.mean + SERVICE, throughput: rate };
}

/** Machine repair: the repairman shares himself among all broken machines. */
function closed(name: string, service: DistributionSpec, cores: number): Case {
  const workload = onCores(textbook([closedKind(20, exponential(100), service)], 20), { cores });
  const law = closedPool({ clients: 20, think: 100, service: SERVICE, servers: cores });
  return { name, workload, response: law.mean + SERVICE, throughput: law.throughput };
}

/** Half of the service needs no core: a delay and the cores, one after the other. */
function halved(): Case {
  const kind = closedKind(20, exponential(100), exponential(2 * SERVICE));
  const workload = onCores(textbook([kind], 20), { cores: 1, cpu_share: 0.5 });
  const law = closedPool({ clients: 20, think: 110, service: SERVICE, servers: 1 });
  const response = law.mean + 2 * SERVICE;
  return { name: "M/M/1-PS//20, half of it off the core", workload, response, throughput: 0 };
}

/** Turns of whatever length, as nothing is known of a memoryless statement when its turn is over. */
function inTurns(quantum: number): Case {
  const plain = closed("", exponential(SERVICE), 2);
  const workload = onCores(plain.workload, { quantum: quantum * MS });
  return { ...plain, name: `M/M/2//20 in turns of ${quantum} ms`, workload };
}

const hyper: DistributionSpec = {
  kind: "hyperexponential",
  means: [4 * MS, 34 * MS],
  weights: [0.8, 0.2],
};
const CASES: readonly Case[] = [
  open("M/M/1-PS", exponential(SERVICE), 0.06, 1),
  open("M/D/1-PS", constant(SERVICE), 0.06, 1),
  open("M/H2/1-PS", hyper, 0.06, 1),
  open("M/M/3-PS", exponential(SERVICE), 0.24, 3),
  closed("M/M/1-PS//20", exponential(SERVICE), 1),
  closed("M/H2/2-PS//20", hyper, 2),
  inTurns(4),
  halved(),
];

function run({ workload, response }: Case, seed: number) {
  const duration = TRANSACTIONS * 17 * MS;
  const result = simulate(workload, { seed, warmup: duration / 20, duration, trace: true });
  const interval = batchMeans((result.trace?.response ?? []).map((time) => time / MS));
  const miss = response < interval.low || response > interval.high;
  return { mean: interval.mean, miss, throughput: result.all.throughput / 1000, result };
}

const outcomes = CASES.map((one, i) =>
  Array.from({ length: SEEDS }, (_, seed) => run(one, 1000 * (i + 1) + seed)),
);

describe("the mean response over the seeds is the exact value", () => {
  for (const [i, { name, response, throughput }] of CASES.entries())
    test(name, () => {
      const runs = outcomes[i] ?? [];
      holds(
        "response",
        samplesOf(runs, (each) => each.mean),
        response,
      );
      if (throughput > 0)
        holds(
          "throughput",
          samplesOf(runs, (each) => each.throughput),
          throughput,
        );
    });
});

test("95 % intervals of the response miss at the rate that 95 % means", () => {
  const all = outcomes.flatMap((runs) => runs.map((each) => each.miss));
  const misses = all.filter((miss) => miss).length;
  const [low, high] = binomialBounds(all.length, 0.05, 1e-5);
  expect(misses).toBeGreaterThanOrEqual(low);
  expect(misses).toBeLessThanOrEqual(high);
});

test("the cores' own figures: utilisation by the work brought, statements by Little's law", () => {
  const [runs, one] = [outcomes[0] ?? [], CASES[0] as Case];
  holds(
    "speed",
    samplesOf(runs, (each) => each.result.cores?.speed ?? 0),
    one.throughput * SERVICE,
  );
  holds(
    "mean",
    samplesOf(runs, (each) => each.result.cores?.mean ?? 0),
    one.throughput * one.response,
  );
});

describe("a pool in front of a database that slows down: throughput of the birth-death chain", () => {
  for (const [name, server] of [
    ["cores", { cores: 3 }],
    ["a measured cap", { speed: { cap: 2.6, knee: 4 } }],
    ["the Universal Scalability Law past its peak", { usl: { sigma: 0.1, kappa: 0.05 } }],
  ] as const)
    test(name, () => {
      const kind = closedKind(20, exponential(20), exponential(SERVICE));
      const workload = onCores(textbook([kind], 8), server);
      const exact = chain(server, { clients: 20, think: 20, service: SERVICE, pool: 8 });
      const runs = Array.from({ length: 12 }, (_, seed) =>
        simulate(workload, { seed, warmup: SECOND, duration: 20 * SECOND }),
      );
      holds(
        "throughput",
        samplesOf(runs, (each) => each.all.throughput / 1000),
        exact,
      );
    });

  test("two numbers meet a CPU-bound PostgreSQL's throughput over the pool size within 1.5 %", () => {
    // Measured: 2 cores, 40 clients that think 20 ms, statements of 1.2 ms.
    const measured = [
      [1, 837],
      [2, 1361],
      [3, 1468],
      [4, 1463],
      [6, 1490],
      [8, 1536],
      [12, 1542],
      [16, 1515],
      [24, 1548],
      [32, 1563],
    ] as const;
    const errors = measured.map(([pool, tps]) => {
      const load = { clients: 40, think: 20, service: 1.195, pool };
      return Math.abs((1000 * chain({ speed: { cap: 1.87, knee: 4 } }, load)) / tps - 1);
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.015);
  });
});

describe("what cores do not change", () => {
  const kinds = [
    closedKind(20, exponential(20), exponential(10)),
    { ...openKind(exponential(15), exponential(10)), name: "open" },
  ];
  const workload = {
    ...textbook(kinds, 6, { query_wait_timeout: 100 * MS }),
    network: { client: 500_000, server: 200_000 },
  };
  const figures = ({ events: _, cores: __, ...rest }: RunResult) => rest;

  test("with a core for every connection each transaction takes the same to the nanosecond", () => {
    const options = { duration: 20 * SECOND, trace: true };
    const shared = simulate(onCores(workload, { cores: 6, cpu_share: 0.7 }), options);
    expect(figures(shared)).toEqual(figures(simulate(workload, options)));
    expect(shared.cores?.stretch).toBeCloseTo(1, 6);
  });
});

describe("connections", () => {
  test("set-up that needs a core shares it with the statements", () => {
    const kind = closedKind(3, constant(0), constant(100));
    const plain = textbook([kind], 3, { min_pool_size: 0 });
    const server = { ...plain.server, connect_time: constant(10), cores: 1 };
    const waits = (connect_cpu: DistributionSpec) =>
      simulate({ ...plain, server: { ...server, connect_cpu } }, { duration: 20 * MS, trace: true })
        .trace?.wait.map((wait) => wait / MS)
        .sort((a, b) => a - b);
    expect(waits(constant(0))).toEqual([0, 10, 20]);
    // 10 + 5 alone; then 10, and 5 beside a statement take 10; then 10, and 5 beside two take 15.
    expect(waits(constant(5))).toEqual([0, 20, 45]);
  });

  // max_connections, logins that it refuses, why
  for (const [max_connections, refused, why] of [
    [2, true, "no room for a new one before the old ones are done"],
    [4, false, "room for both"],
  ] as const)
    test(`a backend that the pooler gave up works on and counts: ${why}`, () => {
      const kind = closedKind(2, constant(0), constant(2000));
      const back = { ...kind, session: { ...kind.session, away: constant(100) } };
      const plain = textbook([back], 2, { query_timeout: 500 * MS, server_login_retry: SECOND });
      const result = simulate(onCores(plain, { cores: 2, max_connections }), { duration: SECOND });
      expect((result.all.errors.server_error ?? 0) > 0).toBe(refused);
      expect(result.cores?.max).toBe(refused ? 2 : 4);
    });
});

test("turns on the cores of a database that has room for all are found at once", () => {
  const speed = { cap: 2.08, knee: 8 };
  const server = {
    ...closed("", exponential(SERVICE), 2).workload.server,
    cores: undefined,
    speed,
  };
  const max_connections = Number.MAX_SAFE_INTEGER;
  expect(sharingOf({ ...server, quantum: 4 * MS, max_connections })).toBeInstanceOf(Turns);
});
