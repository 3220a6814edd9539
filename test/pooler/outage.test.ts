/** The database fails in the middle: what was answered stays answered, one clear error, recovery. */
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandComplete, query, readyForQuery, startupMessage } from "../../engine/wire/writer.ts";
import { Gate, hangingPort, pretend, WELCOME } from "./faulty.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const start = (database: string): Buffer =>
  startupMessage([
    ["user", "alice"],
    ["database", database],
  ]);

/** An error in the middle of which clients are told so once and their connection ends. */
async function lastWords(raw: Raw): Promise<string> {
  await raw.end();
  expect(raw.count("E")).toBe(1);
  return raw.complaint;
}

test("the database goes and comes back: who was served is told so once, the others are served again", async () => {
  const gate = new Gate(stage.database);
  await gate.open();
  const entry = `far = host=127.0.0.1 port=${gate.port} dbname=postgres`;
  const pooler = await stage.pooler({ server_login_retry: 0.2 }, entry);
  const console = await stage.console(pooler);
  const login = () => Raw.login(pooler, "alice", "far");
  const [inside, asking, idle] = [await login(), await login(), await login()];
  inside.send(query("begin"));
  asking.send(query("select pg_sleep(30)"));
  await inside.until("Z");
  await until(async () => Number((await console.pool("far")).sv_active) === 2);
  await gate.shut();
  const words = "SFATAL C08P01 Mserver conn crashed?";
  expect(await Promise.all([lastWords(inside), lastWords(asking)])).toEqual([words, words]);
  idle.send(query("select 'back'"));
  await until(async () => Number((await console.pool("far")).cl_waiting) === 1);
  expect(idle.types).toBe("");
  await gate.open();
  await idle.until("Z");
  expect(idle.types).toBe("TDCZ");
  const next = await stage.client(pooler, { user: "alice", database: "far" });
  expect((await next.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(await console.pool("far")).toMatchObject({ cl_active: 2, cl_waiting: 0, sv_active: 0 });
  idle.socket.destroy();
  await next.end();
  await gate.shut();
});

test("after a refused login the next query gets the server's last words, until one succeeds", async () => {
  const direct = await stage.direct();
  await direct.query("create database comes_and_goes");
  const { host, port } = stage.database;
  const entry = `vague = host=${host} port=${port} dbname=comes_and_goes`;
  const pooler = await stage.pooler({ server_login_retry: 0.2 }, entry);
  const login = () => Raw.login(pooler, "alice", "vague");
  const [first, second] = [await login(), await login()];
  const console = await stage.console(pooler);
  await console.ask("reconnect");
  await until(async () => (await console.ask("show servers")).length === 0);
  await direct.query("drop database comes_and_goes");
  const missing = 'database "comes_and_goes" does not exist';
  first.send(query("select 1"));
  expect(await lastWords(first)).toBe(`SFATAL C3D000 M${missing}`);
  second.send(query("select 1"));
  expect(await lastWords(second)).toContain("server login has been failing, cached error: ");
  await direct.query("create database comes_and_goes");
  let client: pg.Client | undefined;
  await until(async () => {
    client = await stage
      .client(pooler, { user: "alice", database: "vague" })
      .catch(() => undefined);
    return client !== undefined;
  });
  expect((await client?.query("select 1 as one"))?.rows).toEqual([{ one: 1 }]);
});

test("an answer that the server gave with its last breath reaches the client", async () => {
  const answer = Buffer.concat([commandComplete("COMMIT"), readyForQuery()]);
  const server = await pretend((socket, turn) => {
    if (turn === 0) socket.write(WELCOME);
    else socket.end(answer);
  });
  const entry = `dying = host=127.0.0.1 port=${server.port}`;
  const pooler = await stage.pooler(
    { server_login_retry: 0, server_tls_sslmode: "disable" },
    entry,
  );
  const raw = new Raw(pooler);
  raw.send(start("dying"));
  await raw.until("Z");
  for (let round = 2; round < 12; round++) {
    raw.send(query("commit"));
    await raw.until("Z", round);
  }
  expect(raw.types.slice(raw.types.indexOf("Z"))).toBe(`Z${"CZ".repeat(10)}`);
  raw.socket.destroy();
  server.close();
});

test("a commit that was answered has happened, once, whatever is killed meanwhile", async () => {
  const direct = await stage.direct();
  await direct.query("create table kept (id text); grant all on kept to public");
  const pooler = await stage.pooler({ default_pool_size: 4, server_login_retry: 0 });
  let over = false;
  const answered: string[] = [];
  const insert = async (name: string): Promise<void> => {
    for (let step = 0; !over; step++) {
      const client = await stage.client(pooler, { user: "alice" }).catch(() => undefined);
      try {
        for (; !over && client !== undefined; step++) {
          await client.query("begin");
          await client.query("insert into kept values ($1)", [`${name}-${step}`]);
          await client.query("commit");
          answered.push(`${name}-${step}`);
        }
      } catch {
        await sleep(1);
      }
      await client?.end().catch(() => undefined);
    }
  };
  const writers = Array.from({ length: 12 }, (_, index) => insert(`w${index}`));
  for (let round = 0; round < 25; round++) {
    await sleep(40);
    await until(async () => answered.length > 2 * round);
    await direct.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'alice' order by random() limit 2",
    );
  }
  over = true;
  await Promise.all(writers);
  const rows = (await direct.query("select id from kept")).rows.map(({ id }) => id as string);
  const there = new Set(rows);
  expect(rows.length).toBe(there.size);
  expect(answered.filter((id) => !there.has(id))).toEqual([]);
});

test("whatever a server answers, the pooler stays up and serves others", async () => {
  let garbage = Buffer.alloc(0);
  let when = 0;
  const server = await pretend((socket, turn) => {
    if (turn === 0 && when > 0) socket.write(WELCOME);
    else if (turn >= when) socket.end(garbage);
  });
  const entry = `mad = host=127.0.0.1 port=${server.port}`;
  // No question for TLS before: the first bytes are the startup packet.
  const plain = { server_tls_sslmode: "disable" };
  const pooler = await stage.pooler({ server_login_retry: 0, ...plain }, entry);
  const good = await stage.client(pooler);
  await good.query("select 1"); // It has its server.
  await (await stage.console(pooler)).ask("set query_wait_timeout = 1");
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // A type that means something, a length that fits, and any body.
    fc
      .tuple(fc.constantFrom(..."RSKZEN1DTCGHWd3Av"), fc.uint8Array({ maxLength: 40 }))
      .map(([type, body]) => Buffer.from([type.charCodeAt(0), 0, 0, 0, body.length + 4, ...body])),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(0, 1), async (answer, turn) => {
      garbage = Buffer.from(answer);
      when = turn;
      const raw = new Raw(pooler);
      raw.send(start("mad"), query("select 1"));
      await Promise.race([raw.end(), sleep(30)]);
      raw.socket.destroy();
      expect((await good.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    }),
    { numRuns: 100 },
  );
  expect((await failure(good.query("select 1/0"))).code).toBe("22012");
  server.close();
});

test("server_connect_timeout: a socket that hangs has failed to connect, a login that hangs is a timeout", async () => {
  const hanging = await hangingPort();
  const mute = await pretend(() => {});
  const entry = (name: string, port: number): string => `${name} = host=127.0.0.1 port=${port}`;
  const places = [entry("socket", hanging.port), entry("login", mute.port)].join("\n");
  const patience = { server_connect_timeout: 0.5, query_wait_timeout: 1.5 };
  const pooler = await stage.pooler({ ...patience, server_tls_sslmode: "disable" }, places);
  for (const [database, why] of [
    ["socket", "connect failed"],
    ["login", "connect timeout"],
  ] as const) {
    const { message } = await failure(stage.client(pooler, { database }));
    expect(message).toBe("query_wait_timeout");
    const said = new RegExp(`: ${database}/\\S+ closing because: ${why} \\(age=`);
    await until(async () => said.test(await stage.log()));
  }
  hanging.close();
  mute.close();
});
