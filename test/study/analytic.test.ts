/** Known answers: the published tables of queueing theory, and each formula against another one. */
import { describe, expect, test } from "vitest";
import {
  closedPool,
  deterministicPool,
  erlangB,
  erlangC,
  impatientPool,
  openPool,
  type WaitLaw,
} from "../../sim/study/analytic/index.ts";

/** Digits of `text` after the point, for a comparison to all printed digits. */
const close = (got: number, printed: string): void => {
  const digits = printed.split(".")[1]?.length ?? 0;
  expect(Math.abs(got - Number(printed))).toBeLessThanOrEqual(0.5000001 * 10 ** -digits);
};

describe("Erlang's formulas", () => {
  // servers, load, B, why
  const blocked = [
    [0, 3, 1, "no server blocks everybody"],
    [1, 1, 0.5, "a / (1 + a)"],
    [2, 1, 0.2, "1/2 / (1 + 1 + 1/2)"],
    [10, 5, 0.01838457, "Erlang's table of 1917"],
    [100, 90, 0.02695738, "exact fractions agree"],
  ] as const;
  for (const [servers, load, want, why] of blocked) {
    test(`B(${servers}, ${load}) = ${want}: ${why}`, () => {
      expect(erlangB(servers, load)).toBeCloseTo(want, 8);
    });
  }

  test("C of one server is its load, and 1 at and beyond full load", () => {
    expect(erlangC(1, 0.3)).toBeCloseTo(0.3, 12);
    expect(erlangC(4, 4)).toBe(1);
    expect(erlangC(4, 9)).toBe(1);
  });

  test("B refuses half a server and a negative load", () => {
    expect(() => erlangB(1.5, 1)).toThrow("erlangB: servers must be a natural number");
    expect(() => erlangB(1, -1)).toThrow("erlangB: load must not be negative");
  });
});

describe("M/M/c, milliseconds", () => {
  // arrivals/s, service, servers, utilisation, P(wait), mean, p95, p99
  const rows = [
    [500, 10, 7, ".7143", ".3241", "1.621", "9.35", "17.39"],
    [200, 15, 6, ".5000", ".0991", "0.496", "3.42", "11.47"],
    [1000, 20, 21, ".9524", ".7606", "15.213", "54.44", "86.63"],
    [1000, 20, 25, ".8000", ".2091", "0.836", "5.72", "12.16"],
    [900, 10, 10, ".9000", ".6687", "6.687", "25.93", "42.03"],
    [3600, 10, 40, ".9000", ".4116", "1.029", "5.27", "9.29"],
  ] as const;
  for (const [rate, service, servers, ...printed] of rows) {
    test(`${rate}/s x ${service} ms on ${servers} servers`, () => {
      compare(openPool({ rate: rate / 1000, service, servers }), printed);
    });
  }

  test("no steady state at full load", () => {
    expect(() => openPool({ rate: 1, service: 2, servers: 2 })).toThrow(
      "below the number of servers",
    );
  });
});

describe("M/M/c//N, milliseconds", () => {
  // clients, think, service, servers, utilisation, P(wait), mean, p95, p99
  const rows = [
    [10_000, 10_000, 100, 100, ".9858", ".8321", "43.82", "135.04", "190.57"],
    [10_000, 10_000, 100, 115, ".8609", ".0755", "0.463", "2.54", "12.41"],
    [10_000, 10_000, 20, 25, ".7983", ".2049", "0.809", "5.57", "11.91"],
    [5_000, 1_000, 9, 50, ".8915", ".3249", "0.522", "3.01", "5.54"],
    [400, 300, 40, 50, ".9316", ".4717", "3.497", "16.09", "25.11"],
    [400, 100, 10, 40, ".9031", ".3877", "0.733", "3.83", "6.38"],
  ] as const;
  for (const [clients, think, service, servers, ...printed] of rows) {
    test(`${clients} clients thinking ${think} ms, ${service} ms on ${servers} servers`, () => {
      compare(closedPool({ clients, think, service, servers }), printed);
    });
  }

  test("a client for every server never waits", () => {
    const law = closedPool({ clients: 5, think: 10, service: 10, servers: 5 });
    expect([law.probability, law.mean, law.quantile(0.99), law.tail(0)]).toEqual([0, 0, 0, 0]);
    expect(law.throughput).toBeCloseTo(0.25, 12);
  });

  test("clients who never think queue for whole rounds: N S / c each", () => {
    const law = closedPool({ clients: 40, think: 0, service: 10, servers: 4 });
    expect(law.mean + 10).toBeCloseTo(100, 9);
    expect(law.utilization).toBeCloseTo(1, 12);
    expect(law.tail(0)).toBe(1);
  });

  test("ever more clients who think ever longer become Poisson arrivals", () => {
    const clients = 1_000_000;
    const closed = closedPool({ clients, think: clients / 0.9, service: 10, servers: 10 });
    const open = openPool({ rate: 0.9, service: 10, servers: 10 });
    expect(closed.mean / open.mean).toBeCloseTo(1, 3);
    expect(closed.quantile(0.99) / open.quantile(0.99)).toBeCloseTo(1, 3);
  });
});

describe("M/D/c", () => {
  test("one server: Pollaczek and Khinchine's mean, Erlang's law of the wait", () => {
    const law = deterministicPool({ rate: 0.8, service: 1, servers: 1 });
    expect(law.mean).toBeCloseTo(0.8 / (2 * 0.2), 10);
    expect(law.probability).toBeCloseTo(0.8, 10);
    // P(W <= x) = (1 - rho) sum_k (rho (k - x))^k / k! exp(-rho (k - x)), k <= x.
    const term = (k: number, x: number): number =>
      (0.8 * (k - x)) ** k / [1, 1, 2, 6][k] / Math.exp(0.8 * (k - x));
    for (const x of [0, 0.4, 1, 1.7, 2.3]) {
      let sum = 0;
      for (let k = 0; k <= x; k++) sum += term(k, x);
      expect(law.tail(x)).toBeCloseTo(1 - 0.2 * sum, 10);
    }
  });

  // servers, load per server, P(wait), mean wait in services
  for (const [servers, share] of [
    [2, 0.3],
    [5, 0.8],
    [10, 0.95],
    [100, 0.99],
    [400, 0.9],
  ] as const) {
    test(`${servers} servers at ${share}: the mean is the integral of the tail`, () => {
      const law = deterministicPool({ rate: servers * share, service: 1, servers });
      // The tail is smooth only between multiples of the service time.
      const steps = 2000;
      let area = 0;
      for (let i = 0; law.tail(i / steps) > 1e-9; i++) area += law.tail((i + 0.5) / steps) / steps;
      expect(area / law.mean).toBeCloseTo(1, 4);
      expect(law.tail(law.quantile(0.99))).toBeCloseTo(0.01, 9);
    });
  }

  test("the wait is half that of M/M/1, and a little more than half with more servers", () => {
    const ratio = (servers: number): number => {
      const pool = { rate: 0.9 * servers, service: 1, servers };
      return deterministicPool(pool).mean / openPool(pool).mean;
    };
    expect(ratio(1)).toBeCloseTo(0.5, 10);
    expect(ratio(10)).toBeGreaterThan(0.5);
    expect(ratio(10)).toBeLessThan(0.55);
  });

  test("no steady state at full load", () => {
    expect(() => deterministicPool({ rate: 2, service: 1, servers: 2 })).toThrow(
      "below the number",
    );
  });
});

describe("waiters who give up", () => {
  const pool = { rate: 1.1, service: 10, servers: 10 };

  test("constant patience: the closed form of M/M/c+D", () => {
    const law = impatientPool({ ...pool, patience: { constant: 5 } });
    // v = exp((lambda - c mu) x) up to tau, then exp(lambda tau - c mu x), times lambda p(c-1).
    const [lambda, drain, tau] = [1.1, 1, 5];
    const grown = Math.exp((lambda - drain) * tau);
    const waiting = lambda * ((grown - 1) / (lambda - drain) + grown / drain);
    const whole = 1 / erlangB(9, 11) + waiting;
    expect(law.probability).toBeCloseTo(waiting / whole, 9);
    expect(law.abandoned).toBeCloseTo((lambda * grown) / drain / whole, 9);
    expect(law.tail(5)).toBe(0);
    expect(law.served.tail(4.999)).toBeGreaterThan(0);
  });

  test("exponential patience: the birth-death chain of M/M/c+M", () => {
    const law = impatientPool({ ...pool, patience: { exponential: 20 } });
    const chain = abandonmentChain(1.1, 0.1, 10, 1 / 20);
    expect(law.probability).toBeCloseTo(chain.waiting, 9);
    expect(law.abandoned).toBeCloseTo(chain.abandoned, 9);
    expect(law.mean).toBeCloseTo(chain.queue / 1.1, 8);
  });

  for (const patience of [{ constant: 30 }, { exponential: 30 }]) {
    const law = impatientPool({ ...pool, patience });
    test(`${Object.keys(patience)} patience: what gives up is not served`, () => {
      expect(law.throughput).toBeCloseTo(1.1 * (1 - law.abandoned), 12);
      expect(law.utilization).toBeLessThan(1);
      expect(law.tail(law.quantile(0.9))).toBeCloseTo(0.1, 9);
      expect(law.served.tail(law.served.quantile(0.9))).toBeCloseTo(0.1, 9);
    });
  }

  for (const patience of [{ constant: 1e5 }, { exponential: 1e9 }]) {
    test(`endless ${Object.keys(patience)} patience is M/M/c`, () => {
      const calm = { rate: 0.9, service: 10, servers: 10 };
      const law = impatientPool({ ...calm, patience });
      const open = openPool(calm);
      expect(law.abandoned).toBeLessThan(1e-7);
      expect(law.mean / open.mean).toBeCloseTo(1, 6);
      expect(law.quantile(0.99) / open.quantile(0.99)).toBeCloseTo(1, 6);
    });
  }

  test("patience far below a service time is Erlang's loss formula", () => {
    const law = impatientPool({ ...pool, patience: { constant: 1e-6 } });
    expect(law.abandoned).toBeCloseTo(erlangB(10, 11), 6);
  });

  test("ten times the load still has a steady state", () => {
    const law = impatientPool({ rate: 10, service: 10, servers: 10, patience: { constant: 100 } });
    expect(law.abandoned).toBeCloseTo(0.9, 6);
    expect(law.served.mean).toBeGreaterThan(99);
  });
});

function compare(law: WaitLaw, printed: readonly [string, string, string, string, string]): void {
  const [utilization, probability, mean, p95, p99] = printed;
  close(law.utilization, utilization);
  close(law.probability, probability);
  close(law.mean, mean);
  close(law.quantile(0.95), p95);
  close(law.quantile(0.99), p99);
}

/** Steady state of the number present when each waiter leaves at rate `theta`. */
function abandonmentChain(rate: number, mu: number, servers: number, theta: number) {
  const weights = [1];
  for (let n = 1; n < 2000; n++) {
    const leave = Math.min(n, servers) * mu + Math.max(0, n - servers) * theta;
    weights.push(((weights[n - 1] as number) * rate) / leave);
  }
  const total = weights.reduce((a, b) => a + b);
  const queued = (value: (extra: number) => number): number =>
    weights.reduce((sum, w, n) => sum + (n >= servers ? w * value(n - servers) : 0), 0) / total;
  const queue = queued((extra) => extra);
  return { waiting: queued(() => 1), queue, abandoned: (queue * theta) / rate };
}
