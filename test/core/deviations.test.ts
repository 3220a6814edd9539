/**
 * Where the core still decides otherwise than PgBouncer. Each test states PgBouncer's behaviour and its
 * source, and fails for now; the day it passes, it belongs into the file of its rules.
 */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
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

test.fails("KILL of all pauses only entries that have a pool (admin_cmd_kill)", () => {
  const world = new World({ databases: [{ name: "db" }, { name: "unused" }] }).login("a");
  world.turn(() => world.core.kill(world.now));
  expect(world.core.databases.map((entry) => entry.paused)).toEqual([true, false]);
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

test.fails("DISABLE is looked at when the login ends, also after the wait for the welcome (finish_client_login)", () => {
  const world = new World({}, { connect: HAND }).login("a").quiet();
  world.turn(() => world.core.disable(world.now, 0)).connect("s1");
  expect(world.only("welcome", "drop")).toEqual(["drop a disabled"]);
});

test.fails("a shutdown refuses clients whose login has begun (finish_client_login)", () => {
  const world = warm(1);
  world.turn(() => {
    world.accept("a");
    world.startup("a");
  });
  world.turn(() => world.core.shutdown(world.now, "wait_for_clients")).quiet();
  world.turn(() => world.core.authenticated(world.now, world.client("a")));
  expect(world.take()).toEqual(["drop a shutting_down"]);
});

test.fails("SHUTDOWN WAIT_FOR_SERVERS: one that asks meanwhile is dropped at once, not at the tick (pause_client)", () => {
  const world = warm(1).login("a").request("w1");
  world
    .turn(() => world.core.shutdown(world.now, "wait_for_servers"))
    .quiet()
    .request("a");
  expect(world.take()).toEqual(["drop a server_shutting_down"]);
});

test.fails("a cancel that was sent does not end server_login_retry (disconnect_server, SV_ACTIVE_CANCEL)", () => {
  const changes = { default_pool_size: 3 };
  const world = warmed(1, changes, { connect: HAND, answer: HAND }).login("a").request("w1 a");
  world.fail("s2").to(seconds(15.5)).cancel("x", "w1").quiet().connected("s3").close("s3");
  expect(world.only("open")).toEqual([]);
});

test.fails("a client's login counts when it has authenticated, not at its welcome (finish_client_login)", () => {
  const world = new World({}, { connect: HAND }).login("a");
  expect(world.stat("client_login_count")).toBe(1);
});

test.fails("statement mode: a query that ends in T adds no time, its server is closed first (handle_server_work)", () => {
  const world = warm(1, { pool_mode: "statement" }).request("w1").wait(seconds(1));
  world.finish("w1", "transaction");
  expect(world.stat("query_time")).toBe(0);
});

test.fails("max_user_connections evicts only from pools with the same credentials: a forced user has its own (evict_user_connection)", () => {
  const databases = [{ name: "db", forced_user: "u" }, { name: "other" }];
  const world = new World({ databases, max_user_connections: 1 }).login("a").quiet();
  world.login("b", "u", "other");
  expect(world.only("close", "open")).toEqual([]);
});

test.fails("RECONNECT does not mark a server that is held back for a cancel (for_each_server)", () => {
  const world = warmed(1, {}, { answer: HAND }).request("w1").cancel("x", "w1").finish("w1");
  world
    .turn(() => world.core.reconnect(world.now))
    .quiet()
    .close("s2");
  expect(world.only("close")).toEqual([]);
});
