/**
 * Timeouts of clients, looked at on the tick every 333 333 us and strict: each row sets the limit to the
 * age at the third tick, or a nanosecond less. Source: PgBouncer src/janitor.c, pool_client_maint().
 */
import { expect, test } from "vitest";
import { type CoreSettings, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { expectAt, warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

// limit -> the tick at which it fires, for something that began at 0.
const boundaries = [
  [3 * TICK - 1, 3, "past the limit"],
  [3 * TICK, 4, "exactly the limit is not past it (strict)"],
] as const;

/** A pool of one, busy with w1; client "a" has waited since 0. */
function waiting(changes: Partial<CoreSettings>): World {
  return warm(1, changes).login("a").request("w1 a").quiet();
}

for (const [limit, tick, why] of boundaries) {
  test(`query_wait_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    expectAt(waiting({ query_wait_timeout: limit }), tick, ["drop a query_wait_timeout"]);
  });

  test(`query_wait_timeout of the database, ${limit} ns: tick ${tick}`, () => {
    const databases = [{ name: "db", query_wait_timeout: limit }];
    const world = waiting({ query_wait_timeout: seconds(99), databases });
    expectAt(world, tick, ["drop a query_wait_timeout"]);
  });

  test(`query_wait_timeout of the user before the database's, ${limit} ns: tick ${tick}`, () => {
    const databases = [{ name: "db", query_wait_timeout: TICK }];
    const users = [{ name: "u", query_wait_timeout: limit }];
    expectAt(waiting({ databases, users }), tick, ["drop a query_wait_timeout"]);
  });

  test(`query_wait_timeout in a cold pool, ${limit} ns since the login: tick ${tick}`, () => {
    const world = new World({ query_wait_timeout: limit }, { connect: HAND }).login("a").quiet();
    expectAt(world, tick, ["drop a query_wait_timeout"]);
  });

  test(`query_timeout of one that waits, ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { query_timeout: limit });
    world
      .turn(() => world.core.pause(world.now))
      .request("w1")
      .quiet();
    expectAt(world, tick, ["drop w1 waiting_query_timeout"]);
  });

  test(`client_idle_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { client_idle_timeout: limit });
    expectAt(world, tick, ["drop w1 client_idle_timeout"]);
  });

  test(`client_idle_timeout of the user, ${limit} ns: tick ${tick}`, () => {
    const users = [{ name: "u", client_idle_timeout: limit }];
    const world = warm(1, { client_idle_timeout: TICK, users });
    expectAt(world, tick, ["drop w1 client_idle_timeout"]);
  });

  test(`cancel_wait_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warmed(1, { cancel_wait_timeout: limit }, { connect: HAND });
    world.request("w1").cancel("x", "w1").quiet();
    expectAt(world, tick, ["drop x cancel_wait_timeout"]);
  });
}

test("query_wait_timeout: a user's 0 waits for ever, whatever the global limit", () => {
  const world = waiting({
    query_wait_timeout: TICK,
    users: [{ name: "u", query_wait_timeout: 0 }],
  });
  expect(world.to(seconds(500)).only("drop")).toEqual([]);
});

test("query_wait_timeout: a database's 0 waits for ever, whatever the global limit", () => {
  const databases = [{ name: "db", query_wait_timeout: 0 }];
  expect(waiting({ query_wait_timeout: TICK, databases }).to(seconds(500)).only("drop")).toEqual(
    [],
  );
});

test("query_wait_timeout: the login user's counts, not the forced user's", () => {
  const world = warm(1, {
    databases: [{ name: "db", forced_user: "app" }],
    users: [
      { name: "u", query_wait_timeout: seconds(1) },
      { name: "app", query_wait_timeout: seconds(9) },
    ],
  });
  world.login("a", "u").login("b", "v").request("w1 b a").quiet().to(seconds(3));
  expect(world.take()).toEqual(["drop a query_wait_timeout"]);
});

test("query_wait_timeout: alone in [users] it works, although PgBouncer needs a global one too", () => {
  const users = [{ name: "u", query_wait_timeout: seconds(1) }];
  const world = waiting({ query_wait_timeout: 0, users }).to(seconds(3));
  expect(world.take()).toEqual(["drop a query_wait_timeout"]);
});

test("query_wait_timeout runs during PAUSE", () => {
  const world = warm(1, { query_wait_timeout: 3 * TICK }).turn();
  world
    .turn(() => world.core.pause(world.now))
    .request("w1")
    .quiet();
  expectAt(world, 4, ["drop w1 query_wait_timeout"]);
});

test("query_wait_timeout: each waiter by its own age, and the walk ends at the first young one", () => {
  const world = warm(1, { query_wait_timeout: 2 * TICK })
    .logins("a b c")
    .request("w1 a")
    .tick(1);
  world.request("b").tick(2).request("c").quiet();
  expectAt(world, 3, ["drop a query_wait_timeout"]);
  expectAt(world, 4, ["drop b query_wait_timeout"]);
  expectAt(world, 5, ["drop c query_wait_timeout"]);
});

test("query_wait_timeout: users' limits differ, so young and old stand mixed in the queue", () => {
  const users = [{ name: "v", query_wait_timeout: TICK }];
  const world = warm(1, { databases: [{ name: "db", forced_user: "app" }], users });
  world.login("a", "u").login("b", "v").request("w1 a b").quiet().tick(2);
  expect(world.take()).toEqual(["drop b query_wait_timeout"]);
});

test("query_timeout and query_wait_timeout at the same tick: query_timeout is the reason", () => {
  const world = warm(1, { query_wait_timeout: TICK, query_timeout: TICK });
  world
    .turn(() => world.core.pause(world.now))
    .request("w1")
    .quiet()
    .tick(2);
  expect(world.only("drop")).toEqual(["drop w1 waiting_query_timeout"]);
});

test("query_timeout of a user does not count for one that waits (pool_client_maint)", () => {
  const databases = [{ name: "db", forced_user: "app" }];
  const users = [{ name: "u", query_timeout: TICK }];
  const world = warm(1, { databases, users }).login("a").request("w1 a").quiet();
  expect(world.to(seconds(3)).take()).toEqual([]);
});

// --- client_idle_timeout -----------------------------------------------------------------------------

test("client_idle_timeout: one that waits or works is not idle", () => {
  const world = waiting({ client_idle_timeout: seconds(1), query_wait_timeout: 0 });
  expect(world.to(seconds(5)).take()).toEqual([]);
});

test("client_idle_timeout: linked in session mode, it never fires", () => {
  const world = warm(1, { client_idle_timeout: seconds(1), pool_mode: "session" });
  expect(world.to(seconds(9)).take()).toEqual([]);
});

test("client_idle_timeout: a [users] entry drops nobody else (PgBouncer's bug, not copied)", () => {
  const users = [{ name: "v", client_idle_timeout: seconds(1) }];
  const world = warm(1, { users }).login("a", "v").quiet().to(seconds(9));
  expect(world.take()).toEqual(["drop a client_idle_timeout"]);
});

test("client_idle_timeout: a user's 0 means not set", () => {
  const users = [{ name: "u", client_idle_timeout: 0 }];
  const world = warm(1, { client_idle_timeout: 3 * TICK, users });
  expectAt(world, 4, ["drop w1 client_idle_timeout"]);
});

test("client_idle_timeout: counts from the last packet, also from the login", () => {
  const world = warm(1, { client_idle_timeout: 3 * TICK }).tick(2);
  world.request("w1").finish("w1").login("a").quiet();
  world.tick(5);
  expect(world.take()).toEqual([]);
  expect(world.tick(6).take()).toEqual([
    "drop w1 client_idle_timeout",
    "drop a client_idle_timeout",
  ]);
});

test("client_idle_timeout: a wait ends with the packet being read again, so it does not count as idle", () => {
  const world = warm(1, { client_idle_timeout: 3 * TICK })
    .login("a")
    .request("w1 a")
    .tick(5);
  // Asked at 0, granted and answered at tick 5: silent since then. Source: client_proto(), SBUF_EV_READ.
  world.finish("w1").finish("a").request("w1").quiet().tick(8);
  expect(world.take()).toEqual([]);
  expect(world.tick(9).take()).toEqual(["drop a client_idle_timeout"]);
});

test("client_idle_timeout: counts from the end of what a client has sent, which may be a long COPY", () => {
  const world = warm(1, { client_idle_timeout: 3 * TICK })
    .request("w1")
    .tick(5);
  world.core.heard(world.now, world.client("w1"));
  world.finish("w1").quiet().tick(8);
  expect(world.take()).toEqual([]);
  expect(world.tick(9).take()).toEqual(["drop w1 client_idle_timeout"]);
});

// --- cancel_wait_timeout, query_wait_notify ------------------------------------------------------------

test("cancel_wait_timeout 0 waits for ever", () => {
  const world = warmed(1, { cancel_wait_timeout: 0, server_connect_timeout: 0 }, { connect: HAND });
  world.request("w1").cancel("x", "w1").quiet();
  expect(world.to(seconds(99)).only("drop")).toEqual([]);
});

// query_wait_notify of 5 s: whole seconds waited must exceed it.
const notices = [
  [seconds(6) - 1, false, "five whole seconds do not exceed 5"],
  [seconds(6), true, "six do (per_loop_activate)"],
] as const;
for (const [waited, want, why] of notices) {
  test(`query_wait_notify: ${waited} ns waited: ${want ? "notice" : "nothing"}: ${why}`, () => {
    const world = waiting({}).to(waited).turn();
    expect(world.take()).toEqual(want ? ["notice a"] : []);
  });
}

test("query_wait_notify: once per wait, and again in the next wait", () => {
  const world = waiting({}).to(seconds(20));
  expect(world.only("notice")).toEqual(["notice a"]);
  world.finish("w1").request("w1").finish("a").request("a").to(seconds(40));
  expect(world.only("notice")).toEqual(["notice a"]);
  world.finish("w1").request("w1").finish("a").request("a");
  expect(world.to(seconds(60)).only("notice")).toEqual(["notice a"]);
});

test("query_wait_notify: not to one that waits for its welcome, and 0 switches it off", () => {
  const cold = new World({}, { connect: HAND }).login("a");
  expect(cold.to(seconds(14)).only("notice")).toEqual([]);
  expect(waiting({ query_wait_notify: 0 }).to(seconds(20)).only("notice")).toEqual([]);
});

test("query_wait_notify: only as far as the walk of the waiters goes: up to the first that needs a launch", () => {
  const world = warm(1).logins("a b").request("w1 a b").quiet().to(seconds(20));
  expect(world.only("notice")).toEqual(["notice a"]);
});
