/** Replication connections through the pooler: a walsender of its own for each such client. */
import type pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Pooler } from "../../engine/pooler/main.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import { message, query, startupMessage } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
let direct: pg.Client;
const open: Raw[] = [];
beforeAll(async () => {
  stage = await Stage.open({ wal_level: "logical" });
  direct = await stage.direct();
});
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.destroy();
  await until(async () => (await walsenders()) === 0);
});
afterAll(() => stage.close());

/** Logs in with these startup parameters, as the superuser unless they name another user. */
async function login(pooler: Pooler, more: Record<string, string>): Promise<Raw> {
  const raw = new Raw(pooler);
  open.push(raw);
  const all = { user: stage.database.user, database: "app", ...more };
  raw.send(startupMessage(Object.entries(all)));
  await raw.until("Z");
  return raw;
}

/** The first column of each row that `sql` gives, in the simple protocol. */
async function rows(raw: Raw, sql: string): Promise<string[]> {
  raw.messages.length = 0;
  raw.send(query(sql));
  await raw.until("Z");
  return raw.messages
    .filter(({ type }) => type === "D")
    .map(({ body }) => body.toString("utf8", 6, 6 + body.readInt32BE(2)));
}

const walsenders = async (): Promise<number> => {
  const sql = "select count(*)::int n from pg_stat_activity where backend_type = 'walsender'";
  return (await direct.query<{ n: number }>(sql)).rows[0]?.n ?? -1;
};

for (const [replication, kind] of [
  ["database", "logical"],
  ["yes", "physical"],
] as const) {
  test(`${kind}: its parameters and options reach its own server, which SHOW tells from others`, async () => {
    const pooler = await stage.pooler({ pool_mode: "transaction" });
    const options = "-c enable_seqscan=off";
    const raw = await login(pooler, { replication, application_name: "abc", options });
    expect(await rows(raw, "SHOW application_name")).toEqual(["abc"]);
    expect(await rows(raw, "SHOW enable_seqscan")).toEqual(["off"]);
    expect(await rows(raw, "IDENTIFY_SYSTEM")).toHaveLength(1);
    const console = await stage.console(pooler);
    const shown = [...(await console.ask("show clients")), ...(await console.ask("show servers"))];
    expect(shown.filter((row) => row.replication === kind)).toHaveLength(2);
    raw.socket.destroy();
    await until(async () => (await walsenders()) === 0);
    expect(await console.pool("app")).toMatchObject({ sv_idle: 0, sv_active: 0 });
  });
}

test("what a replication client has set does not become the default of others", async () => {
  const pooler = await stage.pooler();
  const options = "-c datestyle=SQL";
  await login(pooler, { replication: "database", application_name: "abc", options });
  const client = await stage.client(pooler);
  expect((await client.query("show application_name")).rows).toEqual([{ application_name: "" }]);
  expect((await client.query("show datestyle")).rows).toEqual([{ DateStyle: "ISO, MDY" }]);
});

test("a replication client that is the first of its pool is told what it has set", async () => {
  const options = "-c timezone=Asia/Tokyo";
  const raw = await login(await stage.pooler(), { replication: "database", options });
  const told = raw.messages.filter(({ type }) => type === "S").map(({ body }) => body.toString());
  expect(told).toContain("TimeZone\0Asia/Tokyo\0");
});

test("the encodings of a server for physical replication are not those of others", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const encodings = async (more: Record<string, string>): Promise<string[]> => {
    const { messages } = await login(pooler, more);
    const told = messages.filter(({ type }) => type === "S").map(({ body }) => body.toString());
    return told.filter((parameter) => parameter.includes("encoding"));
  };
  await encodings({ replication: "yes" });
  expect(await encodings({})).not.toContain("client_encoding\0SQL_ASCII\0");
  await (await stage.client(pooler)).query("select 1");
  await console.ask("reconnect");
  await encodings({ replication: "yes" });
  expect(await encodings({})).toEqual(["server_encoding\0UTF8\0", "client_encoding\0UTF8\0"]);
});

test("an ordinary client that came in on a replication client's parameters is told the rest with its first server", async () => {
  const pooler = await stage.pooler();
  await login(pooler, { replication: "yes", application_name: "abc" });
  const raw = await login(pooler, {});
  const told = (): string[] =>
    raw.messages.filter(({ type }) => type === "S").map(({ body }) => body.toString());
  expect(told().join()).not.toContain("client_encoding");
  expect(await rows(raw, "show client_encoding")).toEqual(["UTF8"]);
  const parameters = ["client_encoding\0UTF8\0", "server_encoding\0UTF8\0", "application_name\0\0"];
  expect(told()).toEqual(expect.arrayContaining(parameters));
  expect(raw.types).toMatch(/^S+TDCZ$/);
  await rows(raw, "show client_encoding");
  expect(told()).toEqual([]);
});

test("a base backup passes, in several COPYs, and the connection goes on after it", async () => {
  const raw = await login(await stage.pooler(), { replication: "yes" });
  raw.messages.length = 0;
  raw.send(query("BASE_BACKUP (CHECKPOINT 'fast', WAIT false)"));
  await raw.until("Z");
  expect(raw.count("H")).toBeGreaterThan(0);
  expect(raw.count("d")).toBeGreaterThan(100);
  expect(await rows(raw, "SHOW server_version_num")).toHaveLength(1);
});

test("streaming: data both ways, ended by the client, and then the next command", async () => {
  const raw = await login(await stage.pooler(), { replication: "database" });
  const [slot] = await rows(raw, "CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL test_decoding");
  expect(slot).toBe("s");
  raw.messages.length = 0;
  raw.send(query("START_REPLICATION SLOT s LOGICAL 0/0"));
  await raw.until("W");
  await direct.query("create table streamed (i int)");
  await direct.query("insert into streamed values (7)");
  const data = (): string => Buffer.concat(raw.messages.map(({ body }) => body)).toString("latin1");
  await until(() => data().includes("table public.streamed: INSERT: i[integer]:7"));
  raw.send(message(FRONTEND.copyDone, Buffer.alloc(0)));
  await raw.until("Z");
  expect(raw.types).toMatch(/c.*C+Z$/);
  expect(await rows(raw, "IDENTIFY_SYSTEM")).toHaveLength(1);
});

test("each has a server of its own, within pool_size; ordinary clients go on beside them", async () => {
  const pooler = await stage.pooler({ default_pool_size: 2 });
  const client = await stage.client(pooler);
  await client.query("select 1");
  const raw = await login(pooler, { replication: "database" });
  expect(await rows(raw, "select 2")).toEqual(["2"]);
  const second = await login(pooler, { replication: "database" });
  const answer = rows(second, "select 3");
  await until(async () => (await walsenders()) === 2);
  expect(await answer).toEqual(["3"]); // The idle server of the ordinary client has made room.
  const console = await stage.console(pooler);
  const waiting = client.query("select 4 as four");
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  second.socket.destroy();
  expect((await waiting).rows).toEqual([{ four: 4 }]);
});

test("a user who may not: told, and other clients of the pool are not held up", async () => {
  const pooler = await stage.pooler();
  const raw = await login(pooler, { replication: "database", user: "alice" });
  await raw.end();
  expect(raw.complaint).toContain("login failed");
  expect(await stage.log()).toMatch(/S: login failed: FATAL: .*(replication|WAL sender)/);
  const client = await stage.client(pooler, { user: "bob" });
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("RECONNECT ends a stream, which would never be released", async () => {
  const pooler = await stage.pooler();
  const raw = await login(pooler, { replication: "database" });
  await rows(raw, "CREATE_REPLICATION_SLOT s TEMPORARY LOGICAL test_decoding");
  raw.send(query("START_REPLICATION SLOT s LOGICAL 0/0"));
  await raw.until("W");
  await (await stage.console(pooler)).ask("reconnect");
  await raw.end();
  expect(raw.complaint).toContain("database configuration changed");
});

test("over a limit of clients it is refused like any other", async () => {
  const pooler = await stage.pooler({ max_user_client_connections: 1 });
  await login(pooler, { replication: "yes" });
  const { message: text } = await failure(stage.client(pooler));
  expect(text).toContain("max_user_client_connections");
});
