/**
 * Faults played for real: the database stands still, or dies and comes back, or the pooler does. Asserted is
 * that it happened, that the clients came back and that nothing is left; never how fast.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { simulate } from "../../sim/model/index.ts";
import { liveLosses, simulatedLosses } from "../../sim/study/live/figures.ts";
import { withPool } from "../../sim/study/live/pools.ts";
import { type Cell, openStand, type Stand } from "../../sim/study/live/stand.ts";
import { replayFile } from "../../sim/study/replay.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, OutsideError, resolveDatabase } from "../../workloads/database/index.ts";
import { type Breaker, Breaking } from "../../workloads/live/breaking.ts";
import { type LiveResult, runLive } from "../../workloads/live/index.ts";
import { type Fault, SHUTDOWNS, type Workload } from "../../workloads/schema/workload.ts";
import { processesWith } from "../database/helpers.ts";
import { withPooler } from "../model/poolers.ts";
import { NO_PGBOUNCER, PGBOUNCER, PGBOUNCER_VERSION } from "../pgbouncer.ts";
import { constant, kind, ms, workload } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
/** Through whom, and its program; ours without one. */
const POOLERS: [through: string, pgbouncer: string | undefined][] = [
  ["through our pooler", undefined],
  ...(NO_PGBOUNCER === "" ? ([["through PgBouncer", PGBOUNCER]] as [string, string][]) : []),
];
const CELL: Cell = { name: "cell", pool_mode: "transaction", pool_size: 3 };

const fault = (
  name: Fault["fault"],
  at: number,
  length: number,
  more: Partial<Fault> = {},
): Fault => ({
  ...{ fault: name, at: ms(at), for: ms(length) },
  ...more,
});

describe("the faults of a run", () => {
  const faults = [fault("stall", 0, 1), fault("restart", 20, 10)];
  const fail = (error: unknown): void => expect.fail(String(error));
  const wall = () => performance.timeOrigin + performance.now();

  test("are played one after the other, at the times of the schedule", async () => {
    const seen: string[] = [];
    const begin = wall();
    const breaker: Breaker = {
      prepare: async ({ fault }) => void seen.push(`prepare ${fault}`),
      play: async ({ fault }, span) => {
        seen.push(`${fault} ${Math.round(span.begin - begin)} ${Math.round(span.end - begin)}`);
        return fault === "restart" ? 70 : 0;
      },
    };
    const breaking = new Breaking(faults, breaker);
    await breaking.prepare();
    breaking.start(begin, fail);
    await expect.poll(() => breaking.notes.length).toBe(1);
    await breaking.end();
    expect(seen).toEqual(["prepare stall", "stall 0 1", "prepare restart", "restart 20 30"]);
    expect(breaking.notes).toEqual(["the restart of 10 ms was over 70 ms late"]);
  });

  test("that have not begun when the run is over are left out, and one that has is ended", async () => {
    const seen: string[] = [];
    const breaker: Breaker = {
      prepare: async () => undefined,
      play: ({ fault }, _, signal) => {
        seen.push(fault);
        return new Promise((resolve) => signal.addEventListener("abort", () => resolve(0)));
      },
    };
    const breaking = new Breaking(faults, breaker);
    breaking.start(wall(), fail);
    await expect.poll(() => seen).toEqual(["stall"]);
    await breaking.end();
    expect(seen).toEqual(["stall"]);
  });

  test("one after which nothing is whole again is told", async () => {
    const lost = new OutsideError("it is gone");
    const play = () => Promise.reject(lost);
    const breaking = new Breaking(faults, { prepare: async () => undefined, play });
    const told = new Promise((resolve) => breaking.start(wall(), resolve));
    expect(await told).toBe(lost);
    await breaking.end();
  });
});

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH }, maxConnections: 60 });
  });
  afterAll(async () => {
    await database.stop();
    expect(existsSync(database.host)).toBe(false);
    expect(await processesWith(database.host)).toEqual([]);
  });

  /** In ms: enough for all to be whole again, unless the machine has much else to do. */
  const LENGTH = 1_600;

  /** Eight clients of a pool of three. */
  function broken(one: Fault): Workload {
    const session = { transactions: "forever" as const, away: constant(ms(30)) };
    const { settings, ...rest } = workload(kind({ count: 8, session }));
    return { ...rest, settings: { ...settings, server_login_retry: ms(100) }, faults: [one] };
  }

  async function playOnce(
    given: Workload,
    pgbouncer?: string,
    duration = LENGTH,
  ): Promise<LiveResult> {
    const stand = await openStand({ workload: given, database, cells: [CELL], pgbouncer });
    return await playOn(stand, given, { duration }).finally(() => stand.close());
  }

  /** Plays for longer and longer, until everybody is served by a transaction sent after `at`. */
  async function play(given: Workload, at: number, pgbouncer?: string): Promise<LiveResult> {
    for (let duration = LENGTH; ; duration *= 3) {
      const result = await playOnce(given, pgbouncer, duration);
      if (servedAfter(result, at) === 8 || duration > 20 * LENGTH) return result;
    }
  }

  const foretold = (given: Workload) => {
    const length = { warmup: ms(100), duration: ms(LENGTH) };
    return simulate(withPool(given, CELL.pool_mode, CELL.pool_size), { ...length, seed: 1 });
  };

  function playOn(
    stand: Stand,
    given: Workload,
    { signal, duration = LENGTH }: { signal?: AbortSignal; duration?: number } = {},
  ): Promise<LiveResult> {
    const { breaker, direct } = stand;
    const admin = stand.consoles?.(given);
    const place = { target: stand.target(CELL), admin, direct, breaker };
    return runLive({
      ...place,
      ...{ duration: ms(duration), warmup: ms(100) },
      workload: given,
      poolMode: "transaction",
      seed: 1,
      signal,
    });
  }

  const textsOf = ({ errors }: LiveResult): string[] => errors.map(({ text }) => text);
  /** Clients that were served by a transaction sent after `at`. */
  function servedAfter({ transactions, window }: LiveResult, at: number): number {
    const rows = [...Array(transactions.length).keys()].filter(
      (row) =>
        transactions.outcome[row] === 0 && (transactions.sent[row] ?? 0) > window.from + ms(at),
    );
    return new Set(rows.map((row) => transactions.client[row])).size;
  }
  const lostOf = ({ sessions }: LiveResult): number =>
    [...sessions.lost].filter((at) => !Number.isNaN(at)).length;

  // The database stands still when the machine comes round to it, which may be late: then it does not fit the clocks.
  const LIVE = { retry: 3 };
  test(
    "stall: nobody is lost, and who was being served is served for as long afterwards",
    LIVE,
    async () => {
      const service = 200;
      const transaction = {
        statements: constant(1),
        service: constant(ms(service)),
        gap: constant(0),
      };
      const given = broken(fault("stall", 500, 300));
      const one = { ...given, clients: given.clients.map((each) => ({ ...each, transaction })) };
      const result = await play(one, 800);
      const { transactions, window } = result;
      expect(textsOf(result)).toEqual([]);
      expect(lostOf(result)).toBe(0);
      const [begin, end] = [window.from + ms(500), window.from + ms(800)];
      let held = 0;
      for (let row = 0; row < transactions.length; row++) {
        const started = (transactions.sent[row] ?? 0) + (transactions.wait[row] ?? 0);
        const answered = (transactions.sent[row] ?? 0) + (transactions.response[row] ?? 0);
        // Some milliseconds are left for the clocks, and for the answer that is under way.
        if (started > begin - ms(service - 10) && started < begin - ms(10)) {
          expect(answered - started).toBeGreaterThan(ms(service + 300 - 5));
          held++;
        }
        expect(answered > begin + ms(100) && answered < end - ms(5)).toBe(false);
      }
      expect(held).toBeGreaterThan(0);
      expect(servedAfter(result, 800)).toBe(8);
    },
  );

  test("restart: who was being served is lost, and all are served again", async () => {
    const result = await play(broken(fault("restart", 300, 300)), 600);
    expect(textsOf(result).join()).toContain("server conn crashed");
    expect(lostOf(result)).toBeGreaterThan(0);
    expect(servedAfter(result, 600)).toBe(8);
  });

  for (const [through, pgbouncer] of POOLERS)
    test(`failover ${through}: who was served when it fell silent is lost at its end, as foretold`, async () => {
      const given = broken(fault("failover", 300, 400));
      const result = await play(given, 700, pgbouncer);
      expect(liveLosses(result)).toEqual(simulatedLosses(foretold(given)));
      expect(liveLosses(result)).toEqual({ failed: 3, lost: 3, refused: 0 });
      const lost = [...result.sessions.lost].filter((at) => !Number.isNaN(at));
      expect(Math.min(...lost)).toBeGreaterThanOrEqual(result.window.from + ms(700));
      expect(servedAfter(result, 700)).toBe(8);
    });

  for (const shutdown of SHUTDOWNS)
    test(`pooler_restart, ${shutdown}: all find back to the one that comes after it`, async () => {
      const result = await play(broken(fault("pooler_restart", 300, 400, { shutdown })), 700);
      expect(lostOf(result)).toBe(8);
      expect(servedAfter(result, 700)).toBe(8);
      const { pools = [] } = result.observed ?? {};
      expect(pools.at(-1)?.rows.length).toBeGreaterThan(0);
      if (shutdown === "wait_for_clients") return; // It does not go before the new one is there.
      expect(textsOf(result)).toContain("shutting_down");
      expect(pools.filter(({ rows }) => rows.length === 0).length).toBeGreaterThan(0);
    });

  test("pooler_takeover: the old one keeps its clients until it has to go", async () => {
    const result = await play(broken(fault("pooler_takeover", 300, 400)), 700);
    expect(lostOf(result)).toBe(8);
    expect(Math.min(...[...result.sessions.lost].filter((at) => at > 0))).toBeGreaterThan(ms(700));
    expect(textsOf(result)).not.toContain("shutting_down");
    expect(servedAfter(result, 700)).toBe(8);
  });

  test("pooler_takeover: who comes anew comes to the new one, and nobody is turned away twice", async () => {
    const given = broken(fault("pooler_takeover", 300, 1_000));
    const session = { transactions: constant(2), away: constant(ms(10)) };
    const clients = given.clients.map((one) => ({ ...one, session }));
    const stand = await openStand({ workload: given, database, cells: [CELL] });
    const twice = { ...given, clients };
    await playOn(stand, { ...twice, faults: undefined });
    await playOn(stand, twice);
    const result = await playOn(stand, twice).finally(() => stand.close());
    expect(lostOf(result)).toBe(0);
    // Who is logging in at the old one when it is told to go; with it alone each came a hundred times.
    expect(textsOf(result).filter((text) => text !== "pooler is shutting down")).toEqual([]);
    expect(liveLosses(result).refused).toBeLessThanOrEqual(8);
    expect(servedAfter(result, 700)).toBe(8);
    const pools = result.observed?.pools
      .at(-1)
      ?.rows.filter((row) => row.database === "one_postgres");
    expect(pools?.reduce((sum, row) => sum + Number(row.cl_active), 0)).toBeLessThanOrEqual(8);
  });

  /** Two clients that cancel, four times while two poolers are there, what would take three times as long. */
  function cancelling(peering: number | undefined): Workload {
    const { clients, ...rest } = broken(fault("pooler_takeover", 50, 1_450));
    const service = constant(ms(900));
    const transaction = { statements: constant(1), service, gap: constant(0) };
    const patience = { timeout: ms(300), cancels: true };
    const session = { transactions: "forever" as const, away: constant(ms(1_000)) };
    const impatient = clients.map((each) => {
      return { ...each, count: 2, session, transaction, ...patience };
    });
    return withPooler({ ...rest, clients: impatient }, { peering });
  }

  for (const [through, pgbouncer] of POOLERS)
    test.skipIf(pgbouncer !== undefined && PGBOUNCER_VERSION < 1_023)(
      `pooler_takeover ${through}: the new one hands on cancel requests to the old one if it knows it (skipped: too old)`,
      async () => {
        for (const [peering, cancelled] of [
          [undefined, 0],
          [ms(1), 8],
        ] as const) {
          const given = cancelling(peering);
          const result = await playOnce(given, pgbouncer);
          expect(foretold(given).all.errors.client_cancel ?? 0).toBe(cancelled);
          expect(textsOf(result).includes("client_cancel")).toBe(cancelled > 0);
        }
      },
    );

  test("each pooler writes a journal of its own, which replays", async () => {
    const given = broken(fault("pooler_takeover", 300, 400));
    const journal = join(mkdtempSync(join(tmpdir(), "journals-")), "run");
    const stand = await openStand({ workload: given, database, cells: [CELL], journal });
    await playOn(stand, given).finally(() => stand.close());
    expect(stand.notes).toEqual([`each pooler has a journal of its own: ${journal}, ${journal}.2`]);
    for (const file of [journal, `${journal}.2`]) {
      const replayed = replayFile(file);
      expect(replayed.equal).not.toBe(false);
      expect(replayed.inputs).toBeGreaterThan(50);
    }
    rmSync(dirname(journal), { recursive: true });
  });

  test("an abort amid a fault makes all whole again", async () => {
    const given = broken(fault("stall", 0, 1_500));
    const stand = await openStand({ workload: given, database, cells: [CELL] });
    try {
      const abort = new AbortController();
      setTimeout(() => abort.abort(new Error("enough")), 1_500);
      const { signal } = abort;
      await expect(playOn(stand, given, { signal })).rejects.toThrow("enough");
      const after = await playOn(stand, { ...given, faults: undefined });
      expect(textsOf(after)).toEqual([]);
    } finally {
      await stand.close();
    }
  });
});
