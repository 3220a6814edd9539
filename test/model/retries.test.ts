/** Clients that give up and try again, and what a storm of them does. */
import { describe, expect, test } from "vitest";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import { closedKind, constant, MS, SECOND, textbook } from "../../sim/study/theory/textbook.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import type { RetryModel } from "../../workloads/schema/workload.ts";

/** One transaction a session. */
const ONE = { kind: "constant", value: 1 } as const;

describe("a history of constant times: two clients, one server, 100 ms of service", () => {
  const kind = closedKind(2, constant(0), constant(100));
  const brief = { ...kind, session: { ...kind.session, away: constant(1e6) } };
  const once = { ...brief, session: { ...brief.session, transactions: ONE } };
  const retry: RetryModel = { attempts: 2, backoff: 30 * MS, factor: 2, jitter: 0 };
  const run = (timeout: number, retries?: RetryModel): RunResult => {
    const impatient = { ...once, timeout: timeout * MS, retry: retries };
    return simulate(textbook([impatient], 1), { duration: SECOND, trace: true });
  };
  const responses = (result: RunResult) => result.trace?.response.map((time) => time / MS);

  // timeout, retry, responses, client timeouts, given up, why
  for (const [timeout, retries, want, timeouts, given_up, why] of [
    [250, undefined, [100, 200], 0, 0, "both have the patience"],
    [150, undefined, [100], 1, 1, "the second gives up at 150 ms, and that is that"],
    [150, retry, [100, 280], 1, 0, "it is back 30 ms later, and is served at once"],
    [60, undefined, [], 2, 2, "nobody is served in time"],
    [60, retry, [], 6, 2, "nor in two more attempts each"],
  ] as const)
    test(`timeout ${timeout} ms, ${retries?.attempts ?? 0} retries: ${why}`, () => {
      const result = run(timeout, retries);
      expect(responses(result)).toEqual(want);
      expect(result.all.errors.client_timeout ?? 0).toBe(timeouts);
      expect([result.all.given_up, result.unfinished]).toEqual([given_up, 0]);
      expect(result.all.retries).toBe(timeouts - given_up);
      expect(result.all.timeouts).toBe(timeouts);
    });

  test("who is dropped by the pooler tries again too, and the first sending counts", () => {
    const workload = textbook([{ ...once, retry: { ...retry, attempts: 9 } }], 1, {
      query_wait_timeout: 50 * MS,
    });
    const slow = { ...once.transaction, service: constant(400) };
    const clients = workload.clients.map((each) => ({ ...each, transaction: slow }));
    const result = simulate({ ...workload, clients }, { duration: SECOND, trace: true });
    // The second is dropped at the tick of 333 ms, is back 30 ms later and waits 36 ms.
    expect(result.all.errors).toEqual({ query_wait_timeout: 1 });
    expect(responses(result)).toEqual([400, 800]);
    expect(result.trace?.wait[1]).toBe(400 * MS - 333_333_000 - 30 * MS);
  });
});

describe("retry-storm.yaml: a trigger, its removal, and no recovery", () => {
  /** Completed a second, in each 10 s of the window. */
  function course(set: string[]): number[] {
    const workload = loadWorkload("workloads/retry-storm.yaml", { set });
    const options = { warmup: 10 * SECOND, duration: 70 * SECOND, trace: true };
    const { trace } = simulate(workload, options);
    const rates = new Array<number>(7).fill(0);
    trace?.sent.forEach((sent, i) => {
      const end = sent + (trace.response[i] as number) - options.warmup;
      const bin = Math.floor(end / (10 * SECOND));
      if (bin < rates.length) rates[bin] = (rates[bin] as number) + 0.1;
    });
    return rates;
  }
  const asked = 300;

  test("before the spike all is well; long after it next to nothing is served", () => {
    const rates = course([]);
    expect(rates[1]).toBeGreaterThan(0.9 * asked);
    expect(Math.max(...rates.slice(5))).toBeLessThan(0.1 * asked);
  });

  test("a smaller pool alone does not help: the queue is where they wait in vain", () => {
    expect(Math.max(...course(["default_pool_size=16"]).slice(5))).toBeLessThan(0.1 * asked);
  });

  test("who is sent away before he gives up, by a pool that fits the cores: it recovers", () => {
    const rates = course(["default_pool_size=16", "query_wait_timeout=1"]);
    expect(Math.min(...rates.slice(5))).toBeGreaterThan(0.9 * asked);
  });

  test("without retries it recovers as well: they are what keeps it alive", () => {
    const rates = course(["default_pool_size=16", "clients.requests.retry.attempts=0"]);
    expect(Math.min(...rates.slice(5))).toBeGreaterThan(0.9 * asked);
  });
});
