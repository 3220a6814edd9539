/**
 * The whole model, scheduler in the middle, against exact queueing theory. Each case is run under 40
 * seeds, and each run gives a 95 % interval by batch means for the mean wait, for the share of requests
 * that wait and for a tail. Two claims: the mean of the 40 is the exact value (Student's t, chance of a
 * false alarm 1e-5 each), and of all the intervals as many miss it as 95 % means (binomial, 1e-5 each).
 * Seeds are fixed, so what passes once passes for ever.
 */
import { describe, expect, test } from "vitest";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { simulate } from "../../sim/model/index.ts";
import {
  closedPool,
  deterministicPool,
  impatientPool,
  openPool,
  type WaitLaw,
} from "../../sim/study/analytic/index.ts";
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
import type { Workload } from "../../workloads/schema/workload.ts";
import { binomialBounds, holds, samplesOf } from "./exactness.ts";

const SEEDS = 40;
/** Transactions of one run: with 40 batches, each lasts some tens of relaxation times of the queue. */
const TRANSACTIONS = 8_000;

interface Case {
  name: string;
  workload: Workload;
  /** Times in milliseconds. */
  law: Pick<WaitLaw, "mean" | "tail">;
  /** Requests a millisecond that are served. */
  throughput: number;
  utilization: number;
  /** Where the tail is compared, ms. */
  at: number;
}

function closed(clients: number, think: number, service: number, servers: number) {
  return closedPool({ clients, think, service, servers });
}

function caseOf(
  name: string,
  workload: Workload,
  law: Pick<WaitLaw, "mean" | "tail" | "quantile" | "throughput" | "utilization">,
): Case {
  const { throughput, utilization } = law;
  return { name, workload, law, throughput, utilization, at: law.quantile(0.95) };
}

/** Closed pools with any law of thinking: only its mean matters, because nobody queues to think. */
function thinking(name: string, think: DistributionSpec, clients = 30, servers = 3): Case {
  const kind = closedKind(clients, think, exponential(10));
  const law = closed(clients, 100, 10, servers);
  return caseOf(`M/M/${servers}//${clients}, ${name} thinks`, textbook([kind], servers), law);
}

function open(rate: number, servers: number): Case {
  const kind = openKind(exponential(1 / rate), exponential(10));
  const law = openPool({ rate, service: 10, servers });
  return caseOf(
    `M/M/${servers} at ${Math.round((rate * 1000) / servers)} % load`,
    textbook([kind], servers),
    law,
  );
}

function deterministic(rate: number, servers: number): Case {
  const kind = openKind(exponential(1 / rate), constant(10));
  const law = deterministicPool({ rate, service: 10, servers });
  return caseOf(
    `M/D/${servers} at ${Math.round((rate * 1000) / servers)} % load`,
    textbook([kind], servers),
    law,
  );
}

/** M/M/c+D. Waiters leave at a tick, so their patience is half a tick longer on the average. */
function impatient(rate: number, servers: number, patience: number): Case {
  // Services of 20 s: beside them the tick's spread of 0.1 s moves no figure by more than 0.1 %.
  const service = 20_000;
  const kind = openKind(exponential(1 / rate), exponential(service));
  const settings = { query_wait_timeout: patience * MS };
  const real = patience + 333.333 / 2;
  const law = impatientPool({ rate, service, servers, patience: { constant: real } });
  const name = `M/M/${servers}+D, ${(law.abandoned * 100).toFixed(1)} % give up`;
  const { served, throughput, utilization } = law;
  const workload = textbook([kind], servers, settings);
  return { name, workload, law: served, throughput, utilization, at: patience / 2 };
}

/** Each session is one transaction: leaving and coming back, with its reset, costs no time. */
function brief(pool_mode: "session" | "statement"): Case {
  const kind = closedKind(20, constant(0), exponential(10));
  const session = { transactions: { kind: "constant", value: 1 }, away: exponential(40) } as const;
  const workload = textbook([{ ...kind, session }], 4, { pool_mode });
  return caseOf(
    `M/M/4//20 by sessions of one transaction, ${pool_mode} mode`,
    workload,
    closed(20, 40, 10, 4),
  );
}

const lognormal: DistributionSpec = { kind: "lognormal", mean: 100 * MS, cv: 1.5 };
const CASES: readonly Case[] = [
  thinking("exponential", exponential(100)),
  thinking("lognormal", lognormal),
  thinking("constant", constant(100)),
  brief("session"),
  brief("statement"),
  open(0.06, 1),
  open(0.35, 5),
  deterministic(0.07, 1),
  deterministic(0.4, 5),
  impatient(10 / 20_000, 10, 10_000),
  impatient(4.5 / 20_000, 4, 5_000),
];

/** One run: intervals of each figure, and whether they hold the exact value. */
function run({ workload, law, throughput, at }: Case, seed: number) {
  const duration = Math.ceil((TRANSACTIONS / throughput) * MS);
  const result = simulate(workload, { seed, warmup: duration / 20, duration, trace: true });
  const waits = result.trace?.wait ?? [];
  const exact = [law.mean, law.tail(0), law.tail(at)];
  const values = [
    waits.map((wait) => wait / MS),
    waits.map((wait) => (wait > 0 ? 1 : 0)),
    waits.map((wait) => (wait > at * MS ? 1 : 0)),
  ];
  const intervals = values.map((series) => batchMeans(series));
  return {
    means: intervals.map((interval) => interval.mean),
    misses: intervals.map(
      ({ low, high }, i) => (exact[i] as number) < low || (exact[i] as number) > high,
    ),
    throughput: result.all.throughput / 1000,
    utilization: result.utilization,
  };
}

const FIGURES = ["mean wait", "share that waits", "tail"] as const;
type Outcome = ReturnType<typeof run>;
const outcomes = new Map<Case, Outcome[]>();

/** The runs of a case. No two cases share a seed, so all runs are independent. */
function runsOf(one: Case): Outcome[] {
  const known = outcomes.get(one);
  if (known !== undefined) return known;
  const first = 1000 * (CASES.indexOf(one) + 1);
  const runs = Array.from({ length: SEEDS }, (_, i) => run(one, first + i));
  outcomes.set(one, runs);
  return runs;
}

describe("the mean over 40 seeds is the exact value", () => {
  for (const one of CASES) {
    test(one.name, () => {
      const runs = runsOf(one);
      const exact = [one.law.mean, one.law.tail(0), one.law.tail(one.at)];
      for (const [i, name] of FIGURES.entries())
        holds(
          name,
          samplesOf(runs, (each) => each.means[i] as number),
          exact[i] as number,
        );
      holds(
        "throughput",
        samplesOf(runs, (each) => each.throughput),
        one.throughput,
      );
      holds(
        "utilization",
        samplesOf(runs, (each) => each.utilization),
        one.utilization,
      );
    });
  }
});

for (const [i, name] of FIGURES.entries()) {
  test(`the 95 % intervals of the ${name} miss at the rate that 95 % means`, () => {
    const all = CASES.flatMap((one) => runsOf(one).map((each) => each.misses[i] as boolean));
    const misses = all.filter((miss) => miss).length;
    const [low, high] = binomialBounds(all.length, 0.05, 1e-5);
    expect(misses, `misses of ${all.length}`).toBeGreaterThanOrEqual(low);
    expect(misses, `misses of ${all.length}`).toBeLessThanOrEqual(high);
  });
}

describe("M/G/1: what holds the one server is the service. Pollaczek and Khinchine's mean wait", () => {
  const kind = openKind(exponential(50), exponential(4));
  const network = { client: 0.5 * MS, server: 0.25 * MS };

  test("transaction mode: three statements, two gaps and the network between them", () => {
    const transaction = {
      ...kind.transaction,
      statements: { kind: "constant", value: 3 },
    } as const;
    const long = { ...kind, transaction: { ...transaction, gap: exponential(2) } };
    // 3 services, 3 round trips to the server, 2 gaps, 2 to the client.
    const held = { mean: 3 * 4 + 3 * 0.25 + 2 * 2 + 2 * 0.5, variance: 3 * 16 + 2 * 4 };
    single({ ...textbook([long], 1), network }, { held, idle: 0, transactions: 1 });
  });

  test("session mode: three transactions, the thinking between them, and the reset", () => {
    const session = { ...kind.session, transactions: { kind: "constant", value: 3 } } as const;
    const long = { ...kind, session, think: exponential(2) };
    // The last round trip to the client passes before its Terminate.
    const held = { mean: 3 * 4 + 3 * 0.25 + 2 * 2 + 3 * 0.5, variance: 3 * 16 + 2 * 4 };
    const workload = textbook([long], 1, { pool_mode: "session" });
    single({ ...workload, network }, { held, idle: 0.25, transactions: 3 });
  });

  interface Single {
    /** Time of the link between client and server, ms. */
    held: { mean: number; variance: number };
    /** After it, until the server can be used again. */
    idle: number;
    transactions: number;
  }

  /** `transactions`: of a session; only its first waits. */
  function single(workload: Workload, { held, idle, transactions }: Single): void {
    const service = held.mean + idle;
    const load = service / 50;
    const wait = (service ** 2 + held.variance) / 50 / (2 * (1 - load));
    const options = { warmup: 20 * SECOND, duration: 200 * SECOND };
    const runs = Array.from({ length: SEEDS }, (_, seed) =>
      simulate(workload, { seed, ...options }),
    );
    holds(
      "wait",
      samplesOf(runs, (each) => (each.all.wait.mean / MS) * transactions),
      wait,
    );
    holds(
      "share",
      samplesOf(runs, (each) => each.all.wait_probability * transactions),
      load,
    );
    holds(
      "utilization",
      samplesOf(runs, (each) => each.utilization),
      held.mean / 50,
    );
  }
});
