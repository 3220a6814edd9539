/** Several processes of the pooler on one port, and the work that messages cost them. */
import { describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { openPool } from "../../sim/study/analytic/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
  times,
} from "../../sim/study/theory/textbook.ts";
import { holds, samplesOf } from "./exactness.ts";
import { withPooler } from "./poolers.ts";

describe("the price of the split: 3,600 transactions a second of 10 ms", () => {
  const kind = openKind(exponential(1 / 3.6), exponential(10));
  for (const [processes, size, p99] of [
    [1, 40, 9.29],
    [4, 10, 42.03],
  ] as const) {
    test(`${processes} x ${size} connections: the waits are those of M/M/${size}, p99 ${p99} ms`, () => {
      const law = openPool({ rate: 3.6 / processes, service: 10, servers: size });
      expect(law.quantile(0.99)).toBeCloseTo(p99, 1);
      const workload = withPooler(textbook([kind], size), { processes });
      const runs = Array.from({ length: 12 }, (_, seed) =>
        simulate(workload, { seed, warmup: SECOND / 2, duration: 6 * SECOND, trace: true }),
      );
      const beyond = (waits: readonly number[]): number =>
        waits.filter((wait) => wait > p99 * MS).length / waits.length;
      holds(
        "mean",
        samplesOf(runs, (each) => each.all.wait.mean / MS),
        law.mean,
      );
      holds(
        "share",
        samplesOf(runs, (each) => each.all.wait_probability),
        law.tail(0),
      );
      holds(
        "p99",
        samplesOf(runs, (each) => beyond(each.trace?.wait ?? [])),
        law.tail(p99),
      );
      expect(runs[0]?.server_connections.max).toBe(40);
    });
  }
});

describe("processes", () => {
  const kind = closedKind(40, exponential(100), exponential(10));
  const options = { duration: 5 * SECOND, trace: true };

  test("each has limits of its own: max_client_conn refuses by process", () => {
    const workload = textbook([kind], 2, { max_client_conn: 15 });
    const split = simulate(withPooler(workload, { processes: 4 }), options);
    expect(simulate(workload, options).all.refused).toBeGreaterThan(0);
    expect(split.all.refused).toBe(0);
  });

  test("who hangs up and tries again comes from another port, and perhaps to another process", () => {
    const timeout = 50 * MS;
    const retry = { attempts: 40, backoff: 10 * MS, factor: 1, jitter: 0 };
    // At three of the four processes somebody holds the only connection.
    const holder = { ...closedKind(3, constant(0), constant(1e6)), name: "holder" };
    const guest = { ...closedKind(1, constant(10), constant(10)), name: "guest", timeout, retry };
    const deal = (kind: string, number: number): number | undefined =>
      kind === "holder" ? number : undefined;
    const workload = withPooler(textbook([holder, guest], 1), { processes: 4 });
    for (let seed = 1; seed <= 8; seed++) {
      const { kinds } = simulate(workload, { seed, duration: 5 * SECOND, deal });
      expect(kinds.guest?.response.count).toBeGreaterThan(50);
    }
  });

  test("one process is the pooler without the section", () => {
    const workload = textbook([kind], 3);
    const one = simulate(withPooler(workload, { processes: 1 }), options);
    expect(one.trace).toEqual(simulate(workload, options).trace);
  });

  test("results are summed: every transaction is in the counters once", () => {
    const finite = {
      ...openKind(exponential(5), exponential(10)),
      session: { transactions: times(3), away: constant(0) },
    };
    const workload = withPooler(textbook([kind, { ...finite, name: "open" }], 3), { processes: 3 });
    const result = simulate(workload, { duration: 20 * SECOND, dashboard: { every: SECOND } });
    const counted = result.stats[STAT.xact_count] as number;
    // Those of the window's begin and end may be counted on one side of it only.
    expect(Math.abs(counted - result.all.response.count)).toBeLessThan(60);
    const shown = result.dashboard?.scrapes.at(-1);
    expect(shown?.pools).toHaveLength(1);
    expect(shown?.stats_totals).toHaveLength(1);
    expect(shown?.databases).toHaveLength(1);
    const size = shown?.databases[0]?.[12];
    expect(size).toBe(9);
  });

  test("a crash of the database takes the connections of all of them", () => {
    const at = 2 * SECOND;
    const fault = { at, for: SECOND, fault: "restart" } as const;
    const workload = {
      ...textbook([kind], 3, { server_login_retry: SECOND / 2 }),
      faults: [fault],
    };
    const result = simulate(withPooler(workload, { processes: 3 }), options);
    expect(result.server_connections.opened).toBeGreaterThanOrEqual(9);
    const after = (result.trace?.sent ?? []).filter((sent) => sent > 4 * SECOND).length;
    expect(after).toBeGreaterThan(200);
  });
});

describe("work of a message", () => {
  test("told to the nanosecond: request, answer, and the next message behind both", () => {
    const kind = closedKind(1, constant(1), constant(10));
    const workload = {
      ...textbook([kind], 1),
      network: { client: 2 * MS, server: MS },
    };
    const result = simulate(withPooler(workload, { cpu_per_message: 0.5 * MS }), {
      ...{ warmup: 0, duration: 100 * MS, trace: true },
    });
    // 0.5 request, 1 network, 10 service, 0.5 answer, 2 network; then it thinks for 1.
    expect(result.trace?.response.map((each) => each / MS)).toEqual([14, 14, 14, 14, 14, 14, 14]);
    const sent = (result.trace?.sent ?? []).map((each) => each / MS);
    expect(sent.slice(1).map((each, i) => each - (sent[i] as number))).toEqual(Array(6).fill(15));
    expect(result.all.wait.max).toBe(0);
  });

  test("it is no wait for a server, but the client's response", () => {
    const kind = closedKind(2, constant(0), constant(10));
    const workload = withPooler(textbook([kind], 2), { cpu_per_message: MS });
    const result = simulate(workload, { warmup: SECOND, duration: SECOND, trace: true });
    expect(result.all.wait.max).toBe(0);
    expect(result.all.response.mean / MS).toBeGreaterThanOrEqual(12);
    const { messages = 0 } = result.station ?? {};
    expect(Math.abs(messages - 2 * result.all.throughput)).toBeLessThanOrEqual(2);
  });

  test("a process that is full passes one message after the other, and two pass twice as many", () => {
    const kind = closedKind(200, constant(0), exponential(0.1));
    for (const processes of [1, 2]) {
      const workload = withPooler(textbook([kind], 100), { processes, cpu_per_message: 12_000 });
      const result = simulate(workload, { warmup: 0.1 * SECOND, duration: SECOND / 2 });
      const limit = (processes * 1e9) / (2 * 12_000);
      expect(result.all.throughput).toBeGreaterThan(0.98 * limit);
      expect(result.all.throughput).toBeLessThanOrEqual(limit * 1.001);
      expect(result.station?.utilization).toBeGreaterThan(0.98);
    }
  });

  test("half full, with answers in no order: messages wait as in M/D/1", () => {
    const work = 0.1;
    const kind = openKind(exponential(0.4), exponential(20));
    const workload = withPooler(textbook([kind], 500), { cpu_per_message: work * MS });
    const runs = Array.from({ length: 12 }, (_, seed) =>
      simulate(workload, { seed, warmup: SECOND / 2, duration: 4 * SECOND }),
    );
    const load = (2 * work) / 0.4;
    holds(
      "busy",
      samplesOf(runs, (each) => each.station?.utilization ?? 0),
      load,
    );
    holds(
      "wait",
      samplesOf(runs, (each) => (each.station?.wait ?? 0) / MS),
      (load * work) / 2 / (1 - load),
    );
  });

  test("the database's cores and the application's pools are behind and before it", () => {
    const kind = {
      ...closedKind(20, exponential(200), exponential(5)),
      app_pool: { instances: 2, size: 5, timeout: 30 * SECOND },
      timeout: SECOND,
      retry: { attempts: 2, backoff: MS, factor: 2, jitter: 0 },
    };
    const plain = textbook([kind], 4);
    const workload = { ...plain, server: { ...plain.server, cores: 2 } };
    const options = { duration: 20 * SECOND, seed: 2 };
    const [free, busy] = [0, 0.5 * MS].map((cpu_per_message) =>
      simulate(withPooler(workload, { cpu_per_message, processes: 2 }), options),
    );
    expect(busy?.unfinished).toBe(0);
    expect(busy?.all.response.mean).toBeGreaterThan((free?.all.response.mean ?? 0) + MS);
    expect(busy?.station?.messages).toBeGreaterThan(2 * (busy?.all.response.count ?? 0) - 40);
  });
});
