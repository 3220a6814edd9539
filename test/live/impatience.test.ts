/**
 * Clients that give up and try again, and pools inside the application, played against a real PostgreSQL.
 * Asserted are counts, order relations and what must be equal to the last bit, never how fast it was.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import { kindDraws, retryPause } from "../../workloads/schema/draws.ts";
import type { ClientKind, RetryModel } from "../../workloads/schema/workload.ts";
import { constant, exponential, kind, ms, workload } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;

/** One statement of so many ms. */
const lasting = (service: number): ClientKind["transaction"] => ({
  ...{ statements: constant(1), service: constant(ms(service)), gap: constant(0) },
});

/** Two such statements. */
const twice = (service: number) => ({ ...lasting(service), statements: constant(2) });

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH }, maxConnections: 60 });
  });
  afterAll(() => database.stop());

  function run(...kinds: ClientKind[]): Promise<LiveResult> {
    const fixed = { target: database, direct: database, poolMode: "transaction" as const };
    const length = { duration: ms(600), warmup: ms(100) };
    return runLive({ ...fixed, ...length, seed: 5, workload: workload(...kinds) });
  }

  describe("a timeout of 20 ms for 200 ms of service, and two retries", () => {
    const retry: RetryModel = { attempts: 2, backoff: ms(10), factor: 2, jitter: 0.5 };
    const hasty = kind({ count: 2, timeout: ms(20), retry, transaction: lasting(200) });
    let result: LiveResult;
    beforeAll(async () => {
      result = await run(hasty);
    });

    test("every transaction has three attempts, each a row, and is given up", () => {
      const { transactions, errors, unfinished } = result;
      expect(transactions.length).toBeGreaterThan(5);
      const [error] = errors;
      expect(errors).toMatchObject([{ sqlstate: "", text: "client_timeout" }]);
      expect(error?.count).toBe([...transactions.outcome].filter((outcome) => outcome > 0).length);
      expect(unfinished).toBe(0);
      const seen = new Map<string, number[]>();
      for (let row = 0; row < transactions.length; row++) {
        const key = `${transactions.client[row]} ${transactions.number[row]}`;
        seen.set(key, [...(seen.get(key) ?? []), transactions.again[row] ?? Number.NaN]);
      }
      // A client's last one may have been cut short by the end of the run.
      for (const [key, again] of seen)
        if (seen.has(key.replace(/\d+$/, (number) => `${Number(number) + 1}`)))
          expect(again).toEqual([1, 1, 0]);
    });

    test("its response counts from the first sending, and contains pauses as they were drawn", () => {
      const { transactions } = result;
      const draws = kindDraws(hasty, 5);
      for (let row = 1; row < transactions.length; row++) {
        const [client = 0, number = 0] = [transactions.client[row], transactions.number[row]];
        const before = [...Array(row).keys()].filter(
          (each) => transactions.client[each] === client && transactions.number[each] === number,
        );
        const pauses = before.map((_, failed) => retryPause(retry, draws, client, number, failed));
        const least = pauses.reduce((sum, pause) => sum + pause, (before.length + 1) * ms(20));
        for (const each of before) expect(transactions.sent[each]).toBe(transactions.sent[row]);
        if (transactions.outcome[row] !== 0)
          expect(transactions.response[row]).toBeGreaterThanOrEqual(least);
      }
    });

    test("each attempt has a connection of its own", () => {
      expect(result.sessions.length).toBeGreaterThanOrEqual(result.transactions.length);
    });
  });

  test("users of two instances share two connections each, and wait for them", async () => {
    const app_pool = { instances: 2, size: 2, timeout: 0 };
    const think = exponential(ms(5));
    const result = await run(kind({ count: 12, think, app_pool, transaction: lasting(10) }));
    const { transactions, sessions } = result;
    expect(result.errors).toEqual([]);
    expect(result.kinds).toEqual([{ name: "web", clients: 12 }]);
    expect([...sessions.client].sort()).toEqual([0, 1, 2, 3]);
    expect(new Set(transactions.client).size).toBe(12);
    const held = [...Array(transactions.length).keys()].map((row) => {
      const sent = transactions.sent[row] ?? 0;
      const from = sent + (transactions.appWait[row] ?? Number.NaN);
      return {
        instance: (transactions.client[row] ?? 0) % 2,
        sent,
        from,
        to: sent + (transactions.response[row] ?? 0),
      };
    });
    for (const { instance, sent, from } of held) {
      expect(from).toBeGreaterThanOrEqual(sent);
      const others = held.filter((each) => each.instance === instance);
      expect(others.filter((each) => each.from <= from && from < each.to).length).toBeLessThan(3);
    }
    expect(Math.max(...transactions.appWait)).toBeGreaterThan(ms(10));
  });

  describe("kinds of clients beside each other", () => {
    const [patient, hurried, broken, cancelling] = ["patient", "hurried", "broken", "cancelling"];
    const pooled = "cancelling, pooled";
    const pool = { instances: 1, size: 3, timeout: 0 };
    const [one, idle] = [{ ...pool, min_size: 1 }, { idle_timeout: ms(20) }];
    /** A user alone with a pool: connections that are made, and why. */
    const upkeep = [
      ["needed", { ...pool, min_size: 0 }, 1, "no more than are needed"],
      ["aged", { ...one, lifetime: ms(100) }, 2, "one that is too old is replaced"],
      ["idling", { ...pool, min_size: 0, ...idle }, 2, "one that has idled is closed"],
      ["kept", { ...one, ...idle }, 1, "one that the pool must have is not closed for idling"],
    ] as const;
    let result: LiveResult;
    beforeAll(async () => {
      const retry: RetryModel = { attempts: 2, backoff: ms(10), factor: 2, jitter: 0 };
      const short = { instances: 1, size: 1, timeout: ms(15) };
      const two = { instances: 1, size: 2, timeout: 0 };
      const hasty = { timeout: ms(20), transaction: lasting(200) };
      result = await run(
        kind({ name: patient, timeout: ms(30_000), retry }),
        kind({ name: hurried, app_pool: short, think: constant(ms(1)), transaction: lasting(50) }),
        kind({ name: broken, app_pool: two, ...hasty }),
        kind({ name: cancelling, cancels: true, retry, ...hasty, transaction: twice(200) }),
        kind({ name: pooled, cancels: true, app_pool: two, ...hasty, transaction: twice(200) }),
        ...upkeep.map(([name, app_pool]) =>
          kind({ name, app_pool, count: 1, think: constant(ms(45)), transaction: lasting(5) }),
        ),
      );
    });

    /** Rows of a kind. */
    function rowsOf(name: string | undefined, of: { kind: Int32Array }): number[] {
      const wanted = result.kinds.findIndex((each) => each.name === name);
      return [...of.kind.keys()].filter((row) => of.kind[row] === wanted);
    }
    const outcomesOf = (name: string | undefined): Set<string | undefined> => {
      const { transactions, errors } = result;
      const rows = rowsOf(name, transactions);
      return new Set(rows.map((row) => errors[(transactions.outcome[row] ?? 0) - 1]?.text));
    };

    test("who has the patience is served at the first attempt", () => {
      expect(outcomesOf(patient)).toEqual(new Set([undefined]));
      expect(rowsOf(patient, result.sessions).length).toBe(4);
    });

    test("who waits too long for a connection gives up, and the connection stays", () => {
      const { transactions, sessions } = result;
      expect(outcomesOf(hurried)).toEqual(new Set([undefined, "app_pool_timeout"]));
      for (const row of rowsOf(hurried, transactions))
        if (transactions.outcome[row] !== 0) expect(transactions.appWait[row]).toBeNaN();
      expect(rowsOf(hurried, sessions).length).toBe(1);
    });

    test("who gives up while it is served takes its connection with it; another is made", () => {
      const { sessions } = result;
      expect(outcomesOf(broken)).toContain("client_timeout");
      const rows = rowsOf(broken, sessions);
      expect(new Set(rows.map((row) => sessions.client[row]))).toEqual(new Set([0, 1]));
      expect(rows.length).toBeGreaterThan(4);
    });

    test("who cancels keeps its connection, rolls back, tries again and goes on", () => {
      const { transactions, sessions } = result;
      expect(outcomesOf(cancelling)).toContain("client_cancel");
      expect(rowsOf(cancelling, sessions).length).toBe(4);
      const { client, number, again, outcome } = transactions;
      const rows = rowsOf(cancelling, transactions).filter((row) => client[row] === 0);
      const failed = rows.filter((row) => outcome[row] !== 0);
      expect(failed.length).toBeGreaterThan(1);
      failed.forEach((row, i) => {
        expect([number[row], again[row]]).toEqual([Math.floor(i / 3), i % 3 < 2 ? 1 : 0]);
      });
    });

    test("who cancels behind a pool leaves it its connection; who waits for one has nothing to cancel", () => {
      const outcomes = outcomesOf(pooled);
      expect([...outcomes].filter((outcome) => outcome !== undefined).sort()).toEqual([
        "client_cancel",
        "client_timeout",
      ]);
      expect(rowsOf(pooled, result.sessions).length).toBe(2);
    });

    for (const [name, , made, why] of upkeep)
      test(`${name}: ${why}`, () => {
        const { length } = rowsOf(name, result.sessions);
        if (made === 1) expect(length).toBe(1);
        else expect(length).toBeGreaterThanOrEqual(made);
        expect(rowsOf(name, result.transactions).length).toBeGreaterThan(3);
      });
  });
});

const REFUSED: readonly [name: string, changes: object, why: RegExp][] = [
  [
    "a fault",
    { faults: [{ at: 0, for: ms(1), fault: "restart" }] },
    /schedule \(restart\) cannot be played on what is not the run's own/,
  ],
  [
    "another discipline",
    { pooler: { discipline: "lifo", processes: 1 } },
    /pooler.discipline is "lifo"/,
  ],
  [
    "parameters that no pooler tracks",
    { clients: [kind({ parameters: "work_mem=4MB" })] },
    /parameters of web is "work_mem=4MB"/,
  ],
];
describe("what cannot be played is refused before anything starts", () => {
  for (const [name, changes, why] of REFUSED)
    test(name, async () => {
      const target = { host: "127.0.0.1", port: 1, user: "me" };
      const options = { workload: { ...workload(kind()), ...changes }, target };
      const length = { duration: ms(100), warmup: 0 };
      const running = runLive({ ...options, ...length, poolMode: "transaction", seed: 1 });
      await expect(running).rejects.toThrow(why);
    });
});
