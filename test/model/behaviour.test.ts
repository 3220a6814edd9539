/** What the model does, told to the nanosecond where all times are constant. */
import { describe, expect, test } from "vitest";
import { type CoreSettings, STAT } from "../../engine/core/index.ts";
import { type RunResult, simulate } from "../../sim/model/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import { kindDraws } from "../../workloads/schema/draws.ts";
import type { ClientKind, SessionModel, Workload } from "../../workloads/schema/workload.ts";

const count = (value: number) => ({ kind: "constant", value }) as const;

/** `kind` with sessions of its own. */
function withSession(kind: ClientKind, session: Partial<SessionModel>): ClientKind {
  return { ...kind, session: { ...kind.session, away: constant(1000), ...session } };
}

/** `kind` with transactions of several statements. */
function withStatements(kind: ClientKind, statements: number, gap_ms: number): ClientKind {
  const transaction = { ...kind.transaction, statements: count(statements), gap: constant(gap_ms) };
  return { ...kind, transaction };
}

/** Rows of the trace in milliseconds, in the order of completion. */
function rows(result: RunResult) {
  const trace = result.trace;
  return (trace?.sent ?? []).map((sent, i) => ({
    client: trace?.client[i],
    sent: sent / MS,
    wait: (trace?.wait[i] ?? 0) / MS,
    response: (trace?.response[i] ?? 0) / MS,
  }));
}

const run = (workload: Workload, seconds: number): RunResult =>
  simulate(workload, { duration: seconds * SECOND, trace: true });

describe("paired runs: the k-th draw of a client is the same, whatever the pool does", () => {
  const kind = withSession(closedKind(8, exponential(20), exponential(10)), {
    transactions: count(5),
    away: exponential(30),
  });
  const own = kindDraws(kind, 7);
  for (const pool_mode of ["session", "transaction", "statement"] as const) {
    for (const servers of [1, 3, 8]) {
      test(`${pool_mode} mode, ${servers} servers: services and think times are the streams'`, () => {
        const workload = textbook([kind], servers, { pool_mode });
        const { trace } = simulate(workload, { seed: 7, duration: 20 * SECOND, trace: true });
        const ends = new Map<string, number>();
        let [wrong, compared] = [0, 0];
        for (const [i, client] of (trace?.client ?? []).entries()) {
          const number = trace?.transaction[i] as number;
          const [sent, wait] = [trace?.sent[i] as number, trace?.wait[i] as number];
          const response = trace?.response[i] as number;
          if (response - wait !== own.service.draw(client, number, 0)) wrong++;
          ends.set(`${client} ${number}`, sent + response);
          const before = ends.get(`${client} ${number - 1}`);
          if (number % 5 === 0 || before === undefined) continue;
          compared++;
          if (sent - before !== own.think.draw(client, number, 0)) wrong++;
        }
        expect(wrong).toBe(0);
        expect(compared).toBeGreaterThan(100);
      });
    }
  }

  test("open sessions arrive at the same times in every mode", () => {
    const open = openKind(exponential(20), exponential(10));
    const sent = (pool_mode: CoreSettings["pool_mode"], servers: number) =>
      run(textbook([open], servers, { pool_mode }), 5).trace?.sent.sort((a, b) => a - b);
    const first = sent("transaction", 1);
    expect(sent("session", 4)).toEqual(first);
    expect(sent("statement", 2)).toEqual(first);
    expect(first?.length).toBeGreaterThan(150);
  });
});

describe("a history of constant times", () => {
  test("cold start: each further server takes one more connect time", () => {
    const workload = textbook([closedKind(6, constant(0), constant(5000))], 4, {
      min_pool_size: 0,
    });
    const cold = { ...workload, server: { ...workload.server, connect_time: constant(100) } };
    const seen = rows(run(cold, 1));
    // The first server's login welcomes all six, who ask at once.
    expect(seen.every(({ sent }) => sent === 100)).toBe(true);
    expect(seen.map(({ wait }) => wait)).toEqual([0, 100, 200, 300, 5000, 5100]);
  });

  // mode, server_reset_query, waits of three clients who come at once, why
  for (const [pool_mode, reset, waits, why] of [
    ["session", true, [0, 14, 28], "a reset of one round trip before each reuse"],
    ["session", false, [0, 12, 24], "nothing to reset"],
    ["transaction", true, [0, 12, 24], "handed on in the same instant, without a reset"],
  ] as const) {
    test(`${pool_mode} mode, server_reset_query ${reset}: ${why}`, () => {
      const kind = withSession(closedKind(3, constant(0), constant(10)), {
        transactions: count(1),
        away: constant(5000),
      });
      const workload = textbook([kind], 1, { pool_mode, server_reset_query: reset });
      const near = { ...workload, network: { client: 0, server: 2 * MS } };
      expect(rows(run(near, 1)).map(({ wait }) => wait)).toEqual(waits);
    });
  }

  // mode, [wait, response] of two clients with three statements of 10 ms and gaps of 1 ms, one server
  for (const [pool_mode, wants, why] of [
    [
      "transaction",
      [
        [0, 32],
        [32, 64],
      ],
      "the gaps are held too, then the other's turn",
    ],
    [
      "session",
      [
        [0, 32],
        [32, 64],
      ],
      "each session is one transaction here",
    ],
    [
      "statement",
      [
        [18, 50],
        [28, 60],
      ],
      "statement by statement in turn: 0, 9, 9 and 10, 9, 9",
    ],
  ] as const) {
    test(`${pool_mode} mode: ${why}`, () => {
      const kind = withSession(closedKind(2, constant(0), constant(10)), {
        transactions: count(1),
      });
      const workload = textbook([withStatements(kind, 3, 1)], 1, { pool_mode });
      const seen = rows(run(workload, 0.5));
      expect(seen.map(({ wait, response }) => [wait, response])).toEqual(wants);
    });
  }

  test("round trips: one to the server in each statement, one to the client after each answer", () => {
    const kind = withStatements(closedKind(1, constant(7), constant(10)), 2, 3);
    const workload = { ...textbook([kind], 1), network: { client: 2 * MS, server: 1 * MS } };
    const seen = rows(run(workload, 0.1));
    // Login 2, think 7; then two statements of 11, two trips of 2, a gap of 3: 29; and 7 between.
    expect(seen.map(({ sent }) => sent)).toEqual([9, 45, 81]);
    expect(seen.every(({ wait, response }) => wait === 0 && response === 29)).toBe(true);
  });

  test("the window holds what is sent from its begin on, and not at its end", () => {
    const workload = textbook([openKind(constant(100), constant(10))], 1);
    const window = { warmup: 200 * MS, duration: 300 * MS, trace: true };
    const result = simulate(workload, window);
    expect(rows(result).map(({ sent }) => sent)).toEqual([200, 300, 400]);
    expect(result.all.throughput).toBe(10);
    expect(result.utilization).toBeCloseTo(0.1, 12);
    expect(result.stats[STAT.xact_count]).toBe(3);
  });

  test("what is sent in the window counts in full, even if it is answered long after", () => {
    const workload = textbook([closedKind(3, constant(0), constant(5000))], 1);
    const result = run(workload, 1);
    expect(rows(result).map(({ wait, response }) => [wait, response])).toEqual([
      [0, 5000],
      [5000, 10_000],
      [10_000, 15_000],
    ]);
    expect([result.unfinished, result.clients_waiting.mean, result.servers_active]).toEqual([
      0, 2, 1,
    ]);
  });

  test("ten minutes after the window the run gives up, and says for how many transactions", () => {
    const workload = textbook([closedKind(3, constant(0), constant(1e6))], 1);
    const result = run(workload, 1);
    expect([result.unfinished, result.all.response.count]).toEqual([3, 0]);
  });
});

describe("sessions", () => {
  const base = closedKind(1, constant(10), constant(10));
  // session, transactions and logins of 1.6 s, why
  for (const [session, transactions, logins, why] of [
    [{ transactions: count(3), away: constant(100) }, 30, 10, "3 times 20 ms, then 100 ms away"],
    [
      { duration: constant(50), away: constant(100) },
      30,
      10,
      "the one that passes 50 ms is the last",
    ],
    [{ duration: constant(60), away: constant(100) }, 30, 10, "at 60 ms the session is over"],
    [{ duration: constant(60.001), away: constant(80) }, 40, 10, "a fourth transaction begins"],
    [{ transactions: count(0), away: constant(100) }, 0, 16, "comes and goes without a question"],
    [
      { transactions: count(5), duration: constant(30), away: constant(120) },
      20,
      10,
      "what is first",
    ],
    [{}, 80, 1, "for ever"],
  ] as const) {
    test(`${JSON.stringify(session)}: ${why}`, () => {
      const result = run(textbook([withSession(base, session)], 1), 1.6);
      expect(result.all.response.count).toBe(transactions);
      expect(result.stats[STAT.client_login_count]).toBe(logins);
    });
  }

  test("sessions that come from outside are each a client of its own, and all go again", () => {
    const kind = openKind(constant(10), constant(5));
    const three = { ...kind, session: { ...kind.session, transactions: count(3) } };
    const result = run(textbook([three], 2), 2);
    // Arrivals at 10, 20, .. 1990 ms, each there for 15 ms, but for the last at the window's end.
    expect(result.stats[STAT.client_login_count]).toBe(199);
    expect(result.clients_connected).toBeCloseTo((198 * 15 + 10) / 2000, 9);
    expect(new Set(result.trace?.client).size).toBe(199);
  });
});

describe("dropped and refused", () => {
  test("query_wait_timeout: at the first tick after it, and the client comes back", () => {
    const kind = withSession(closedKind(3, constant(0), constant(900)), { away: constant(10_000) });
    const workload = textbook([kind], 1, { query_wait_timeout: 500 * MS });
    const result = simulate(workload, { duration: 2 * SECOND, trace: true, moments: 2000 });
    expect(result.all.errors).toEqual({ query_wait_timeout: 2 });
    expect([result.all.timeouts, result.all.refused, result.unfinished]).toEqual([2, 0, 0]);
    const waiting = result.timeline.filter((moment) => moment.clients_waiting > 0);
    // Ticks at 333.333 and 666.666 ms.
    expect(waiting.at(-1)?.at).toBe(666 * MS);
    expect(result.clients_waiting.mean).toBeCloseTo((2 * 666.666) / 2000, 9);
    expect(result.all.response.count).toBe(3);
  });

  test("max_client_conn: who is too many is refused at each attempt", () => {
    const kind = withSession(closedKind(5, constant(10), constant(10)), { away: constant(1000) });
    const result = run(textbook([kind], 1, { max_client_conn: 3 }), 10);
    expect(result.all.errors).toEqual({ max_client_conn: 20 });
    expect([result.all.timeouts, result.all.refused]).toEqual([0, 20]);
    expect(result.clients_connected).toBe(3);
  });

  test("two kinds: each has its own figures, and together they are all", () => {
    const patient = { ...closedKind(4, exponential(30), exponential(10)), name: "patient" };
    const hasty = { ...closedKind(20, exponential(30), exponential(10)), name: "hasty", user: "h" };
    const workload = textbook([patient, withSession(hasty, {})], 2);
    const users = [{ name: "h", query_wait_timeout: 20 * MS }];
    const { all, kinds } = run({ ...workload, settings: { ...workload.settings, users } }, 20);
    expect(kinds.patient?.timeouts).toBe(0);
    expect(kinds.hasty?.timeouts).toBeGreaterThan(0);
    expect(all.timeouts).toBe(kinds.hasty?.timeouts);
    for (const of of ["wait", "response"] as const) {
      const parts = [kinds.patient?.[of].count ?? 0, kinds.hasty?.[of].count ?? 0];
      expect(all[of].count).toBe((parts[0] as number) + (parts[1] as number));
    }
  });

  /** Dropped at ticks, when its next message would be sent; then away for so many milliseconds. */
  function dropsAtTicks(away: number): Record<string, number> {
    const kind = withSession(closedKind(1, constant(133.333), constant(66.667)), {
      away: constant(away),
    });
    return run(textbook([kind], 1, { client_idle_timeout: 100 * MS }), 1).all.errors;
  }

  test("a client that is dropped just when it would have asked does not ask", () => {
    expect(dropsAtTicks(250)).toEqual({ client_idle_timeout: 1 });
  });

  // Back in the very nanosecond for which its old message was planned, it must not send it.
  for (const away of [0, 1]) {
    test(`nor if it is back just then, ${away} ms later`, () => {
      expect(dropsAtTicks(away)).toEqual({ client_idle_timeout: 3 });
    });
  }

  // Drops count, as answers do, by the time that the transaction was sent.
  test("a transaction of the window that is dropped after it is completed, dropped or unfinished", () => {
    const kind = withSession(closedKind(3, constant(0), constant(900)), { away: constant(10_000) });
    const result = run(textbook([kind], 1, { query_wait_timeout: 500 * MS }), 0.5);
    const { all, unfinished } = result;
    expect([all.response.count, all.timeouts, unfinished]).toEqual([1, 2, 0]);
  });

  test("statement mode by the database's entry is statement mode", () => {
    const kind = withSession(withStatements(closedKind(2, constant(5), constant(10)), 3, 1), {});
    const plain = textbook([kind], 1, { pool_mode: "statement" });
    const settings: CoreSettings = {
      ...plain.settings,
      pool_mode: "transaction",
      databases: [{ name: "app", pool_mode: "statement" }],
    };
    const result = run({ ...plain, settings }, 1);
    expect(result.all.errors).toEqual({});
    expect(rows(result)).toEqual(rows(run(plain, 1)));
  });
});

describe("the same seed, the same run", () => {
  const mixed = textbook(
    [
      withSession(closedKind(20, exponential(20), exponential(10)), { duration: exponential(500) }),
      { ...openKind(exponential(15), exponential(10)), name: "open" },
    ],
    3,
    { query_wait_timeout: 100 * MS },
  );
  const options = { seed: 3, warmup: SECOND, duration: 10 * SECOND, moments: 50, trace: true };

  test("twice is the same in every figure", () => {
    expect(simulate(mixed, options)).toEqual(simulate(mixed, options));
    expect(simulate(mixed, { ...options, seed: 4 }).trace).not.toEqual(
      simulate(mixed, options).trace,
    );
  });

  test("to trace it or to sample its course changes nothing", () => {
    const { trace, timeline, events, ...figures } = simulate(mixed, options);
    const plain = simulate(mixed, { ...options, moments: 0, trace: false });
    expect(plain).toMatchObject(figures);
    expect([timeline.length, events - plain.events]).toEqual([50, 50]);
    expect(trace?.sent.length).toBe(figures.all.response.count);
  });
});

test("100,000 clients on 50 servers: as many transactions as the thinking allows", () => {
  const workload = textbook([closedKind(100_000, exponential(20_000), exponential(5))], 50);
  const result = simulate(workload, { duration: 10 * SECOND });
  // About 5000 a second, of which the spread is 220 in 10 s.
  expect(Math.abs(result.all.response.count - 50_000)).toBeLessThan(5 * 224);
  expect([result.unfinished, result.clients_connected]).toEqual([0, 100_000]);
  expect(result.servers_active).toBeCloseTo(25, 0);
});
