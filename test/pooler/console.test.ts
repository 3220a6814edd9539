/** The admin console: tables with PgBouncer's columns and types, commands with its texts. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../engine/config/index.ts";
import { startPooler } from "../../engine/pooler/main.ts";
import { cancelRequest, extendedQuery, query, startupMessage } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

test("SHOW POOLS, CLIENTS, SERVERS and STATS follow what clients do", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const console = await stage.console(pooler);
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  await one.query("begin");
  const waits = two.query("select 1");
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  expect(await console.pool("app")).toMatchObject({
    cl_active: 1,
    sv_active: 1,
    sv_idle: 0,
    pool_mode: "transaction",
  });
  const clients = await console.ask("show clients");
  expect(clients.map(({ database, state }) => `${database} ${state}`).sort()).toEqual([
    "app active",
    "app waiting",
    "pgbouncer idle",
  ]);
  const [server] = await console.ask("show servers");
  expect(server).toMatchObject({ type: "S", state: "active", addr: "unix", replication: "none" });
  expect(server?.link).toBe(clients.find(({ state }) => state === "active")?.ptr);
  await one.query("commit");
  await waits;
  expect(await console.pool("app")).toMatchObject({
    cl_active: 2,
    cl_waiting: 0,
    sv_active: 0,
    sv_idle: 1,
  });
  const stats = (await console.ask("show stats")).find(({ database }) => database === "app");
  expect(stats).toMatchObject({
    total_query_count: "3",
    total_xact_count: "2",
    total_server_assignment_count: "2",
  });
  expect(Number(stats?.total_wait_time)).toBeGreaterThan(0);
  expect(Number(stats?.total_received)).toBeGreaterThan(0);
  expect(Number(stats?.total_sent)).toBeGreaterThan(0);
});

test("PAUSE waits for the end of transactions, closes idle servers, and RESUME goes on", async () => {
  const pooler = await stage.pooler();
  const [console, other] = [await stage.console(pooler), await stage.console(pooler)];
  const [busy, idle] = [await stage.client(pooler), await stage.client(pooler)];
  await busy.query("begin");
  let paused = false;
  const pause = console.ask("pause").then(() => {
    paused = true;
  });
  await until(async () => (await other.ask("show state"))[1]?.value === "yes");
  const held = idle.query("select 2 as two");
  await sleep(50);
  expect(paused).toBe(false);
  await busy.query("commit");
  await pause;
  expect(await other.ask("show servers")).toEqual([]);
  expect((await failure(other.ask("pause"))).message).toBe("already suspended/paused");
  expect((await failure(other.ask("kill"))).message).toBe("already suspended/paused");
  await other.ask("resume");
  expect((await held).rows).toEqual([{ two: 2 }]);
  expect((await failure(other.ask("resume"))).message).toBe("pooler is not paused/suspended");
});

test("PAUSE and RESUME of one database leave the others alone", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  await stage.client(pooler, { user: "alice" }); // Its pool has met a server, so a login needs none.
  await console.ask("pause app");
  const [held, free] = [new Raw(pooler), await stage.client(pooler, { database: "postgres" })];
  held.send(
    startupMessage([
      ["user", "alice"],
      ["database", "app"],
    ]),
    query("select 1"),
  );
  expect((await free.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  const databases = await console.ask("show databases");
  expect(databases.find(({ name }) => name === "app")).toMatchObject({ paused: 1 });
  await held.until("Z");
  expect(held.types).not.toContain("D");
  await console.ask("resume app");
  await held.until("Z", 2);
  expect((await failure(console.ask("resume app"))).message).toBe("database app is not paused");
  expect((await failure(console.ask("pause nowhere"))).message).toBe("no such database: nowhere");
  held.socket.destroy();
});

test("Ctrl-C on a waiting PAUSE lifts it", async () => {
  const pooler = await stage.pooler();
  const busy = await stage.client(pooler);
  await busy.query("begin");
  const admin = new Raw(pooler);
  admin.send(
    startupMessage([
      ["user", "admin"],
      ["database", "pgbouncer"],
    ]),
  );
  await admin.until("Z");
  const key = admin.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
  admin.send(query("pause"));
  const console = await stage.console(pooler);
  await until(async () => (await console.ask("show state"))[1]?.value === "yes");
  const canceller = new Raw(pooler);
  canceller.send(cancelRequest(key));
  await canceller.end();
  await admin.until("Z", 2);
  expect(admin.complaint).toContain("C57014");
  expect((await console.ask("show state"))[0]?.value).toBe("yes");
  admin.socket.destroy();
});

test("RECONNECT and WAIT_CLOSE: old servers go, new ones come", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const client = await stage.client(pooler);
  const ask = "select pg_backend_pid() as pid";
  await client.query("begin");
  const before = (await client.query(ask)).rows[0].pid;
  await console.ask("reconnect app");
  let closed = false;
  const other = await stage.console(pooler);
  const wait = other.ask("wait_close app").then(() => {
    closed = true;
  });
  await sleep(50);
  expect(closed).toBe(false);
  expect((await client.query(ask)).rows[0].pid).toBe(before);
  await client.query("commit");
  await wait;
  expect((await client.query(ask)).rows[0].pid).not.toBe(before);
});

test("KILL closes all of a database, which stays paused; KILL_CLIENT closes one", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  const clients = await console.ask("show clients");
  const id = clients.find(({ database }) => database === "app")?.id;
  const ended = new Promise<Error>((resolve) => one.once("error", resolve));
  await console.ask(`kill_client ${id}`);
  expect((await ended).message).toBe("admin forced disconnect");
  expect((await failure(console.ask("kill_client 999999"))).message).toBe("client not found");
  expect((await failure(console.ask("kill_client x"))).message).toBe(
    "invalid client pointer supplied",
  );
  const killed = new Promise<Error>((resolve) => two.once("error", resolve));
  await console.ask("kill app");
  expect((await killed).message).toBe("database removed");
  expect(await console.pool("app")).toEqual({}); // The pool is forgotten.
  await console.ask("resume app");
  expect((await (await stage.client(pooler)).query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("KILL_CLIENT in session mode: its server is reset and goes to the next client", async () => {
  const pooler = await stage.pooler({ pool_mode: "session", default_pool_size: 1 });
  const console = await stage.console(pooler);
  const one = await stage.client(pooler);
  const ask = "select pg_backend_pid() as pid, current_setting('statement_timeout') as setting";
  await one.query("set statement_timeout = 54321");
  const before = (await one.query(ask)).rows[0];
  const two = await stage.client(pooler);
  const after = two.query(ask);
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  const clients = await console.ask("show clients");
  await console.ask(`kill_client ${clients.find(({ state }) => state === "active")?.id}`);
  expect((await after).rows[0]).toMatchObject({ pid: before.pid });
  expect([before.setting, (await after).rows[0].setting]).toEqual(["54321ms", "0"]);
});

test("PAUSE of an entry ends when RELOAD takes the entry away", async () => {
  const path = stage.ini();
  const pooler = await startPooler({ config: path, quiet: true });
  const [console, other] = [await stage.console(pooler), await stage.console(pooler)];
  const busy = await stage.client(pooler, { database: "alone" });
  const lost = new Promise<Error>((resolve) => busy.once("error", resolve));
  await busy.query("begin");
  const pause = console.ask("pause alone");
  const paused = async () =>
    (await other.ask("show databases")).find(({ name }) => name === "alone")?.paused;
  await until(async () => Number(await paused()) === 1);
  writeFileSync(path, readFileSync(path, "utf8").replace(/^alone.*$/m, ""));
  await other.ask("reload");
  expect((await lost).message).toBe("database removed");
  await pause;
  expect((await failure(console.ask("pause alone"))).message).toBe("no such database: alone");
  expect(await paused()).toBeUndefined();
  await pooler.close();
});

test("DISABLE refuses new clients, ENABLE lets them in again", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  await console.ask("disable app");
  expect((await failure(stage.client(pooler))).message).toBe('database "app" is disabled');
  await console.ask("enable app");
  await stage.client(pooler);
  expect((await failure(console.ask("disable"))).message).toBe("a database is required");
});

test("SET changes a setting at once, and refuses what it cannot", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const { command } = await console.client.query("set default_pool_size = 7");
  expect(command).toBe("SET");
  const rows = await console.ask("show config");
  expect(rows.find(({ key }) => key === "default_pool_size")?.value).toBe("7");
  expect((await failure(console.ask("set default_pool_size = 'many'"))).message).toBe("SET failed");
  expect((await failure(console.ask("set nonsense = 1"))).message).toBe("SET failed");
  expect((await console.client.query("set client_encoding = 'UTF8'")).command).toBe("SET");
  expect(await console.ask("show timezone")).toEqual([{ timezone: "GMT" }]);
});

test("SET of what takes a restart answers as PgBouncer does, changes nothing, and says so", async () => {
  const pooler = await stage.pooler();
  const raw = await Raw.login(pooler, "admin", "pgbouncer");
  raw.send(query("set listen_backlog = nonsense"));
  await raw.until("Z");
  expect(raw.types).toBe("NCZ");
  expect(raw.complaint).toContain("listen_backlog stays as it is");
  const rows = await (await stage.console(pooler)).ask("show config");
  expect(rows.find(({ key }) => key === "listen_backlog")?.value).toBe("128");
  raw.socket.destroy();
});

test("RESUME of the console is refused in other words than the rest", async () => {
  const console = await stage.console(await stage.pooler());
  const told = async (command: string): Promise<string> =>
    (await failure(console.ask(`${command} pgbouncer`))).message;
  expect(await told("resume")).toBe("database pgbouncer is not paused");
  expect(await told("pause")).toBe("cannot pause admin db: pgbouncer");
});

test("what cannot be done is refused by SET and RELOAD too, what has no effect is said", async () => {
  const path = stage.ini();
  const pooler = await startPooler({ config: path, quiet: true });
  const raw = await Raw.login(pooler, "admin", "pgbouncer");
  raw.send(query("set auth_type = pam"), query("set sbuf_loopcnt = 7"));
  await raw.until("Z", 2);
  expect(raw.types.slice(-5)).toBe("EZNCZ");
  expect(raw.complaint).toContain("sbuf_loopcnt has no effect");
  appendFileSync(path, "auth_type = pam\n");
  raw.send(query("reload"));
  await raw.until("Z", 3);
  expect(raw.types.slice(-2)).toBe("EZ");
  expect(await stage.log()).toContain('auth_type is "pam"; expected any |');
  raw.socket.destroy();
  await pooler.close();
});

test("a session of the console counts as one query, whatever it asks, as PgBouncer's does", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const other = await stage.console(pooler);
  await console.ask("show version");
  const own = (await console.ask("show stats_totals")).find((row) => row.database === "pgbouncer");
  expect(own).toMatchObject({ client_login_count: "2", query_count: "1", xact_count: "1" });
  await other.ask("show version");
  const totals = await console.ask("show totals");
  expect(totals.find(({ name }) => name === "total_query_count")?.value).toBe("2");
});

test("RELOAD reads the file again; one that is not in order changes nothing", async () => {
  const path = stage.ini({ default_pool_size: 3 });
  const pooler = await startPooler({ config: path, quiet: true });
  const console = await stage.console(pooler);
  const size = async (): Promise<string | undefined> =>
    (await console.ask("show config")).find(({ key }) => key === "default_pool_size")?.value;
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace("default_pool_size = 3", "default_pool_size = 4"),
  );
  await console.ask("reload");
  expect(await size()).toBe("4");
  appendFileSync(path, "nonsense = 1\n");
  const error = await failure(console.ask("reload"));
  expect([error.code, error.message]).toEqual([
    "F0000",
    "RELOAD failed, see logs for additional details",
  ]);
  expect(await size()).toBe("4");
  expect(await stage.log()).toContain("nonsense is unknown");
  expect(await stage.log()).toContain("WARNING config file loading failed");
  await pooler.close();
});

test("RELOAD with TLS that is not in order fails, and puts the rest in force", async () => {
  const path = stage.ini({ default_pool_size: 3 });
  const pooler = await startPooler({ config: path, quiet: true });
  const console = await stage.console(pooler);
  const tls =
    "client_tls_sslmode = require\nclient_tls_key_file = /no\nclient_tls_cert_file = /no\n";
  appendFileSync(path, `default_pool_size = 4\n${tls}`);
  expect((await failure(console.ask("reload"))).code).toBe("F0000");
  const config = await console.ask("show config");
  expect(config.find(({ key }) => key === "default_pool_size")?.value).toBe("4");
  await stage.client(pooler); // Without TLS, as before.
  await pooler.close();
});

test("RELOAD says which databases it drops", async () => {
  const path = stage.ini();
  const pooler = await startPooler({ config: path, quiet: true });
  const console = await stage.console(pooler);
  writeFileSync(path, readFileSync(path, "utf8").replace(/^alone = .*\n/m, ""));
  const before = (await stage.log()).length;
  await console.ask("reload");
  const said = /WARNING dropping database '(.*)' as it does not exist anymore or inactive/g;
  const names = [...(await stage.log()).slice(before).matchAll(said)].map(([, name]) => name);
  expect(names).toEqual(["alone"]);
  await pooler.close();
});

test("the extended protocol is refused, nonsense is answered, and several commands in one packet work", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const text = "invalid command 'make tea', use SHOW HELP;";
  expect((await failure(console.ask("make tea"))).message).toBe(text);
  const raw = await Raw.login(pooler, "admin", "pgbouncer");
  raw.send(query("show version"), query("show state"), query("select nonsense"));
  await raw.until("Z", 3);
  expect(raw.types).toBe("TDCZTDDDCZEZ");
  raw.send(extendedQuery("show version", []));
  await raw.end();
  expect(
    raw.messages.some(({ body }) =>
      body.includes("extended query protocol not supported by admin console"),
    ),
  ).toBe(true);
});

test("SHOW HELP is a notice with the list of commands", async () => {
  const raw = await Raw.login(await stage.pooler(), "admin", "pgbouncer");
  raw.send(query("show help;"));
  await raw.until("Z");
  expect(raw.types).toBe("NCZ");
  expect(raw.complaint).toContain("SHUTDOWN WAIT_FOR_SERVERS|WAIT_FOR_CLIENTS");
  raw.socket.destroy();
});

test("SHUTDOWN WAIT_FOR_CLIENTS takes no more clients and ends with the last one", async () => {
  const pooler = await startPooler({ config: loadConfig(stage.ini()), quiet: true });
  const [client, console] = [await stage.client(pooler), await stage.console(pooler)];
  let ended = false;
  void pooler.ended.then(() => {
    ended = true;
  });
  await console.ask("shutdown wait_for_clients");
  expect((await failure(stage.client(pooler))).message).toContain("ECONNREFUSED");
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  await console.client.end();
  await sleep(500);
  expect(ended).toBe(false);
  await client.end();
  await pooler.ended;
});

test("SHUTDOWN WAIT_FOR_SERVERS drops the waiters and ends with the last server", async () => {
  const pooler = await startPooler({ config: stage.ini({ default_pool_size: 1 }), quiet: true });
  const [busy, waits] = [await stage.client(pooler), await stage.client(pooler)];
  const console = await stage.console(pooler);
  await busy.query("begin");
  const dropped = failure(waits.query("select 1"));
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await console.ask("shutdown wait_for_servers");
  expect((await dropped).message).toBe("server shutting down");
  await busy.query("commit");
  await pooler.ended;
});

test("SHUTDOWN ends at once", async () => {
  const pooler = await startPooler({ config: stage.ini(), quiet: true });
  const [client, console] = [await stage.client(pooler), await stage.console(pooler)];
  const lost = failure(client.query("select pg_sleep(30)"));
  await failure(console.ask("shutdown"));
  await lost;
  await pooler.ended;
});
