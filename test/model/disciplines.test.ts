/** Queue disciplines against what is known of them: the same mean, other tails. */
import { describe, expect, test } from "vitest";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import { openPool } from "../../sim/study/analytic/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import type { PoolerModel } from "../../workloads/schema/workload.ts";
import { holds, samplesOf } from "./exactness.ts";
import { withPooler } from "./poolers.ts";

const waitsOf = (result: RunResult): number[] => result.trace?.wait ?? [];

describe("M/M/5 at 70 % load", () => {
  const [rate, servers, service] = [0.35, 5, 10];
  const load = (rate * service) / servers;
  const law = openPool({ rate, service, servers });
  const workload = textbook([openKind(exponential(1 / rate), exponential(service))], servers);
  const options = { warmup: SECOND, duration: 40 * SECOND, trace: true };
  // E[W^2] = P(wait) 2 / (c mu (1 - rho))^2 in order of arrival. In reverse order a wait is a busy period:
  // larger by 1 / (1 - rho). Source: R. B. Cooper, Introduction to Queueing Theory, 1981, 5.
  const rest = servers / service - rate;
  const squareFifo = (law.tail(0) * 2) / rest ** 2;
  const runs = (discipline: PoolerModel["discipline"]): RunResult[] =>
    Array.from({ length: 40 }, (_, seed) =>
      simulate(withPooler(workload, { discipline }), { ...options, seed }),
    );
  const square = (result: RunResult): number =>
    waitsOf(result).reduce((sum, wait) => sum + (wait / MS) ** 2, 0) / waitsOf(result).length;

  for (const [discipline, expected] of [
    ["fifo", squareFifo],
    ["lifo", squareFifo / (1 - load)],
  ] as const) {
    test(`${discipline}: the mean wait is Erlang's, the mean square of the wait ${expected.toFixed(1)} ms^2`, () => {
      const results = runs(discipline);
      holds(
        "mean",
        samplesOf(results, (each) => each.all.wait.mean / MS),
        law.mean,
      );
      holds(
        "share",
        samplesOf(results, (each) => each.all.wait_probability),
        law.tail(0),
      );
      holds("mean square", samplesOf(results, square), expected);
    });
  }
});

test("fifo said and fifo unsaid are the same run", () => {
  const workload = textbook([closedKind(30, exponential(100), exponential(10))], 3);
  const options = { duration: 5 * SECOND, trace: true };
  expect(simulate(withPooler(workload, {}), options).trace).toEqual(
    simulate(workload, options).trace,
  );
});

describe("500 clients that ask again at once, 40 servers (pg_doorman's benchmark)", () => {
  // A point query varies less than by exponential law.
  const service = { kind: "erlang", mean: 0.68 * MS, k: 4 } as const;
  const kind = closedKind(500, constant(0), service);
  const workload = { ...textbook([kind], 40), network: { client: 0.02 * MS, server: 0 } };
  const shape = (discipline: PoolerModel["discipline"]) => {
    const result = simulate(withPooler(workload, { discipline }), {
      warmup: 0.2 * SECOND,
      duration: 2 * SECOND,
    });
    const at = (p: number): number => result.all.response.quantile(p) / MS;
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99), throughput: result.all.throughput };
  };

  test("in order of arrival everybody waits alike: p99 is 1.2 times p50", () => {
    const { p50, p99 } = shape("fifo");
    // 460 of 500 wait for as many ends of 40 services.
    expect(p50).toBeGreaterThan(8);
    expect(p50).toBeLessThan(9);
    expect(p99 / p50).toBeGreaterThan(1.1);
    expect(p99 / p50).toBeLessThan(1.3);
  });

  test("in a race half of them have a server at once and others wait long: p99 is over 10 times p50", () => {
    const [fifo, race] = [shape("fifo"), shape("race")];
    expect(race.p50).toBeLessThan(fifo.p50 / 4);
    expect(race.p99).toBeGreaterThan(2 * fifo.p99);
    expect(race.p99 / race.p50).toBeGreaterThan(10);
  });
});

describe("poll", () => {
  const kind = openKind(exponential(20), exponential(10));
  const workload = withPooler(textbook([kind], 1), { discipline: "poll", sleep: 50 * MS });
  const result = simulate(workload, { warmup: SECOND, duration: 60 * SECOND, trace: true });
  const waits = waitsOf(result);

  test("every wait is a whole number of sleeps", () => {
    expect(waits.filter((wait) => wait > 0).length).toBeGreaterThan(500);
    expect(
      waits.filter((wait) => Math.abs(wait - Math.round(wait / (50 * MS)) * 50 * MS) > 1),
    ).toEqual([]);
  });

  test("servers stand idle beside those that sleep, so that the same load waits longer", () => {
    const { mean } = openPool({ rate: 1 / 20, service: 10, servers: 1 });
    expect(result.all.wait.mean / MS).toBeGreaterThan(2 * mean);
  });
});
