/** SUSPEND: nothing is read, who waits is heard again after RESUME, who blocks it is dropped. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { query, startupMessage } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

const LOGIN = startupMessage([
  ["user", "alice"],
  ["database", "app"],
]);

test("SUSPEND: queries and logins wait unread until RESUME, and none is lost", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const client = await stage.client(pooler);
  await (await stage.client(pooler, { user: "alice" })).end(); // Its pool has met a server.
  expect((await console.client.query("suspend")).command).toBe("SUSPEND");
  expect(await console.ask("show state")).toEqual([
    { key: "active", value: "no" },
    { key: "paused", value: "no" },
    { key: "suspended", value: "yes" },
  ]);
  let answered = false;
  const held = client.query("select 1 as one").finally(() => {
    answered = true;
  });
  const newcomer = new Raw(pooler);
  newcomer.send(LOGIN);
  // The newcomer is in the table, so what was sent before it has arrived as well.
  await until(async () =>
    (await console.ask("show sockets")).some(({ state }) => state === "cl_login"),
  );
  for (const command of ["suspend", "pause", "kill"])
    expect((await failure(console.ask(command))).message).toBe("already suspended/paused");
  expect([answered, newcomer.types]).toEqual([false, ""]);
  expect((await console.client.query("resume")).command).toBe("RESUME");
  expect((await held).rows).toEqual([{ one: 1 }]);
  await newcomer.until("Z");
  newcomer.socket.destroy();
});

test("SUSPEND lets logins end and waiters be served before it answers", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const [console, other] = [await stage.console(pooler), await stage.console(pooler)];
  const [busy, waits] = [await stage.client(pooler), await stage.client(pooler)];
  const door = await stage.direct();
  await door.query("select pg_advisory_lock(1)"); // The query ends when it may.
  const slow = busy.query("select pg_advisory_xact_lock(1)");
  const served = waits.query("select 4 as four");
  const login = new Raw(pooler);
  login.send(LOGIN.subarray(0, 10));
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await until(async () =>
    (await console.ask("show sockets")).some(({ state }) => state === "cl_login"),
  );
  let suspended = false;
  const suspend = console.ask("suspend").then(() => {
    suspended = true;
  });
  await until(async () => (await other.ask("show state"))[2]?.value === "yes");
  expect(suspended).toBe(false);
  login.send(LOGIN.subarray(10));
  await door.query("select pg_advisory_unlock(1)");
  await suspend;
  await login.until("Z");
  await other.ask("resume");
  await slow;
  expect((await served).rows).toEqual([{ four: 4 }]);
  login.socket.destroy();
});

test("SUSPEND waits for who waits, and drops it after suspend_timeout", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1, suspend_timeout: 1 });
  const console = await stage.console(pooler);
  const [busy, waits] = [await stage.client(pooler), await stage.client(pooler)];
  await busy.query("begin");
  const dropped = failure(waits.query("select 1"));
  await until(async () => Number((await console.pool("app")).cl_waiting) === 1);
  await console.ask("suspend");
  expect((await dropped).message).toBe("suspend_timeout");
  await console.ask("resume");
  expect((await busy.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
});

// PgBouncer suspends the server that is asked, and drops the login after suspend_timeout.
test("SUSPEND lets a secret be looked up to its end", async () => {
  const { user } = stage.database;
  const held = "pg_advisory_xact_lock_shared(1)::text = ''"; // Until it may end.
  const slow = `select usename, 'x' from pg_shadow where usename = $1 and ${held}`;
  const pooler = await stage.pooler({ auth_user: user, auth_query: slow, suspend_timeout: 0 });
  const [console, other] = [await stage.console(pooler), await stage.console(pooler)];
  const door = await stage.direct();
  await door.query("create role carol login");
  await door.query("select pg_advisory_lock(1)");
  const login = new Raw(pooler);
  login.send(startupMessage([...Object.entries({ user: "carol", database: "app" })]));
  await until(async () => Number((await console.pool("app")).sv_active) === 1);
  const suspend = console.ask("suspend");
  await until(async () => (await other.ask("show state"))[2]?.value === "yes");
  await door.query("select pg_advisory_unlock(1)");
  await suspend;
  await console.ask("resume");
  await login.until("Z");
  expect(login.complaint).toBe("");
  login.socket.destroy();
});

test("SUSPEND is refused while a database is paused, and ends with the last console", async () => {
  const pooler = await stage.pooler();
  const console = await stage.console(pooler);
  const client = await stage.client(pooler);
  await console.ask("pause app");
  expect((await failure(console.ask("suspend"))).message).toBe(
    "cannot suspend with paused databases",
  );
  await console.ask("resume app");
  await console.ask("suspend");
  const held = client.query("select 3 as three");
  await console.client.end();
  expect((await held).rows).toEqual([{ three: 3 }]);
  expect(await stage.log()).toContain("admin disappeared when suspended, doing RESUME");
});

test("ACTIVE_SOCKETS has only those whose bytes wait", async () => {
  const pooler = await stage.pooler({ default_pool_size: 1 });
  const console = await stage.console(pooler);
  const [busy, waits] = [await stage.client(pooler), await Raw.login(pooler, "alice", "alone")];
  expect(await console.ask("show active_sockets")).toEqual([]);
  const other = await stage.client(pooler, { user: "alice", database: "alone" });
  await other.query("begin");
  waits.send(query("select 1"));
  await until(async () => (await console.ask("show active_sockets")).length === 1);
  const [socket] = await console.ask("show active_sockets");
  expect(socket).toMatchObject({ type: "C", state: "cl_waiting", database: "alone" });
  expect(Number(socket?.pkt_avail)).toBe(query("select 1").length);
  await other.query("commit");
  await waits.until("Z");
  expect(await console.ask("show active_sockets")).toEqual([]);
  await busy.end();
  waits.socket.destroy();
});
