/**
 * Where the core still decides otherwise than PgBouncer. Each test states PgBouncer's behaviour and its
 * source, and fails for now; the day it passes, it belongs into the file of its rules.
 */
import { expect, test } from "vitest";
import { HAND } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test.fails("KILL_CLIENT: a ready server of a session is reset and kept (disconnect_client_sqlstate)", () => {
  const world = warm(1, { pool_mode: "session" });
  world.turn(() => world.core.killClient(world.now, world.client("w1")));
  expect(world.only("reset", "close")).toEqual(["reset s1"]);
});

test.fails("KILL forgets the pool: no server_login_retry from a login that it cut (kill_pool)", () => {
  const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1");
  world.turn(() => world.core.kill(world.now, 0)).turn(() => world.core.resume(world.now, 0));
  world.quiet().login("a");
  expect(world.only("open")).toEqual(["open s3 welcome"]);
});

test.fails("KILL forgets the pool: its statistics and its welcome (kill_pool)", () => {
  const world = warm(1);
  world.turn(() => world.core.kill(world.now, 0));
  expect([world.pool().welcome_known, world.stat("query_count")]).toEqual([false, 0]);
});

test.fails("RELOAD: an entry that is gone cannot be used any more (config_postprocess, kill_database)", () => {
  const world = new World({ databases: [{ name: "db" }, { name: "other" }] }).login("a");
  const databases = [{ name: "other" }];
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, databases }));
  expect(world.core.database("db")).toBe(-1);
});

test.fails("RELOAD: an entry that was gone and is back is not paused (kill_database frees it)", () => {
  const world = new World({ databases: [{ name: "db" }, { name: "other" }] }).login("a");
  const before = world.core.settings;
  world.turn(() => world.core.reload(world.now, { ...before, databases: [{ name: "other" }] }));
  world
    .turn(() => world.core.reload(world.now, before))
    .quiet()
    .login("b")
    .request("b");
  expect(world.only("grant")).toEqual(["grant b s2"]);
});

test.fails("RELOAD: a changed `*` entry reaches the entries made from it (tag_autodb_dirty)", () => {
  const world = new World({ autodb: { name: "*", pool_size: 3 } }).login("a", "u", "made");
  const autodb = { name: "*", pool_size: 7 };
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, autodb }));
  expect(world.pool("u", "made").size).toBe(7);
});
