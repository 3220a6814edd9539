/** Commands of the console that PgBouncer answers in a way of its own: who may give them, and to what. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { failure, Stage } from "./stage.ts";

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
