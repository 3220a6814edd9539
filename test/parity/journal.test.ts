/**
 * A live run's journal, replayed through the core in a simulator's hands: every decision is the recorded
 * one. So is every decision of a simulated run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PoolMode } from "../../engine/core/index.ts";
import { replay } from "../../sim/study/replay.ts";
import type { Replay } from "../../sim/study/results/index.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { constant, exponential, kind, ms, workload } from "../live/helpers.ts";
import { simulated } from "./simulated.ts";
import { type Running, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());

/** Twelve clients in short sessions, two statements a transaction: busy enough for a queue on three. */
function busy(): Workload {
  const transaction = {
    statements: constant(2),
    service: exponential(ms(4)),
    gap: exponential(ms(1)),
  };
  const session = { transactions: constant(5), away: exponential(ms(10)) };
  const think = exponential(ms(10));
  return workload(kind({ database: "app", count: 12, think, session, transaction }));
}

function play(running: Running, poolMode: PoolMode, load = busy()): Promise<LiveResult> {
  const { target } = running;
  const fixed = { target, direct: stage.database, poolMode, seed: 1 };
  return runLive({ ...fixed, workload: load, duration: ms(1_200), warmup: 0 });
}

function decidesTheSame(journal: Uint8Array): Replay {
  const found = replay(journal, "journal");
  expect(found.difference).toBeUndefined();
  expect(found.equal).toBe(true);
  expect(found.cut_bytes).toBe(0);
  return found;
}

describe("a live run, replayed, decides the same", () => {
  for (const pool_mode of ["session", "transaction", "statement"] as const) {
    test(`${pool_mode} mode`, async () => {
      const running = await stage.pooler({ settings: { pool_mode, default_pool_size: 3 } });
      const live = await play(running, pool_mode);
      const found = decidesTheSame(await running.stop());
      expect(live.errors).toEqual([]);
      expect(found.checks).toBeGreaterThan(0);
      // The pooler counted what the driver saw: transactions of several statements count each in statement mode.
      const [pool] = found.pools;
      expect(pool).toMatchObject({ pool_mode, pool_size: 3 });
      expect(pool?.transactions).toBeGreaterThanOrEqual(live.transactions.length);
      // A client that had gone by its grant is taken back, and off the count.
      expect(found.kinds.grant).toBeGreaterThanOrEqual(pool?.assignments ?? Number.NaN);
      expect(found.wait_ms.max).toBeGreaterThan(0);
    });
  }

  test("with faults: PAUSE, RESUME, RECONNECT, killed clients and servers, timeouts", async () => {
    const settings = {
      pool_mode: "transaction",
      default_pool_size: 2,
      query_wait_timeout: 0.4,
      server_lifetime: 0.5,
    };
    const running = await stage.pooler({ settings });
    const load = busy();
    load.clients.push(kind({ ...load.clients[0], name: "long", count: 2 }));
    let trouble: Promise<void> | undefined;
    const live = await runLive({
      workload: load,
      target: running.target,
      direct: stage.database,
      poolMode: "transaction",
      seed: 1,
      duration: ms(2_500),
      warmup: 0,
      onProgress: ({ phase }) => {
        if (phase === "running") trouble ??= makeTrouble(running);
      },
    });
    await trouble;
    const found = decidesTheSame(await running.stop());
    const texts = live.errors.map(({ text }) => text);
    expect(texts).toContain("query_wait_timeout");
    expect(found.kinds).toMatchObject({
      drop: expect.any(Number),
      close: expect.any(Number),
      paused: 1,
    });
  });
});

async function makeTrouble(running: Running): Promise<void> {
  await running.tell("PAUSE app");
  await sleep(900); // Longer than query_wait_timeout and a tick: all waiters are dropped.
  await running.tell("RESUME app");
  await slay(running);
  await running.tell("RECONNECT");
  await killServers(stage);
}

/** Three clients that are cut off without a word: while they wait, while they run, in a transaction. */
async function slay(running: Running): Promise<void> {
  for (const sql of ["select pg_sleep(0.05)", "begin", "select pg_sleep(1)"]) {
    const client = await running.client("app");
    const answer = client.query(sql).catch(() => undefined);
    if (sql === "begin") await answer;
    else await sleep(5);
    (
      client as unknown as { connection: { stream: { destroy(): void } } }
    ).connection.stream.destroy();
  }
}

/** The database ends the pooler's connections. */
async function killServers({ database: { host, port, user, database } }: Stage): Promise<void> {
  const client = new pg.Client({ host, port, user, database });
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend' and query like '%pg_sleep%'",
  );
  await client.end();
}

describe("a simulated run's journal", () => {
  for (const pool_mode of ["session", "transaction", "statement"] as const)
    test(`${pool_mode} mode: it decides the same`, () => {
      const load = busy();
      load.settings = { ...load.settings, pool_mode, default_pool_size: 3 };
      load.settings.databases = [{ name: "app" }];
      const found = decidesTheSame(simulated(load, ms(20_000)).journal);
      expect(found.pools[0]?.transactions).toBeGreaterThan(100);
    });
});

describe("a journal that was cut off", () => {
  let journal: Uint8Array;
  let whole: Replay;
  beforeAll(async () => {
    const running = await stage.pooler({
      settings: { pool_mode: "transaction", default_pool_size: 3 },
    });
    await play(running, "transaction");
    journal = await running.stop();
    whole = decidesTheSame(journal);
  });

  test("is replayed up to there, wherever the cut is", () => {
    const head = journal.indexOf(10, journal.indexOf(10) + 1) + 1;
    fc.assert(
      fc.property(fc.integer({ min: head, max: journal.length - 1 }), (end) => {
        const part = replay(journal.subarray(0, end), "cut");
        expect(part.difference).toBeUndefined();
        expect(part.equal).toBe(part.checks > 0 ? true : null);
        expect(part.cut_bytes).toBeLessThan(end - head + 1);
        expect(part.inputs).toBeLessThanOrEqual(whole.inputs ?? 0);
        expect(part.checks).toBeLessThanOrEqual(whole.checks);
      }),
      { numRuns: 60 },
    );
  });

  test("a changed decision does not pass: another pool size in its head", () => {
    const text = Buffer.from(journal).toString("latin1");
    const changed = text.replace('"default_pool_size":3', '"default_pool_size":2');
    const found = replay(Buffer.from(changed, "latin1"), "changed");
    expect(found.equal).toBe(false);
    expect(found.difference?.message).toMatch(/^the replay decides otherwise than the recording/);
  });

  test("a damaged stretch does not pass", () => {
    const head = journal.indexOf(10, journal.indexOf(10) + 1) + 1;
    // Not near the end, where it could be taken for a cut.
    const places = fc.integer({ min: head, max: journal.length - 1_024 });
    fc.assert(
      fc.property(places, (at) => {
        const damaged = Uint8Array.from(journal);
        damaged.fill(0xff, at, at + 64); // Longer than any record that there is.
        expect(replay(damaged, "damaged").equal).not.toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
