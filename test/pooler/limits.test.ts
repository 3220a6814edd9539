/** Queues, limits and timeouts as clients of the pooler see them. */
import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { query, startupMessage, terminate } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { type Console, failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

/** A pooler whose only server is in a transaction of `holder`. */
async function busyPooler(settings: Record<string, string | number> = {}) {
  const pooler = await stage.pooler({ default_pool_size: 1, ...settings });
  const holder = await stage.client(pooler);
  await holder.query("begin");
  return { pooler, holder, console: await stage.console(pooler) };
}

async function waiting(console: Console, count: number): Promise<void> {
  await until(async () => Number((await console.pool("app")).cl_waiting) === count);
}

test("waiting clients are served in the order in which they asked", async () => {
  const { pooler, holder, console } = await busyPooler();
  const served: number[] = [];
  const answers: Promise<unknown>[] = [];
  for (let turn = 0; turn < 8; turn++) {
    const client = await stage.client(pooler);
    answers.push(client.query("select 1").then(() => served.push(turn)));
    await waiting(console, turn + 1);
  }
  await holder.query("commit");
  await Promise.all(answers);
  expect(served).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test("a client that has gone while it waited is passed over, and its query never runs", async () => {
  const direct = await stage.direct();
  await direct.query("create table written (n int); grant all on written to public");
  const { pooler, holder, console } = await busyPooler();
  const goes = await Raw.login(pooler, stage.database.user);
  goes.send(query("insert into written values (1)"));
  await waiting(console, 1);
  const stays = await stage.client(pooler);
  const answer = stays.query("select 2 as two");
  await waiting(console, 2);
  goes.socket.destroy();
  await sleep(50);
  expect(Number((await console.pool("app")).cl_waiting)).toBe(2);
  await holder.query("commit");
  expect((await answer).rows).toEqual([{ two: 2 }]);
  expect((await direct.query("select * from written")).rows).toEqual([]);
});

test("one that says goodbye while it waits is passed over too", async () => {
  const { pooler, holder, console } = await busyPooler();
  const raw = await Raw.login(pooler, stage.database.user);
  raw.send(query("select 1"), terminate());
  raw.socket.end();
  await waiting(console, 1);
  await holder.query("commit");
  await waiting(console, 0);
  expect((await holder.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
});

test("query_wait_timeout: FATAL with PgBouncer's text", async () => {
  const { pooler, console } = await busyPooler();
  const client = await stage.client(pooler);
  await console.ask("set query_wait_timeout = '0.2'"); // Logins wait for their first server too.
  const error = await failure(client.query("select 1"));
  expect([error.message, error.code]).toEqual(["query_wait_timeout", "08P01"]);
});

test("query_wait_notify: a notice after so many seconds of waiting", async () => {
  const { pooler } = await busyPooler({ query_wait_notify: 1 });
  const raw = await Raw.login(pooler, stage.database.user);
  raw.send(query("select 1"));
  await raw.until("N");
  expect(raw.complaint).toContain("No server connection available in postgres backend");
  raw.socket.destroy();
});

test("max_client_conn: the one too many is refused, the console is not", async () => {
  const pooler = await stage.pooler({ max_client_conn: 2 });
  await Promise.all([stage.client(pooler), stage.client(pooler)]);
  const error = await failure(stage.client(pooler));
  expect(error.message).toBe("no more connections allowed (max_client_conn)");
  expect(error.code).toBe("08P01");
  expect((await (await stage.console(pooler)).ask("show version")).length).toBe(1);
});

// Two are in as alice, at app or on the console. Who comes then?
const strangers = [
  ["max_client_conn", "app", { user: "nobody" }],
  ["max_client_conn", "app", { user: "bob", database: "nowhere" }],
  ["max_client_conn", "pgbouncer", { user: "bob" }],
  ["max_db_client_connections", "app", { user: "nobody" }],
  ["max_user_client_connections", "app", { user: "alice", database: "nowhere" }],
] as const;
for (const [limit, database, who] of strangers) {
  test(`${limit}, two at ${database}: ${JSON.stringify(who)} is told of it, like anybody`, async () => {
    const pooler = await stage.pooler({ [limit]: 2, admin_users: "alice" });
    for (const _ of [1, 2]) await stage.client(pooler, { user: "alice", database });
    const error = await failure(stage.client(pooler, who));
    expect(error.message).toMatch(new RegExp(`(exceeded|allowed) \\(${limit}\\)$`));
  });
}

test("max_db_client_connections and max_user_client_connections refuse", async () => {
  const pooler = await stage.pooler({
    max_user_client_connections: 1,
    max_db_client_connections: 2,
  });
  await stage.client(pooler, { user: "alice" });
  const user = await failure(stage.client(pooler, { user: "alice" }));
  expect(user.message).toBe("client connections exceeded (max_user_client_connections)");
  await stage.client(pooler, { user: "bob" });
  const database = await failure(stage.client(pooler));
  expect(database.message).toBe("client connections exceeded (max_db_client_connections)");
});

test("an unknown database is refused after the login", async () => {
  const pooler = await stage.pooler();
  const error = await failure(stage.client(pooler, { database: "nowhere" }));
  expect([error.message, error.code]).toEqual(["no such database: nowhere", "08P01"]);
});

test("the entry * serves databases without an entry", async () => {
  const { host, port } = stage.database;
  const pooler = await stage.pooler({}, `* = host=${host} port=${port}`);
  const client = await stage.client(pooler, { database: "template1" });
  const [row] = (await client.query("select current_database() as name")).rows;
  expect(row.name).toBe("template1");
});

test("idle_transaction_timeout and query_timeout close server and client", async () => {
  const pooler = await stage.pooler({ idle_transaction_timeout: 0.2 });
  const idle = await stage.client(pooler);
  const ended = new Promise<Error>((resolve) => idle.once("error", resolve));
  await idle.query("begin");
  expect((await ended).message).toBe("idle transaction timeout");
  const slow = await stage.client(pooler);
  await (await stage.console(pooler)).ask("set query_timeout = '0.5'");
  expect((await failure(slow.query("select pg_sleep(30)"))).message).toBe("query timeout");
});

test("client_login_timeout closes who does not log in", async () => {
  const raw = new Raw(await stage.pooler({ client_login_timeout: 0.2 }));
  await raw.end();
  expect(raw.complaint).toBe("SFATAL C08P01 Mclient_login_timeout");
});

test("a server that cannot be reached: a client waits, and the log says why", async () => {
  const pooler = await stage.pooler({}, "down = host=127.0.0.1 port=1");
  const first = new Raw(pooler);
  first.send(
    startupMessage([
      ["user", "alice"],
      ["database", "down"],
    ]),
  );
  await until(async () => (await stage.log()).includes("closing because: connect failed"));
  expect(first.messages).toEqual([]);
  await (await stage.console(pooler)).ask("set query_wait_timeout = '0.5'");
  await first.end();
  expect(first.complaint).toBe("SFATAL C08P01 Mquery_wait_timeout");
});

test("a server that refuses the login: waiting clients get its own words and SQLSTATE", async () => {
  const { host, port } = stage.database;
  const pooler = await stage.pooler({}, `gone = host=${host} port=${port} dbname=missing`);
  const error = await failure(stage.client(pooler, { database: "gone" }));
  expect(error.code).toBe("3D000");
  expect(error.message).toBe('database "missing" does not exist');
});

test("reserve_pool: one more server once the oldest has waited for its timeout", async () => {
  const { pooler, console } = await busyPooler({ reserve_pool_size: 1, reserve_pool_timeout: 0.3 });
  const client = await stage.client(pooler);
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await stage.log()).toContain("taking connection from reserve_pool");
  expect((await console.ask("show servers")).length).toBe(2);
});

/** Reads as much as it is asked to; node-postgres would read everything. */
async function flood(pooler: Pooler): Promise<Raw> {
  const raw = await Raw.login(pooler, stage.database.user);
  raw.socket.pause();
  raw.send(query("select repeat('x', 100000) from generate_series(1, 3000)"));
  return raw;
}

test("a client that does not read stops its server, and memory stays where it is", async () => {
  const pooler = await stage.pooler();
  const before = process.memoryUsage();
  const slow = await flood(pooler);
  await sleep(1_000);
  const grown = process.memoryUsage().external - before.external;
  expect(grown).toBeLessThan(20_000_000); // The answer has 300 MB.
  const other: pg.Client = await stage.client(pooler);
  expect((await other.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  slow.socket.resume();
  await slow.until("Z");
  expect(slow.count("D")).toBe(3_000);
  slow.socket.destroy();
});

test("a server that does not read stops its client, and memory stays where it is", async () => {
  const { pooler, holder, console } = await busyPooler();
  const raw = await Raw.login(pooler, stage.database.user);
  const megabyte = query(`select length('${"x".repeat(1_000_000)}')`);
  const before = process.memoryUsage().external;
  for (let sent = 0; sent < 30; sent++) raw.send(megabyte);
  await waiting(console, 1);
  await sleep(300);
  const kept = process.memoryUsage().external - before - raw.socket.writableLength;
  expect(kept).toBeLessThan(20_000_000);
  await holder.query("commit");
  await raw.until("Z", 30);
  expect(raw.count("D")).toBe(30);
  raw.socket.destroy();
});

test("the console counts its clients too, but for admins; SHOW USERS shows them", async () => {
  const pooler = await stage.pooler({ stats_users: "alice", max_user_client_connections: 2 });
  const watch = { user: "alice", database: "pgbouncer" };
  await stage.client(pooler, watch);
  await stage.client(pooler, { user: "alice" });
  expect((await failure(stage.client(pooler, watch))).message).toBe(
    "client connections exceeded (max_user_client_connections)",
  );
  const consoles = [await stage.console(pooler), await stage.console(pooler)];
  const users = await (await stage.console(pooler)).ask("show users");
  expect(users.find(({ name }) => name === "admin")?.current_client_connections).toBe(3);
  expect(users.find(({ name }) => name === "alice")?.current_client_connections).toBe(2);
  await consoles[0]?.ask("set max_db_client_connections = 1");
  expect((await failure(stage.client(pooler, { ...watch, user: "alice" }))).message).toBe(
    "client connections exceeded (max_db_client_connections)",
  );
});

test("a database that the * entry makes is said to be new, once", async () => {
  const { host, port } = stage.database;
  const pooler = await stage.pooler({}, `* = host=${host} port=${port} dbname=postgres`);
  for (const _ of [1, 2]) await (await stage.client(pooler, { database: "by_star" })).end();
  const said = (await stage.log()).match(/registered new auto-database: by_star/g);
  expect(said).toHaveLength(1);
});

test("KILL_CLIENT ends a session on the console as well, also its own, and the pooler goes on", async () => {
  const pooler = await stage.pooler();
  const [console, other] = [await stage.console(pooler), await stage.client(pooler)];
  const { client: one } = await stage.console(pooler);
  const ended = new Promise<Error>((resolve) => one.once("error", resolve));
  const ids = (await console.ask("show clients"))
    .filter(({ database }) => database === "pgbouncer")
    .map(({ id }) => id);
  await console.ask(`kill_client ${Math.max(...ids.map(Number))}`);
  expect((await ended).message).toBe("admin forced disconnect");
  const own = console.ask(`kill_client ${Math.min(...ids.map(Number))}`);
  expect((await failure(own)).message).toBe("admin forced disconnect");
  expect((await other.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});
