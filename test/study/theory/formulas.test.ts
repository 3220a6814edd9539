/** Each exact formula of the table against printed numbers, a closed form or another computation. */
import { describe, expect, test } from "vitest";
import {
  closedPool,
  deterministicPool,
  erlangB,
  openPool,
} from "../../../sim/study/analytic/index.ts";
import type { WaitLaw } from "../../../sim/study/analytic/law.ts";
import { twoClasses } from "../../../sim/study/theory/classes.ts";
import {
  erlangGaps,
  generalArrivals,
  mixedGaps,
  regularGaps,
} from "../../../sim/study/theory/general-arrivals.ts";
import {
  gammaServices,
  gammaTail,
  generalService,
  lognormalServices,
  mixedServices,
  normalTail,
  paretoServices,
  type Services,
  uniformServices,
} from "../../../sim/study/theory/general-service.ts";
import { limitedClosedPool, limitedPool } from "../../../sim/study/theory/loss.ts";
import { erlang2, hyperexponential2, phasePool } from "../../../sim/study/theory/phase-chain.ts";
import { stationary } from "../../../sim/study/theory/stationary.ts";

/** Two laws of the wait agree in everything. */
function same(a: WaitLaw, b: WaitLaw, digits = 8): void {
  expect(a.probability).toBeCloseTo(b.probability, digits);
  expect(a.mean / b.mean).toBeCloseTo(1, digits);
  expect(a.utilization).toBeCloseTo(b.utilization, digits);
  expect(a.throughput).toBeCloseTo(b.throughput, digits);
  for (const p of [0.95, 0.99]) expect(a.quantile(p) / b.quantile(p)).toBeCloseTo(1, digits);
}

/** The mean is the area under the tail, of which what is beyond 1 in 10,000 is next to nothing. */
function meanIsArea(law: WaitLaw, step: number): void {
  let area = 0;
  for (let i = 0; law.tail(i * step) > 1e-4; i++) area += law.tail((i + 0.5) * step) * step;
  expect(Math.abs(area / law.mean - 1)).toBeLessThan(0.003);
}

describe("tails of the gamma and the normal law", () => {
  // shape, x, P(X > x), why
  const rows = [
    [1, 2, Math.exp(-2), "exponential"],
    [3, 1.5, Math.exp(-1.5) * (1 + 1.5 + 1.125), "Erlang 3, the series"],
    [3, 9, Math.exp(-9) * (1 + 9 + 40.5), "Erlang 3, the fraction"],
    [5, 9.15352, 0.05, "chi-square with 10 degrees, 5 % point 18.307"],
    [0.5, 0, 1, "nothing is below zero"],
  ] as const;
  for (const [shape, x, want, why] of rows)
    test(`gamma ${shape} beyond ${x}: ${why}`, () =>
      expect(gammaTail(shape, x)).toBeCloseTo(want, 6));

  for (const [x, want] of [
    [1.959964, 0.025],
    [-1.644854, 0.95],
    [3, 0.0013499],
    [0, 0.5],
  ] as const)
    test(`normal beyond ${x}: ${want}`, () => expect(normalTail(x)).toBeCloseTo(want, 6));
});

describe("steady state of a chain", () => {
  test("three states in a ring: shares as the times spent there", () => {
    const ring = stationary(3, 2, (i) => [[(i + 1) % 3, 1 / (i + 1)]]);
    expect(ring.map((share) => share * 6)).toEqual([1, 2, 3].map((x) => expect.closeTo(x, 12)));
  });

  test("a move beyond the band is refused", () => {
    expect(() => stationary(5, 1, () => [[4, 1]])).toThrow("move 0 -> 4: band 1");
  });
});

describe("GI/M/c", () => {
  test("D/M/1 at half load: the printed root 0.20319 of x = exp(-2 (1 - x))", () => {
    expect(generalArrivals(regularGaps(2), 1, 1).probability).toBeCloseTo(0.20319, 5);
  });

  test("E2/M/1: the closed form of the root, ((1 + 4r) - sqrt(1 + 8r)) / 2", () => {
    const law = generalArrivals(erlangGaps(1, 2), 0.8, 1);
    expect(law.probability).toBeCloseTo((1 + 3.2 - Math.sqrt(1 + 6.4)) / 2, 10);
    expect(law.mean).toBeCloseTo((0.8 * law.probability) / (1 - law.probability), 10);
  });

  for (const servers of [1, 3, 41])
    test(`exponential gaps at ${servers} servers are Erlang's pool`, () => {
      const rate = (0.85 * servers) / 10;
      const law = generalArrivals(mixedGaps([1 / rate], [1]), 10, servers);
      same(law, openPool({ rate, service: 10, servers }));
    });

  test("E2/M/3 by the chain of arrival phases and clients", () => {
    const [servers, speed, room] = [3, 2 * 2.4, 300];
    // State 2n + phase; the second phase of a gap ends with an arrival.
    const share = stationary(2 * room, 2, (state) => {
      const [n, phase] = [state >> 1, state & 1];
      const next = phase === 0 ? state + 1 : state + 1 < 2 * room ? state + 1 : state;
      const served: [number, number][] = n > 0 ? [[state - 2, Math.min(n, servers)]] : [];
      return next === state ? served : [[next, speed], ...served];
    });
    const atArrival = share.filter((_, i) => i & 1);
    const waiting = atArrival.slice(servers).reduce((a, b) => a + b, 0);
    const total = atArrival.reduce((a, b) => a + b, 0);
    const law = generalArrivals(erlangGaps(1 / 2.4, 2), 1, servers);
    expect(law.probability).toBeCloseTo(waiting / total, 8);
    const queue = share.reduce((sum, p, i) => sum + p * Math.max(0, (i >> 1) - servers), 0);
    expect(law.mean).toBeCloseTo(queue / 2.4, 8);
  });

  test("a load at which the formula has no value is refused, not answered wrongly", () => {
    expect(() => generalArrivals(mixedGaps([1 / 3.4], [1]), 10, 40)).toThrow("must not be whole");
  });

  test("no steady state at full load", () => {
    expect(() => generalArrivals(regularGaps(1), 2, 2)).toThrow("below the number of servers");
  });
});

describe("M/G/1", () => {
  test("exponential service is M/M/1, its law up to the square of the grid", () => {
    const law = generalService(0.08, gammaServices(10, 1));
    same(law, openPool({ rate: 0.08, service: 10, servers: 1 }), 4);
  });

  test("constant service is M/D/1", () => {
    const regular = { mean: 10, square: 100, survival: (time: number) => (time < 10 ? 1 : 0) };
    const law = generalService(0.08, regular);
    same(law, deterministicPool({ rate: 0.08, service: 10, servers: 1 }), 4);
  });

  test("two phases are the Markov chain M/PH/1", () => {
    const mixed = mixedServices([
      [0.8, gammaServices(5, 1)],
      [0.2, gammaServices(30, 1)],
    ]);
    const chain = phasePool({ rate: 0.07, room: 400 }, hyperexponential2([5, 30], 0.8), 1);
    same(generalService(0.07, mixed), chain, 4);
  });

  const laws: readonly (readonly [string, Services])[] = [
    ["lognormal", lognormalServices(10, 1.2)],
    ["gamma", gammaServices(10, 1.4)],
    ["uniform", uniformServices(2, 18)],
    ["bounded Pareto", paretoServices(4, 200, 1.5)],
  ];
  for (const [name, services] of laws) {
    test(`${name}: its moments are integrals of its survival function`, () => {
      let [first, second] = [0, 0];
      const step = 0.01;
      for (let x = step / 2; services.survival(x) > 1e-9 && x < 2000; x += step) {
        first += services.survival(x) * step;
        second += 2 * x * services.survival(x) * step;
      }
      expect(first / services.mean).toBeCloseTo(1, 4);
      expect(second / services.square).toBeCloseTo(1, 3);
    });
    test(`${name}: Pollaczek and Khinchine's mean is the area under the tail`, () =>
      meanIsArea(generalService(0.6 / services.mean, services, 1 / 50), services.mean / 50));
  }
});

describe("services of two phases", () => {
  const exponential = hyperexponential2([10, 10], 0.3);
  test("of equal means are Erlang's pool", () => {
    const law = phasePool({ rate: 0.24, room: 200 }, exponential, 3);
    same(law, openPool({ rate: 0.24, service: 10, servers: 3 }));
  });
  test("of equal means are the closed pool", () => {
    const law = phasePool({ clients: 30, think: 100 }, exponential, 3);
    same(law, closedPool({ clients: 30, think: 100, service: 10, servers: 3 }));
  });
  test("M/E2/1: Pollaczek and Khinchine", () => {
    const { mean } = phasePool({ rate: 0.07, room: 300 }, erlang2(10), 1);
    expect(mean).toBeCloseTo((0.07 * 150) / (2 * 0.3), 8);
  });
  test("M/H2/5: busy servers are the load, the mean is the area under the tail", () => {
    const law = phasePool({ rate: 0.35, room: 250 }, hyperexponential2([5, 30], 0.8), 5);
    expect(law.utilization).toBeCloseTo(0.7, 8);
    meanIsArea(law, 0.1);
  });
  test("one client waits for the reset of its own last visit: R R / (R + Z)", () => {
    const phases = { first: 1, means: [10, 5], second: 1, resets: true } as const;
    const law = phasePool({ clients: 1, think: 20 }, phases, 1);
    expect(law.probability).toBeCloseTo(5 / 25, 10);
    expect(law.mean).toBeCloseTo(25 / 25, 10);
    expect(law.throughput).toBeCloseTo(1 / (20 + 10 + 1), 10);
  });
});

describe("limited room", () => {
  test("no room to wait: Erlang's loss formula", () => {
    const law = limitedPool({ rate: 0.9, service: 10, servers: 10, room: 10 });
    expect(law.blocked).toBeCloseTo(erlangB(10, 9), 12);
    expect(law.probability).toBe(0);
  });
  test("M/M/1/K: blocked = (1 - r) r^K / (1 - r^(K+1))", () => {
    const law = limitedPool({ rate: 0.8, service: 1, servers: 1, room: 5 });
    expect(law.blocked).toBeCloseTo((0.2 * 0.8 ** 5) / (1 - 0.8 ** 6), 12);
  });
  test("Engset: binomial weights of the other clients", () => {
    const law = limitedClosedPool({ clients: 6, think: 20, service: 10, servers: 2, room: 2 });
    // 5 others, half as long served as thinking: 1, 5/2, 10/4.
    expect(law.blocked).toBeCloseTo(2.5 / (1 + 2.5 + 2.5), 12);
  });
  test("room for everybody is the closed pool", () => {
    const pool = { clients: 30, think: 100, service: 10, servers: 3 };
    same(limitedClosedPool({ ...pool, room: 30 }), closedPool(pool));
  });
});

describe("two classes", () => {
  test("that think alike are one", () => {
    const laws = twoClasses(
      [
        { clients: 12, think: 100 },
        { clients: 18, think: 100 },
      ],
      10,
      3,
    );
    const { throughput: _, ...one } = closedPool({
      clients: 30,
      think: 100,
      service: 10,
      servers: 3,
    });
    for (const law of laws) same({ ...law, throughput: 1 }, { ...one, throughput: 1 });
  });
  test("one client each at one server: the chain of five states", () => {
    const [a, b, service] = [20, 50, 10];
    // 0 both think, 1 a is served, 2 b is served, 3 b waits for a, 4 a waits for b.
    const moves = [
      [
        [1, 1 / a],
        [2, 1 / b],
      ],
      [
        [0, 1 / service],
        [3, 1 / b],
      ],
      [
        [0, 1 / service],
        [4, 1 / a],
      ],
      [[2, 1 / service]],
      [[1, 1 / service]],
    ] as const;
    const share = stationary(
      5,
      4,
      (state) => moves[state] as readonly (readonly [number, number])[],
    );
    const [p0, p1, p2, p3, p4] = share as [number, number, number, number, number];
    const laws = twoClasses(
      [
        { clients: 1, think: a },
        { clients: 1, think: b },
      ],
      service,
      1,
    );
    // Little's law for those who wait.
    expect(laws[0].mean).toBeCloseTo(p4 / ((p0 + p2) / a), 10);
    expect(laws[1].mean).toBeCloseTo(p3 / ((p0 + p1) / b), 10);
  });
});
