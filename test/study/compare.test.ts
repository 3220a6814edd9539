/** Pool modes on the same draws, and objectives held against runs. */
import { describe, expect, test } from "vitest";
import { Histogram } from "../../sim/kernel/histogram.ts";
import type { RunResult } from "../../sim/model/index.ts";
import { compareModes, difference } from "../../sim/study/compare.ts";
import { Estimates } from "../../sim/study/estimates.ts";
import type { Interval95, Run } from "../../sim/study/results/index.ts";
import { type Study, studies, study } from "../../sim/study/run.ts";
import { sizePool } from "../../sim/study/size/size.ts";
import { refusedByDatabase, sloOutcome, unservedClients } from "../../sim/study/slo.ts";
import { exponential, openKind, times } from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { sampleRun } from "../report/fixture.ts";
import { closedWorkload, kindOf, timeLimit } from "./workload.ts";

const SECOND = 1e9;
const MILLISECOND = 1e6;

const workload: Workload = closedWorkload(kindOf(60, 100, 10), 8);
const brief: Workload = { ...workload, run: { ...workload.run, duration: 5 * SECOND } };

/** As much of a replication as its estimates need. */
function replication(wait: Histogram): RunResult {
  const all = { wait, response: wait, wait_probability: 1, throughput: 1, timeouts: 0, errors: {} };
  const part = { all, memory: 0, server_connections: { mean: 1, max: 1, opened: 0 } };
  return part as unknown as RunResult;
}

describe("compare", () => {
  test("three modes, three pairs; single statements make transaction and statement mode equal", async () => {
    const { runs, differences } = await compareModes(brief, { precision: 0.2, timeLimit });
    expect(runs.map((run) => run.pool_mode)).toEqual(["session", "transaction", "statement"]);
    const [session, transaction, statement] = runs as [Run, Run, Run];
    expect(statement.wait_ms).toEqual(transaction.wait_ms);
    expect(transaction.throughput_tps).toBeGreaterThan(3 * session.throughput_tps);
    expect(session.server_connections.max).toBe(8);
    const last = differences.find(({ from, to }) => from === "transaction" && to === "statement");
    expect(last).toMatchObject({ wait_mean_ms: 0, wait_mean_ms_ci95: [0, 0] });
  });

  test("a paired difference is known better than one of unrelated runs", async () => {
    const larger = { ...brief, settings: { ...brief.settings, default_pool_size: 7 } };
    const [a, b] = (await studies([brief, larger], { precision: 0.1, timeLimit })) as [
      Study,
      Study,
    ];
    const half = (interval: Interval95 | undefined): number =>
      interval == null ? Number.NaN : (interval[1] - interval[0]) / 2;
    const paired = half(difference("8", "7", a, b).wait_mean_ms_ci95);
    const unrelated = Math.hypot(half(a.run.wait_ms.mean_ci95), half(b.run.wait_ms.mean_ci95));
    expect(paired).toBeLessThan(0.7 * unrelated);
  });

  test("a database that has its own mode keeps it beside others, and a note says so", async () => {
    const databases = [{ name: "app" }, { name: "admin", pool_mode: "session" as const }];
    const admin = { ...kindOf(5, 100, 10), name: "admins", database: "admin" };
    const settings = { ...brief.settings, databases };
    const split = { ...brief, settings, clients: [...brief.clients, admin] };
    const { runs, notes } = await compareModes(split, { precision: 0.5, timeLimit: 0 });
    expect(notes).toContain("admin has its own pool_mode, session, and keeps it");
    expect(runs[1]?.clients.admins?.wait_ms.max).toBe(0);
  });

  test("so does the only user", async () => {
    const users = [{ name: brief.clients[0]?.user ?? "", pool_mode: "session" as const }];
    const own = { ...brief, settings: { ...brief.settings, users } };
    const { runs } = await compareModes(own, { precision: 0.5, timeLimit: 0 });
    expect(runs[1]?.throughput_tps).toBeGreaterThan(2 * (runs[0]?.throughput_tps ?? 0));
  });

  test("clients who are never served share no connection", async () => {
    const app_pool = { instances: 4, size: 10, timeout: 0 };
    const clients = brief.clients.map((kind) => ({ ...kind, app_pool }));
    for (const each of [brief, { ...brief, clients }]) {
      const { runs } = await compareModes(each, { precision: 0.5, timeLimit: 0 });
      expect(runs[0]?.multiplexing).toBeCloseTo(1, 1);
      expect(runs[1]?.multiplexing).toBeCloseTo(each === brief ? 60 / 8 : 40 / 8, 1);
    }
  });

  const pausing = { ...openKind(exponential(2), exponential(5)).transaction, statements: times(2) };
  // arrivals, note, why
  const crowds = [
    [openKind(exponential(1), exponential(10)), /^no steady state.* bring 125 % of/, "all modes"],
    [
      {
        ...openKind(exponential(2), exponential(5)),
        transaction: { ...pausing, gap: exponential(10) },
      },
      /^session and transaction mode: no steady state.* bring 125 % of/,
      "pauses hold no connection in statement mode",
    ],
  ] as const;
  for (const [kind, note, why] of crowds)
    test(`a note is said once, with the modes of which it holds: ${why}`, async () => {
      const crowded = { ...brief, clients: [kind] };
      const { notes } = await compareModes(crowded, { replications: 2 });
      const told = notes.filter((each) => each.includes("arrivals bring"));
      expect(told).toEqual([expect.stringMatching(note)]);
    });

  test("the only database gives its own mode up", async () => {
    const databases = [{ name: "app", pool_mode: "session" as const }];
    const own = { ...brief, settings: { ...brief.settings, databases } };
    const { runs, notes } = await compareModes(own, { precision: 0.5, timeLimit: 0 });
    expect(notes.filter((note) => note.includes("pool_mode"))).toEqual([]);
    expect(runs[1]?.throughput_tps).toBeGreaterThan(2 * (runs[0]?.throughput_tps ?? 0));
  });
});

describe("objectives", () => {
  const run = sampleRun("transaction", 4);
  // slo, met, value of the term, certain, why
  const cases = [
    [{ wait_p99: 21 * MILLISECOND }, true, run.wait_ms.p99, true, "the interval lies below"],
    [{ wait_p99: 19 * MILLISECOND }, true, run.wait_ms.p99, false, "the interval holds the limit"],
    [{ wait_p99: 10 * MILLISECOND }, false, run.wait_ms.p99, true, "the interval lies above"],
    [{ response_p95: 31 * MILLISECOND }, true, 30.2, true, "in milliseconds"],
    [{ timeouts: 0 }, true, 0, true, "none is allowed, none there"],
  ] as const;
  for (const [slo, met, value, certain, why] of cases) {
    test(`${Object.keys(slo)}: ${met ? "met" : "not met"}: ${why}`, () => {
      const outcome = sloOutcome(slo, run);
      expect(outcome?.met).toBe(met);
      expect(outcome?.terms).toMatchObject([{ value, met, certain }]);
    });
  }

  // p99 interval, unsteady, limit, certain, why
  const unknown = [
    [null, undefined, 10, false, "without an interval and a share nothing is sure"],
    [null, undefined, 1000, false, "nor on the other side"],
    [null, "never settles", 10, true, "what is exceeded and still grows will be exceeded"],
    [null, "never settles", 1000, false, "what is not exceeded yet may be"],
    [undefined, undefined, 10, true, "what was measured live is what it is"],
  ] as const;
  for (const [p99_ci95, unsteady, limit, certain, why] of unknown) {
    test(`p99 of 20 ms, ${p99_ci95}, limit ${limit} ms: ${certain}: ${why}`, () => {
      const { p99_ci95: _, ...wait } = run.wait_ms;
      const known = { ...wait, ...(p99_ci95 === null && { p99_ci95 }) };
      const one: Run = { ...run, wait_ms: known, ...(unsteady && { unsteady }) };
      const slo = { wait_p99: limit * MILLISECOND };
      expect(sloOutcome(slo, one)?.terms).toMatchObject([{ certain }]);
    });
  }

  test("a median and a share of timeouts are known to their intervals only", () => {
    const one: Run = {
      ...run,
      wait_ms: { ...run.wait_ms, p50: 4, p50_ci95: [3, 5] },
      ...{ timeouts: 2, transactions: 998, timeout_share_ci95: [0, 0.004] },
    };
    const certain = (slo: Workload["slo"]) => sloOutcome(slo, one)?.terms[0]?.certain;
    expect([4.5, 5].map((ms) => certain({ wait_p50: ms * MILLISECOND }))).toEqual([false, true]);
    expect([0.003, 0.004].map((timeouts) => certain({ timeouts }))).toEqual([false, true]);
  });

  test("a timeout that was never seen may come once in a third of the transactions", async () => {
    const { run: seen, samples } = await study(brief, { precision: 0.5, timeLimit });
    expect(new Set([seen.timeouts, ...samples.timeouts])).toEqual(new Set([0]));
    expect(seen.timeout_share_ci95).toEqual([0, 3 / seen.transactions]);
  });

  // share beyond the limit, its interval, transactions, certain, why
  const shares = [
    [0, [0, 0.0003], 10_000, true, "none of so many"],
    [0, [0, 0.0003], 900, false, "of 900 nine are expected beyond, which is no number"],
    [0.004, [0.001, 0.01], 1000, true, "at most one in a hundred"],
    [0.004, [0.001, 0.011], 1000, false, "perhaps more"],
    [0.05, [0.011, 0.09], 1000, true, "surely more"],
    [0.05, [0.01, 0.09], 1000, false, "perhaps not"],
    [0, null, 10_000, false, "a single replication"],
  ] as const;
  for (const [value, interval, transactions, certain, why] of shares) {
    test(`no interval for p99, ${value} beyond the limit, ${transactions} in all: ${certain}: ${why}`, () => {
      const one: Run = { ...run, transactions, wait_ms: { ...run.wait_ms, p99_ci95: null } };
      const share = { value, interval: interval && ([...interval] as [number, number]) };
      const [term] = sloOutcome({ wait_p99: 30 * MILLISECOND }, one, () => share)?.terms ?? [];
      expect(term).toMatchObject({ certain });
    });
  }

  test("the share beyond a limit is counted to a part of a bucket", () => {
    const wait = new Histogram();
    for (let ms = 0; ms < 1000; ms++) wait.record(ms * MILLISECOND);
    const estimates = new Estimates({ wait, response: wait });
    const share = (ms: number): number => estimates.beyond("wait", ms * MILLISECOND).mean;
    for (let i = 0; i < 2; i++) estimates.add(replication(wait));
    expect([0, 2000].map(share)).toEqual([0.999, 0]);
    for (const ms of [100, 499.5, 900]) expect(share(ms)).toBeCloseTo(1 - ms / 1000, 2);
  });

  test("timeouts are a share of what was asked for", () => {
    const late = { ...run, transactions: 900, timeouts: 100 };
    const idle = { ...late, timeouts: 150, errors: { client_idle_timeout: 50 } };
    expect(sloOutcome({ timeouts: 0.05 }, idle)?.terms, "who is idle asks for none").toMatchObject([
      { name: "timeouts", value: 0.1 },
    ]);
    expect(sloOutcome({ timeouts: 0.05 }, late)?.terms[0]).toMatchObject({
      value: 0.1,
      met: false,
    });
  });

  // waiting, throughput/s, mean wait ms, in vain, why
  const vain = [
    [4, 1000, 4, 0, "the served account for all of them"],
    [80, 20, 0, 80, "session mode without a free server connection"],
    [0.1, 1, 0, 0, "a client now and then is no queue"],
    [5, 1000, 4, 0, "an estimate is not exact"],
  ] as const;
  for (const [waiting, rate, wait, want, why] of vain) {
    test(`${waiting} waiting, ${rate}/s after ${wait} ms: ${want} in vain: ${why}`, () => {
      expect(unservedClients(waiting, rate, wait)).toBe(want);
    });
  }

  test("clients who are never served miss every objective", () => {
    const starved = { ...run, clients_waiting: { mean: 80, max: 80, unserved: 80 } };
    const outcome = sloOutcome({ wait_p99: 1000 * MILLISECOND }, starved);
    expect(outcome).toMatchObject({ met: false, terms: [{ met: true }, { name: "unserved" }] });
  });

  test("clients who are turned away miss every objective, however short the others' waits", async () => {
    const away = { kind: "constant", value: SECOND } as const;
    const kind = kindOf(60, 100, 10);
    const limited: Workload = {
      ...brief,
      clients: [{ ...kind, session: { ...kind.session, away } }],
      settings: { ...brief.settings, max_client_conn: 50 },
      slo: { wait_p99: 1000 * MILLISECOND },
    };
    const { run } = await study(limited, { precision: 0.5, timeLimit });
    expect(run.wait_ms.p99).toBeLessThan(1000);
    expect(run.slo).toMatchObject({
      met: false,
      terms: [
        { name: "wait_p99", met: true },
        { name: "refused", limit: 0, value: run.refused, met: false, certain: true },
      ],
    });
    // Ten of the 60, once a second each.
    expect(run.refused / run.simulated_s).toBeCloseTo(10, 0);
    const { recommended, reasons } = await sizePool(limited, { timeLimit });
    expect(recommended).toBeUndefined();
    expect(reasons?.join()).toContain("turns clients away, whatever the pool (max_client_conn)");
  });

  test("clients whom the database refuses a connection miss every objective as well", async () => {
    const away = { kind: "constant", value: SECOND } as const;
    const session = { transactions: "forever", away } as const;
    const [a, b] = ["a", "b"].map((name) => {
      return { ...kindOf(20, 10, 10), name, database: name, session };
    }) as [ClientKind, ClientKind];
    const crowded: Workload = {
      ...brief,
      clients: [a, b],
      settings: {
        ...brief.settings,
        server_login_retry: SECOND,
        databases: [{ name: "a" }, { name: "b" }],
      },
      server: { ...brief.server, max_connections: 1 },
      slo: { wait_p99: 1000 * MILLISECOND },
    };
    const { run } = await study(crowded, { precision: 0.5, timeLimit });
    expect(run.refused).toBe(0);
    expect(run.slo).toMatchObject({
      met: false,
      terms: [
        { name: "wait_p99", met: true },
        { name: "server_error", limit: 0, value: refusedByDatabase(run), met: false },
      ],
    });
    const { runs } = await compareModes(crowded, { precision: 0.5, timeLimit });
    expect(runs.map((each) => each.slo?.met)).toEqual([false, false, false]);
    const { recommended, reasons } = await sizePool(crowded, { timeLimit });
    expect(recommended).toBeUndefined();
    expect(reasons?.join()).toContain("the database refuses server connections, whatever the pool");
  });

  const REFUSALS: readonly [errors: Record<string, number>, want: number][] = [
    [{}, 0],
    [{ query_wait_timeout: 3, server_gone: 2, connect_failed: 1 }, 0],
    [{ server_error: 3, query_wait_timeout: 1 }, 3],
    [{ server_login_retry: 2, server_error: 3 }, 5],
    [{ "sorry, too many clients already": 4 }, 4],
  ];
  for (const [errors, want] of REFUSALS)
    test(`refused by the database in ${JSON.stringify(errors)}: ${want}`, () =>
      expect(refusedByDatabase({ errors })).toBe(want));

  test("no terms, no objective; one missed term misses it", () => {
    expect(sloOutcome({}, run)).toBeUndefined();
    const both = { wait_p50: MILLISECOND, wait_p99: MILLISECOND };
    expect(sloOutcome(both, run)?.met).toBe(false);
  });
});
