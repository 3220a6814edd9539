/** Commands of the console that PgBouncer answers in a way of its own: who may give them, and to what. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RunningPooler } from "../../engine/pooler/main.ts";
import { query } from "../../engine/wire/writer.ts";
import { Raw } from "./raw.ts";
import { failure, Stage, until } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

test("who may only look is told that first, whatever else is wrong with a command", async () => {
  const pooler = await stage.pooler({ stats_users: "alice" });
  const client = await stage.client(pooler, { user: "alice", database: "pgbouncer" });
  for (const command of ["disable", "kill_client abc", "pause nosuch", "set foo = 1"])
    expect((await failure(client.query(command))).message).toBe("admin access needed");
});

test("commands about a database of `*` make it and say so, but for RESUME and ENABLE", async () => {
  const pooler = await stage.pooler({}, "* = host=127.0.0.1");
  const console = await stage.console(pooler);
  for (const command of ["resume", "enable"])
    expect((await failure(console.ask(`${command} made`))).message).toBe("no such database: made");
  await console.ask("disable made");
  await console.ask("enable made");
  expect(await stage.log()).toMatch(
    /LOG C-\S+ pgbouncer\/admin@\S+ registered new auto-database: made\n/,
  );
  expect((await failure(console.ask("enable pgbouncer"))).message).toBe(
    "cannot disable admin db: pgbouncer",
  );
});

test("a number that is read otherwise than it is written is in the log, with its place", async () => {
  const pooler = await stage.pooler({}, "far = host=127.0.0.1 pool_size=5x");
  expect(await stage.log()).toMatch(
    /WARNING \S+:5: pool_size of database far is "5x" and is read as 5, as PgBouncer reads it\n/,
  );
  const console = await stage.console(pooler);
  await console.ask("set max_client_conn = 99999999999");
  expect(await stage.log()).toContain(
    'WARNING SET: max_client_conn is "99999999999" and is read as 1215752191, as PgBouncer reads it\n',
  );
});

test("who asks much at once and does not read is answered as it reads", async () => {
  const pooler = (await stage.pooler()) as RunningPooler;
  const raw = await Raw.login(pooler, "admin", "pgbouncer");
  const [session] = pooler.host.consoles;
  raw.socket.pause();
  const asked = 3_000;
  raw.send(...Array.from({ length: asked }, () => query("show config")));
  await until(() => (session?.channel.pending ?? 0) > 0);
  expect(session?.channel.pending).toBeLessThan(128 * 1024);
  raw.socket.resume();
  await raw.until("Z", asked);
  raw.send(query("show version"));
  await raw.until("Z", asked + 1);
  expect(raw.count("C")).toBe(asked + 1);
  raw.socket.destroy();
});
