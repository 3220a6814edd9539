/**
 * Replication connections: a server of its own for each such client, opened when it needs one, kept to
 * its end, closed after it. Source: PgBouncer 1.25.2 find_server(), release_server(), launch_new_connection().
 */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test("in a cold pool it waits for its own server, and is welcomed with it linked", () => {
  const world = new World({ default_pool_size: 1 }).replicate("r");
  expect(world.take()).toEqual([
    "wait r login",
    "open s1 welcome",
    "login r s1",
    "welcome r",
    "grant r s1",
  ]);
});

test("in a warm pool it takes no idle server: one is opened when it asks", () => {
  const world = warm(1, { default_pool_size: 2 }).replicate("r");
  expect(world.take()).toEqual(["welcome r"]);
  world.request("r");
  expect(world.take()).toEqual([
    "wait r no_idle_server",
    "open s2 replication",
    "login r s2",
    "grant r s2",
  ]);
});

for (const mode of ["session", "transaction", "statement"] as const) {
  test(`${mode} mode: it keeps its server over transactions, and the server is closed after it`, () => {
    const world = warm(1, { default_pool_size: 2, pool_mode: mode }).replicate("r").request("r");
    world.quiet().finish("r", "transaction").finish("r").request("r").finish("r");
    expect(world.take()).toEqual([]);
    world.leave("r");
    expect(world.take()).toEqual(["unlink r s2 replication_closed", "close s2 replication_closed"]);
  });
}

test("it leaves in the middle of a stream: its server is closed", () => {
  const world = warm(1, { default_pool_size: 2 }).replicate("r").request("r").quiet().leave("r");
  expect(world.only("close")).toEqual(["close s2 replication_closed"]);
  expect(world.pool().servers).toBe(1);
});

test("a full pool: idle servers are evicted, no more than one is needed for", () => {
  const world = warm(3).replicate("r").request("r");
  expect(world.only("close", "open")).toEqual(["close s1 evicted", "open s4 replication"]);
});

test("a full pool whose servers wait to be checked: the one unused for longest is evicted", () => {
  const world = warm(2, { server_check_delay: seconds(1) })
    .to(seconds(2))
    .replicate("r")
    .quiet();
  expect(world.used()).toBe("s1 s2");
  expect(world.request("r").only("close", "open")).toEqual([
    "close s2 evicted",
    "open s3 replication",
  ]);
});

for (const limit of ["max_db_connections", "max_user_connections"] as const) {
  test(`${limit}: room is made by servers of its own pool that wait to be checked, too`, () => {
    const more = { default_pool_size: 5, [limit]: 2, server_check_delay: seconds(1) };
    const world = warm(2, more).to(seconds(2)).replicate("r").quiet();
    expect(world.used()).toBe("s1 s2");
    expect(world.request("r").only("close", "open")).toEqual([
      "close s2 evicted",
      "open s3 replication",
    ]);
  });
}

test("a full pool that is busy: it waits, and the server released next makes room for it", () => {
  const world = warm(1).replicate("r").request("w1").request("r").quiet();
  world.finish("w1");
  expect(world.only("close", "open", "grant")).toEqual([
    "close s1 evicted",
    "open s2 replication",
    "grant r s2",
  ]);
});

test("it counts for pool_size: others wait until it has gone", () => {
  const world = new World({ default_pool_size: 1 }).replicate("r").login("a").request("a").quiet();
  expect(world.core.serverCount).toBe(1);
  world.leave("r");
  expect(world.only("grant")).toEqual(["grant a s2"]);
});

test("it counts for max_db_connections, and evicts an idle server of another pool", () => {
  const world = warm(1, { max_db_connections: 1 }).replicate("r", "v").quiet();
  // The pool of "v" is cold: its servers' parameters are unknown, so that it is opened at once.
  expect(world.core.serverCount).toBe(1);
  expect(world.history()).toContain("close s1 evicted");
});

test("an idle server serves the waiters behind it at the end of the turn", () => {
  const world = warmed(2, {}, { connect: HAND }).login("a").replicate("r");
  world.request("w1 w2").request("r a").quiet().finish("w1");
  expect(world.take()).toEqual([
    "unlink w1 s2 transaction_end",
    "close s2 evicted",
    "open s3 replication",
  ]);
  world.finish("w2");
  expect(world.only("grant")).toEqual(["grant a s1"]);
});

test("a connection opened for others becomes the oldest waiter's, if that wants replication", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).logins("a b").replicate("r");
  world.request("w1 a").request("r").quiet();
  world.finish("w1").connected("s2");
  expect(world.only("grant", "login")).toEqual(["grant a s1", "login r s2"]);
});

test("a connection opened for it serves whoever is older by then", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).login("a").replicate("r");
  world.request("w1").request("r").quiet();
  world.cancel("x", "w1").request("a").connected("s2");
  expect(world.only("cancel")).toEqual(["cancel x s2 s1"]);
});

test("the server refuses it: only its own client is told, others go on waiting", () => {
  const world = new World({}, { connect: HAND }).replicate("r").login("a").connected("s1").quiet();
  world.fail("s1", true);
  expect(world.take()).toEqual(["unlink r s1 login_failed", "drop r login_failed"]);
  expect(world.queue()).toBe("a");
});

test("it leaves while its server logs in: the server is closed, and no failed login is remembered", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).replicate("r").request("r");
  world.connected("s2").quiet();
  world.turn(() => world.core.killClient(world.now, world.client("r")));
  expect(world.take()).toEqual([
    "unlink r s2 replication_closed",
    "close s2 replication_closed",
    "drop r admin_kill",
  ]);
  expect(world.pool().last_login_failed).toBe(false);
});

test("it had gone when its server stands: the server is closed", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).replicate("r").request("r");
  world.leave("r").connect("s2");
  expect(world.only("close")).toEqual(["close s2 replication_closed"]);
});

test("query_wait_timeout ends it and the server that logs in for it", () => {
  const changes = { default_pool_size: 2, query_wait_timeout: seconds(1) };
  const world = warmed(1, changes, { connect: HAND }).replicate("r").request("r").connected("s2");
  world.quiet().to(seconds(2));
  expect(world.take()).toEqual([
    "unlink r s2 replication_closed",
    "close s2 replication_closed",
    "drop r query_wait_timeout",
  ]);
});

test("RECONNECT: at the next tick, though it is busy: it might stream for ever", () => {
  const world = warm(1, { default_pool_size: 2 }).replicate("r").request("r").quiet();
  world.turn(() => world.core.reconnect(world.now)).ticks(1);
  expect(world.only("drop", "close")).toEqual([
    "drop r changed",
    "close s2 changed",
    "close s1 changed",
  ]);
});

test("PAUSE while it logs in: it is dropped with its server", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).replicate("r").request("r");
  world.connected("s2").quiet();
  world.turn(() => world.core.pause(world.now));
  expect(world.only("drop")).toEqual(["drop r pause_mode"]);
});

test("DISABLE while a cold pool's server logs in: refused, and the server is closed", () => {
  const world = new World({}, { connect: HAND }).replicate("r").connected("s1").quiet();
  world.turn(() => world.core.disable(world.now, world.core.database("db"))).loggedIn("s1");
  expect(world.take()).toEqual([
    "unlink r s1 replication_closed",
    "close s1 replication_closed",
    "drop r disabled",
  ]);
});
