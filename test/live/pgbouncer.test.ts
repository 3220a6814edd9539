/** Live runs through PgBouncer: queues, timeouts, logins, its console, its end. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PoolMode } from "../../engine/core/settings.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, OutsideError, resolveDatabase } from "../../workloads/database/index.ts";
import {
  type LiveOptions,
  type LiveResult,
  runLive,
  SECTIONS,
} from "../../workloads/live/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";
import {
  type Bouncer,
  constant,
  kind,
  median,
  ms,
  sorted,
  startBouncer,
  workload,
} from "./helpers.ts";

const skipped = NO_PGBOUNCER !== "" || (await embeddedPackage()) === undefined;

describe.skipIf(skipped)("through PgBouncer (skipped: not installed, or no database)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH }, maxConnections: 30 });
  });
  afterAll(() => database.stop());

  async function through(
    mode: PoolMode,
    settings: Record<string, string | number>,
    load: Workload,
    more: (bouncer: Bouncer) => Partial<LiveOptions> = () => ({}),
  ): Promise<LiveResult> {
    const bouncer = await startBouncer(PGBOUNCER, database, mode, settings);
    const fixed = { target: bouncer, direct: database, admin: bouncer.admin, seed: 1 };
    const times = { duration: ms(1_000), warmup: ms(200) };
    try {
      return await runLive({
        ...fixed,
        ...times,
        workload: load,
        poolMode: mode,
        ...more(bouncer),
      });
    } finally {
      await bouncer.stop();
    }
  }

  const transaction = { statements: constant(2), service: constant(ms(5)), gap: constant(0) };
  const crowd = kind({ count: 8, think: constant(ms(1)), transaction });
  const one = { default_pool_size: 1 };

  test("transaction mode, one server for eight: each waits for the seven others", async () => {
    const result = await through("transaction", one, workload(crowd));
    const wait = median(sorted(result.transactions.wait, (row) => row > 16));
    const later = median(sorted(result.transactions.waitLater));
    expect(wait).toBeGreaterThan(ms(5 * 10));
    expect(wait).toBeLessThan(ms(10 * 7 * 10));
    expect(later * 10).toBeLessThan(wait);
  });

  test("statement mode: the second statement queues as well", async () => {
    const result = await through("statement", one, workload(crowd));
    const rows = (row: number): boolean => row > 16;
    const wait = median(sorted(result.transactions.wait, rows));
    const later = median(sorted(result.transactions.waitLater, rows));
    expect(later).toBeGreaterThan(wait / 3);
  });

  test("session mode: only the first transaction of a session waits", async () => {
    const session = { transactions: constant(3), away: constant(ms(1)) };
    const result = await through("session", one, workload({ ...crowd, count: 4, session }));
    const { number, wait } = result.transactions;
    const first = sorted(wait, (row) => (number[row] ?? 0) % 3 === 0 && row > 4);
    const others = sorted(wait, (row) => (number[row] ?? 0) % 3 !== 0);
    expect(median(first)).toBeGreaterThan(ms(20));
    expect(median(others) * 5).toBeLessThan(median(first));
  });

  test("query_wait_timeout is counted, and the clients come back", async () => {
    const settings = { ...one, query_wait_timeout: 0.3 };
    const slow = { ...transaction, service: constant(ms(100)) };
    const session = { transactions: "forever", away: constant(ms(20)) } as const;
    const load = workload({ ...crowd, transaction: slow, session });
    const result = await through("transaction", settings, load, () => ({ duration: ms(3_000) }));
    const [timeout] = result.errors;
    expect(timeout).toMatchObject({ sqlstate: "08P01", text: "query_wait_timeout" });
    const { outcome, wait, number } = result.transactions;
    const failed = [...outcome.keys()].filter((row) => outcome[row] === 1);
    expect(failed.length).toBe(timeout?.count);
    for (const row of failed) expect(wait[row]).toBeNaN();
    const after = failed.map((row) => number[row] ?? 0);
    expect(Math.max(...after)).toBeGreaterThan(0);
  });

  test("its console is watched: samples and totals, which agree with our own count", async () => {
    const result = await through("transaction", one, workload(crowd));
    const { pools, stats } = result.observed ?? { pools: [], stats: [] };
    expect(stats).toHaveLength(2 + SECTIONS);
    const waiting = pools.map(({ rows }) => rows.find((row) => row.database === "postgres"));
    expect(Math.max(...waiting.map((row) => Number(row?.cl_waiting ?? 0)))).toBeGreaterThan(3);
    expect(Math.max(...waiting.map((row) => Number(row?.sv_active ?? 0)))).toBe(1);
    const totals = stats.map(({ rows }) => rows.find((row) => row.database === "postgres"));
    const counted = Number(totals.at(-1)?.total_xact_count) - Number(totals[0]?.total_xact_count);
    expect(Math.abs(counted - result.transactions.length)).toBeLessThanOrEqual(16);
  });

  for (const auth_type of ["plain", "md5", "scram-sha-256"])
    test(`${auth_type} login`, async () => {
      const result = await through("transaction", { auth_type }, workload(crowd));
      expect(result.errors).toEqual([]);
      expect(result.transactions.length).toBeGreaterThan(0);
    });

  for (const own of [true, false])
    test(`a wrong password is told in its words (direct: ${own})`, async () => {
      const run = through("transaction", { auth_type: "md5" }, workload(crowd), (bouncer) => ({
        target: { ...bouncer, password: "wrong" },
        direct: own ? database : undefined,
      }));
      await expect(run).rejects.toThrow(OutsideError);
      await expect(run).rejects.toThrow(/password authentication failed|auth failed/);
    });

  test("a thousand clients on twenty servers", async () => {
    const many = kind({ count: 1_000, think: constant(ms(600)) });
    const result = await through("transaction", { default_pool_size: 20 }, workload(many));
    expect(result.errors).toEqual([]);
    expect(new Set(result.transactions.client).size).toBe(1_000);
  });

  test("the pooler is killed in mid-run: one line that says so", async () => {
    const run = through("transaction", one, workload(crowd), (bouncer) => ({
      duration: ms(60_000),
      onProgress: ({ phase }) => {
        if (phase === "running") void bouncer.stop();
      },
    }));
    const error = await run.catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(OutsideError);
    expect(String(error)).toMatch(/^OutsideError: the live run lost [^\n]+$/);
  });
});
