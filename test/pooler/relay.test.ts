/** The relay against a real PostgreSQL, in the three pool modes. */
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { native } from "../../engine/pooler/sockets/native.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import {
  cancelRequest,
  extendedQuery,
  message,
  query,
  startupMessage,
  terminate,
} from "../../engine/wire/writer.ts";
import { pretend, WELCOME } from "./faulty.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

for (const pool_mode of ["session", "transaction", "statement"]) {
  test(`${pool_mode}: simple, extended, prepared queries and an error on one connection`, async () => {
    const client = await stage.client(await stage.pooler({ pool_mode }));
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    expect((await client.query("select $1::int + 1 as two", [1])).rows).toEqual([{ two: 2 }]);
    expect((await failure(client.query("select 1/0"))).code).toBe("22012");
    for (const value of ["x", "y"]) {
      const prepared = { name: "a", text: "select $1::text as t", values: [value] };
      expect((await client.query(prepared)).rows).toEqual([{ t: value }]);
    }
  });
}

test("transaction: a server returns to the pool at COMMIT, not before", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  await one.query("begin");
  const console = await stage.console(pooler);
  const other = two.query("select 2 as two");
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await one.query("select 1");
  expect(Number((await console.pool("app")).cl_waiting)).toBe(1);
  await one.query("commit");
  expect((await other).rows).toEqual([{ two: 2 }]);
});

test("transaction: an error inside a transaction keeps the server until ROLLBACK", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  await one.query("begin");
  await failure(one.query("select 1/0"));
  expect((await failure(one.query("select 1"))).code).toBe("25P02");
  const other = two.query("select 2 as two");
  await one.query("rollback");
  expect((await other).rows).toEqual([{ two: 2 }]);
});

test("session: a client keeps its server until it leaves, and the next one finds it reset", async () => {
  const pooler = await stage.pooler({ pool_mode: "session", default_pool_size: 1 });
  const one = await stage.client(pooler);
  await one.query("set work_mem = '77MB'");
  const pid = (await one.query("select pg_backend_pid() as pid")).rows[0].pid;
  const two = await stage.client(pooler);
  const waiting = two.query("select pg_backend_pid() as pid, current_setting('work_mem') as mem");
  await sleep(50);
  await one.end();
  const [row] = (await waiting).rows;
  expect(row.pid).toBe(pid);
  expect(row.mem).not.toBe("77MB");
});

test("statement: a transaction block ends the connection with PgBouncer's text", async () => {
  const raw = await Raw.login(await stage.pooler({ pool_mode: "statement" }), "alice");
  raw.send(query("begin"));
  await raw.end();
  expect(raw.types).toBe("E"); // What came with it, its CommandComplete, is not passed on.
  const text = "transaction blocks not allowed in statement pooling mode";
  expect(raw.complaint).toBe(`SFATAL C08P01 M${text}`);
});

test("a pipeline of queries in one packet is answered in order", async () => {
  const pooler = await stage.pooler({ default_pool_size: 2 });
  const raw = await Raw.login(pooler, "alice");
  const numbers = Array.from({ length: 50 }, (_, index) => String(index));
  raw.send(...numbers.map((number) => extendedQuery("select $1::text", [number])));
  await raw.until("Z", 50);
  const rows = raw.messages.filter(({ type }) => type === "D");
  expect(rows.map(({ body }) => body.toString("utf8", 6))).toEqual(numbers);
  raw.send(terminate());
  await raw.end();
});

test("messages that arrive byte by byte are forwarded", async () => {
  const raw = await Raw.login(await stage.pooler(), "alice");
  for (const byte of Buffer.concat([
    query("select 'slow'"),
    extendedQuery("select $1::text", ["x"]),
  ])) {
    raw.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await raw.until("Z", 2);
  const rows = raw.messages.filter(({ type }) => type === "D");
  expect(rows.map(({ body }) => body.toString("utf8", 6))).toEqual(["slow", "x"]);
  raw.socket.destroy();
});

test("COPY in and out, and a COPY that fails on either side, leave the connection in order", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const raw = await Raw.login(pooler, "alice");
  const direct = await stage.direct();
  await direct.query("create table copied (n int primary key); grant all on copied to public");
  const data = (text: string) => message(FRONTEND.copyData, Buffer.from(text));
  const done = message(FRONTEND.copyDone);
  raw.send(query("copy copied from stdin"), data("1\n2\n"), data("3\n"), done);
  await raw.until("Z", 1);
  expect(raw.types).toBe("GCZ");
  raw.send(query("copy copied to stdout"));
  await raw.until("Z", 2);
  expect(raw.types).toBe("GCZHdddcCZ");
  raw.send(query("copy copied from stdin"), data("3\n"), done);
  await raw.until("Z", 3);
  expect(raw.complaint).toContain("C23505");
  raw.send(query("copy copied from stdin"), message(FRONTEND.copyFail, Buffer.from("no\0")));
  await raw.until("Z", 4);
  expect(raw.complaint).toContain("C57014");
  raw.send(query("select count(*) from copied"));
  await raw.until("Z", 5);
  expect(raw.messages.at(-3)?.body.toString("utf8", 6)).toBe("3");
  raw.socket.destroy();
});

test("a cancel request reaches the query of the client whose key it shows", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const [raw, other] = [new Raw(pooler), await stage.client(pooler)];
  raw.send(
    startupMessage([
      ["user", "alice"],
      ["database", "app"],
    ]),
  );
  await raw.until("Z");
  const key = raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
  raw.send(query("select pg_sleep(30)"));
  const console = await stage.console(pooler);
  await stage.busyWith("select pg_sleep(30)", 1);
  const canceller = new Raw(pooler);
  canceller.send(cancelRequest(key));
  await canceller.end(); // The pooler hangs up when the server has got the request.
  await raw.until("Z", 2);
  expect(raw.complaint).toContain("C57014");
  expect((await other.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await console.pool("app")).toMatchObject({ sv_being_canceled: 0, sv_active_cancel: 0 });
});

// Node's streams end both halves together, whatever we do.
const whole = native === undefined;
test.skipIf(whole)(
  "who cancels is hung up on when that is dealt with, not as he ends his half",
  async () => {
    const seen: Socket[] = [];
    let asked = false;
    const server = await pretend((socket, turn) => {
      if (turn === 0) seen.push(socket);
      if (socket === seen[0]) {
        if (turn === 0) socket.write(WELCOME);
        else asked = true;
      }
    });
    const entry = `slow = host=127.0.0.1 port=${server.port}`;
    const pooler = await stage.pooler({ server_tls_sslmode: "disable" }, entry);
    const raw = new Raw(pooler);
    raw.send(
      startupMessage([
        ["user", "alice"],
        ["database", "slow"],
      ]),
    );
    await raw.until("Z");
    const key = raw.messages.find(({ type }) => type === "K")?.body ?? Buffer.alloc(8);
    raw.send(query("select"));
    await until(() => asked);
    const canceller = new Raw(pooler);
    canceller.socket.end(cancelRequest(key));
    await until(() => seen.length === 2);
    await (await stage.client(pooler)).query("select 1"); // The pooler has had turns enough.
    expect(canceller.closed).toBe(false);
    seen[1]?.end();
    await canceller.end();
    raw.socket.destroy();
    server.close();
  },
);

test("a cancel request with a key that nobody has does nothing", async () => {
  const pooler = await stage.pooler();
  const canceller = new Raw(pooler);
  canceller.send(cancelRequest(Buffer.from("deadbeef")));
  await canceller.end();
  expect(canceller.messages).toEqual([]);
});

test("a client that vanishes inside a transaction takes its server with it", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const console = await stage.console(pooler);
  const raw = await Raw.login(pooler, "alice");
  raw.send(query("begin"));
  await raw.until("Z");
  raw.socket.destroy();
  const client = await stage.client(pooler, { user: "alice" });
  expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  const log = await stage.log();
  expect(log).toContain("closing because: client disconnect while server was not ready");
  expect((await console.ask("show servers")).length).toBe(1);
});

test("a server that dies takes its client with it, and only that", async () => {
  const pooler = await stage.pooler({ default_pool_size: 2 });
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  const running = failure(one.query("select pg_sleep(30), 'victim'"));
  await two.query("begin");
  const direct = await stage.direct();
  await until(async () => {
    const kill =
      "select pg_terminate_backend(pid) from pg_stat_activity where query like '%victim%' and pid <> pg_backend_pid()";
    return (await direct.query(kill)).rowCount === 1;
  });
  expect((await running).code).toBe("57P01");
  expect((await two.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
});

test("parameters of a client follow it from server to server", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const one = await stage.client(pooler, { application_name: "first" });
  const two = await stage.client(pooler, { application_name: "second" });
  await one.query("set timezone = 'Europe/Berlin'");
  await two.query("set datestyle = 'German'");
  const ask =
    "select current_setting('application_name') as name, current_setting('timezone') as zone, current_setting('datestyle') as style";
  for (let round = 0; round < 3; round++) {
    expect((await one.query(ask)).rows[0]).toMatchObject({ name: "first", zone: "Europe/Berlin" });
    expect((await two.query(ask)).rows[0]).toMatchObject({ name: "second", style: "German, DMY" });
  }
  expect((await one.query(ask)).rows[0].style).toBe("ISO, MDY");
});

test("what a client has sent is run though it leaves while its server takes its parameters", async () => {
  const raw = new Raw(await stage.pooler());
  const { user } = stage.database;
  raw.send(startupMessage(Object.entries({ user, database: "app", application_name: "brief" })));
  await raw.until("Z");
  raw.send(query("create table left_behind ()"), terminate());
  raw.socket.end();
  const direct = await stage.direct();
  const sql = "select to_regclass('left_behind') is not null as there";
  await until(async () => (await direct.query(sql)).rows[0].there);
});

test("a new pool_mode reaches clients that are connected: their servers are given back", async () => {
  const pooler = await stage.pooler({ pool_mode: "session", default_pool_size: 1 });
  const [one, two] = [await stage.client(pooler), await stage.client(pooler)];
  await one.query("select 1");
  const waiting = two.query("select 2 as two");
  const console = await stage.console(pooler);
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await console.ask("set pool_mode = transaction");
  await one.query("select 1");
  expect((await waiting).rows).toEqual([{ two: 2 }]);
});

test("a new max_prepared_statements reaches clients that are connected", async () => {
  const pooler = await stage.pooler({ max_prepared_statements: 0, default_pool_size: 1 });
  const client = await stage.client(pooler, { application_name: "it" });
  const console = await stage.console(pooler);
  const prepared = async (): Promise<unknown> => {
    const clients = await console.ask("show clients");
    return clients.find(({ application_name }) => application_name === "it")?.prepared_statements;
  };
  await client.query({ name: "untracked", text: "select 1" });
  expect(await prepared()).toBe(0);
  await console.ask("set max_prepared_statements = 10");
  await client.query({ name: "tracked", text: "select 2" });
  expect(await prepared()).toBe(1);
  await console.ask("set max_prepared_statements = 0");
  await client.query({ name: "again", text: "select 3" });
  expect(await prepared()).toBe(1); // What is known stays known.
});

test("who asks for more than it reads is not read any further", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const raw = await Raw.login(pooler, "alice", "app", true);
  const close = message(FRONTEND.close, Buffer.from("Sa\0"));
  const asked = 100_000;
  const pending = async (): Promise<number> => {
    const rows = await console.ask("show sockets");
    return Number(rows.find(({ user }) => user === "alice")?.send_avail);
  };
  raw.socket.pause();
  raw.send(Buffer.alloc(asked * close.length, close));
  let [most, before] = [0, -1];
  while (most === 0 || most !== before) {
    await sleep(300);
    [most, before] = [await pending(), most];
  }
  // Its answers are 500 000 bytes.
  expect(most).toBeLessThan(400_000);
  raw.socket.resume();
  await raw.until("3", asked);
  raw.socket.destroy();
});
