/**
 * KILL and RELOAD of entries, done to our pooler and to Debian's PgBouncer: what clients and the console
 * see of it must be the same. What ours has decided, its journal must give again.
 */
import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { replay } from "../../sim/study/replay.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";
import { type Running, Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage?.close());

const SIDES = [
  ["our pooler", undefined, false],
  ["PgBouncer", PGBOUNCER, NO_PGBOUNCER !== ""],
] as const;

/** An entry that leads to the private PostgreSQL. */
function entry(name: string, more = ""): string {
  const { host, port } = stage.database;
  return `${name} = host=${host} port=${port} dbname=postgres ${more}`;
}

const pid = async (client: pg.Client): Promise<number> =>
  (await client.query("select pg_backend_pid() as pid")).rows[0].pid;

/** With what text a client is sent away. */
const farewell = (client: pg.Client): Promise<string> =>
  new Promise((resolve) => client.once("error", ({ message }) => resolve(message)));

/** "in", or why a new client is not let in. */
async function entering(running: Running, database: string): Promise<string> {
  try {
    await (await running.client(database)).end();
    return "in";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Rows of a SHOW that speak of this database. */
async function shown(running: Running, what: string, database: string) {
  const rows = await running.tell(`SHOW ${what}`);
  return rows.filter((row) => (row.name ?? row.database) === database);
}

for (const [side, pgbouncer, skipped] of SIDES) {
  describe.skipIf(skipped)(side, () => {
    let running: Running;
    afterEach(async () => {
      const journal = await running.stop();
      if (pgbouncer === undefined) expect(replay(journal, "journal").equal).toBe(true);
    });
    const start = async (databases = ["app", "other"], more = {}): Promise<void> => {
      const settings = { pool_mode: "transaction", default_pool_size: 2, ...more };
      running = await stage.pooler({ settings, databases, pgbouncer });
    };

    test("KILL forgets the pool with its statistics; the entry stays paused", async () => {
      await start();
      const client = await running.client("app");
      for (let i = 0; i < 3; i++) await client.query("select 1");
      const gone = farewell(client);
      await running.tell("KILL app");
      expect(await gone).toBe("database removed");
      expect(await shown(running, "POOLS", "app")).toEqual([]);
      expect(await shown(running, "STATS_TOTALS", "app")).toEqual([]);
      await running.tell("RESUME app");
      const next = await running.client("app");
      await next.query("select 1");
      expect(await shown(running, "STATS_TOTALS", "app")).toMatchObject([
        { query_count: "1", xact_count: "1" },
      ]);
    });

    test("RELOAD: an entry that is gone takes its clients with it, and is a new one when it is back", async () => {
      await start();
      const client = await running.client("app");
      await client.query("select 1");
      const gone = farewell(client);
      await running.tell("PAUSE app");
      await running.reload([entry("other")]);
      expect(await gone).toBe("database removed");
      expect(await entering(running, "app")).toContain("no such database: app");
      expect(await entering(running, "other")).toBe("in");
      await running.reload([entry("app"), entry("other")]);
      const next = await running.client("app");
      await next.query("select 1");
      expect(await shown(running, "STATS_TOTALS", "app")).toMatchObject([{ query_count: "1" }]);
    });

    test("autodb_idle_timeout: what was made from `*` goes when it has neither clients nor servers", async () => {
      await start(["app", "*"], { autodb_idle_timeout: 1, server_idle_timeout: 1 });
      const clients = [await running.client("made"), await running.client("kept")];
      for (const client of clients) await client.query("select 1");
      await clients[0]?.end();
      const gone = async (): Promise<void> =>
        expect(await shown(running, "STATS_TOTALS", "made")).toEqual([]);
      expect(await shown(running, "STATS_TOTALS", "made")).toMatchObject([{ query_count: "1" }]);
      await vi.waitFor(gone, { timeout: 60_000, interval: 50 });
      expect(await shown(running, "DATABASES", "made")).toEqual([]);
      expect(await shown(running, "STATS_TOTALS", "kept")).toMatchObject([{ query_count: "1" }]);
      expect(await entering(running, "made")).toBe("in");
    });

    test("RELOAD: a changed `*` entry reaches what was made from it; the same one changes nothing", async () => {
      await start(["app", "*"]);
      const client = await running.client("made");
      const before = await pid(client);
      await running.reload([entry("app"), entry("*")]);
      expect(await pid(client)).toBe(before);
      await running.reload([entry("app"), entry("*", "pool_size=7")]);
      expect(await shown(running, "DATABASES", "made")).toMatchObject([{ pool_size: 7 }]);
      expect(await pid(client)).not.toBe(before);
    });

    test("RELOAD: a `*` entry that is gone still holds", async () => {
      await start(["app", "*"]);
      const client = await running.client("made");
      const before = await pid(client);
      await running.reload([entry("app")]);
      expect(await pid(client)).toBe(before);
      expect(await entering(running, "new")).toBe("in");
    });

    test("RELOAD: an entry that is gone goes although there is a `*`, which makes it anew", async () => {
      await start(["app", "*"]);
      const client = await running.client("app");
      await client.query("select 1");
      const gone = farewell(client);
      await running.reload([entry("*")]);
      expect(await gone).toBe("database removed");
      expect(await shown(running, "STATS_TOTALS", "app")).toEqual([]);
      expect(await entering(running, "app")).toBe("in");
    });

    test("numbers are what C reads of them, in entries, in the file and by SET", async () => {
      const entries = {
        app: "pool_size=5x",
        ...{ comma: "pool_size=5,", many: "max_db_connections=99999999999" },
        ...{ less: "pool_size=3000000000", blank: "pool_size=' 5'" },
      };
      const settings = { default_pool_size: 7, max_client_conn: 99_999_999_999 };
      running = await stage.pooler({ settings, entries, pgbouncer });
      const databases = await running.tell("SHOW DATABASES");
      const found = databases.map((row) => [row.name, row.pool_size, row.max_connections]);
      expect(found.filter(([name]) => name !== "pgbouncer").sort()).toEqual([
        ["app", 5, 0],
        ["blank", 5, 0],
        ["comma", 5, 0],
        ["less", 7, 0],
        ["many", 7, 1_215_752_191],
      ]);
      const value = async (name: string): Promise<string | undefined> =>
        (await running.tell("SHOW CONFIG")).find(({ key }) => key === name)?.value;
      expect(await value("max_client_conn")).toBe("1215752191");
      const cases = [
        ["max_db_connections", "99999999999", "1215752191"],
        ["max_db_connections", "4294967396", "100"],
        ["max_db_connections", "99999999999999999999", "-1"],
        ["max_db_connections", "0x1FFFFFFFF", "-1"],
        ["query_timeout", "99999999999", "1e+11"],
        ["query_timeout", "18446744073709", "1.84467e+13"],
      ] as const;
      for (const [name, written, kept] of cases) {
        await running.tell(`SET ${name} = ${written}`);
        expect(await value(name)).toBe(kept);
      }
      await expect(running.tell("SET max_db_connections = 5x")).rejects.toThrow("SET failed");
    });
  });
}
