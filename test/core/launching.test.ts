/** When a server connection is opened: sizes, one login at a time, retry, reserve, min_pool_size. */
import { expect, test } from "vitest";
import { OBSTACLE, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test("growth: one login at a time, so n servers take n logins", () => {
  const world = warmed(1, { default_pool_size: 4 }, { connect: seconds(1) });
  world.logins("a b c d").request("w1 a b c d").quiet().to(seconds(10));
  const times = world.log.filter(({ text }) => text.startsWith("open ")).map(({ now }) => now);
  expect(times).toEqual([0, 0, seconds(1), seconds(2)]);
});

// Busy servers in a pool of `size`; does one more waiter open a connection?
const sizes = [
  [1, 0, true, "empty pool"],
  [1, 1, false, "pool_size reached"],
  [3, 2, true, "one below pool_size"],
  [3, 3, false, "pool_size reached"],
  [0, 5, true, "pool_size 0 is unlimited (since PgBouncer 1.24)"],
] as const;
for (const [default_pool_size, busy, want, why] of sizes) {
  test(`size: ${busy} busy of pool_size ${default_pool_size}: ${want ? "opens" : "waits"}: ${why}`, () => {
    const world = new World({ default_pool_size }).login("a");
    const names = Array.from({ length: busy }, (_, i) => `b${i}`);
    for (const name of names) world.login(name).request(name);
    world.close("s1");
    if (busy > 0) world.login("again").request("again");
    expect(world.pool().active).toBe(busy);
    world.quiet().request("a");
    expect(world.only("open")).toHaveLength(want ? 1 : 0);
  });
}

test("size: user's before database's before default_pool_size", () => {
  const world = new World({
    default_pool_size: 1,
    databases: [{ name: "db", pool_size: 2 }, { name: "plain" }],
    users: [{ name: "big", pool_size: 3 }],
  });
  world.login("a", "big").login("b", "u").login("c", "u", "plain");
  expect(world.pool("big").size).toBe(3);
  expect(world.pool("u").size).toBe(2);
  expect(world.pool("u", "plain").size).toBe(1);
});

test("cold pool: the login itself opens the first connection, and waits for it", () => {
  const world = new World({}, { connect: HAND }).login("a").login("b");
  expect(world.take()).toEqual(["wait a login", "open s1 welcome", "wait b login"]);
  world.connect("s1");
  expect(world.take()).toEqual(["login s1", "welcome a", "welcome b"]);
  expect(world.idle()).toBe("s1");
});

test("warm pool: a login needs no server", () => {
  const world = warm(1).request("w1").quiet().login("a");
  expect(world.take()).toEqual(["welcome a"]);
});

// --- server_login_retry ------------------------------------------------------------------------------

// The first attempt starts at 0 and fails at 1 s; server_login_retry against the tick at which it ends.
const retries = [
  [9 * TICK, 9, "exactly server_login_retry after the START of the attempt"],
  [9 * TICK + 1, 10, "a nanosecond too soon at tick 9"],
] as const;
for (const [server_login_retry, tick, why] of retries) {
  test(`retry: ${server_login_retry} ns: opens at tick ${tick}: ${why} (launch_new_connection)`, () => {
    const world = new World({ server_login_retry }, { connect: HAND }).login("a");
    world.to(seconds(1)).fail("s1").quiet();
    world.tick(tick - 1);
    expect(world.take()).toEqual([]);
    world.tick(tick);
    expect(world.take()).toEqual(["open s2 welcome"]);
  });
}

test("retry: a login that succeeds ends it", () => {
  const world = new World({ default_pool_size: 3 }, { connect: HAND }).login("a").fail("s1");
  world.to(seconds(16)).connect("s2").login("b").quiet().request("a b");
  expect(world.only("grant", "open")).toEqual(["grant a s2", "open s3 demand"]);
});

test("retry: each pool has its own", () => {
  const world = new World({}, { connect: HAND }).login("a").fail("s1").quiet().login("b", "v");
  expect(world.only("open")).toEqual(["open s2 welcome"]);
});

// --- reserve pool ------------------------------------------------------------------------------------

// Pool of 1 with a reserve: how long the head has waited, how many servers.
const reserves = [
  [seconds(5) - 1, 1, 0, "reserve_pool_timeout not reached"],
  [seconds(5), 1, 1, "the boundary is inclusive"],
  [seconds(60), 0, 0, "reserve_pool_size 0: no reserve"],
] as const;
for (const [waited, reserve_pool_size, opens, why] of reserves) {
  test(`reserve: of ${reserve_pool_size}, head waited ${waited} ns: opens ${opens}: ${why}`, () => {
    const world = warmed(1, { reserve_pool_size }, { connect: HAND }).login("a");
    world.request("w1 a").to(waited).quiet().turn();
    const opened = world.log.filter(({ text }) => text === "open s2 reserve").length;
    expect(opened).toBe(opens);
  });
}

test("reserve: reserve_pool_timeout 0 switches it off", () => {
  const world = warm(1, { reserve_pool_size: 3, reserve_pool_timeout: 0 }).login("a");
  world.request("w1 a").quiet().to(seconds(100));
  expect(world.take().filter((line) => line.startsWith("open"))).toEqual([]);
});

test("reserve: no more than reserve_pool_size, and each only for a head that has waited", () => {
  const world = warm(1, { reserve_pool_size: 2 }).logins("a b c d").request("w1 a b");
  world.to(seconds(4)).request("c d").quiet().to(seconds(5.5));
  // Both a and b have waited for 5 s; c has waited for 1 s and finds the reserve used up later.
  expect(world.only("open", "grant")).toEqual([
    "open s2 reserve",
    "grant a s2",
    "open s3 reserve",
    "grant b s3",
  ]);
  world.to(seconds(30));
  expect(world.only("open", "grant")).toEqual([]);
});

test("reserve: only the oldest waiter counts, not whoever is new", () => {
  const world = warm(1, { reserve_pool_size: 2 }).logins("a b").request("w1 a").to(seconds(4.9));
  world.request("b").to(seconds(5)).turn().quiet();
  // The head a was served by the reserve; the head is b now and has waited for 0.1 s.
  expect(world.queue()).toBe("b");
  world.to(seconds(9.8));
  expect(world.only("open")).toEqual([]);
});

test("reserve: not for a pool that can still grow", () => {
  const world = warmed(1, { default_pool_size: 2, reserve_pool_size: 1 }, {}).login("a");
  world.request("w1").to(seconds(10)).quiet().request("a");
  expect(world.only("open")).toEqual(["open s2 demand"]);
});

test("reserve: user's size before database's before the global one", () => {
  const world = new World({
    reserve_pool_size: 1,
    databases: [{ name: "db", reserve_pool_size: 2 }, { name: "plain" }],
    users: [{ name: "big", reserve_pool_size: 3 }],
  });
  world.login("a", "big").login("b", "u").login("c", "u", "plain");
  const sizes = [world.pool("big"), world.pool("u"), world.pool("u", "plain")];
  expect(sizes.map((pool) => pool.reserve_size)).toEqual([3, 2, 1]);
});

// --- min_pool_size -----------------------------------------------------------------------------------

test("min_pool_size: one connection a tick, up to the minimum", () => {
  const world = warm(1, { min_pool_size: 3, default_pool_size: 5 }).quiet();
  for (const want of [["open s2 min_pool_size"], ["open s3 min_pool_size"], []]) {
    world.ticks();
    expect(world.only("open")).toEqual(want);
  }
});

// min, pool_size, has a client, forced user, paused -> opens
const minimal = [
  [2, 5, true, false, false, 1, "a client is there"],
  [2, 5, false, false, false, 0, "no client, no forced user"],
  [2, 5, false, true, false, 1, "a forced user, even if no client ever came"],
  [2, 5, true, false, true, 0, "PAUSE of everything"],
  [2, 1, true, false, false, 0, "pool_size is reached first"],
  [1, 5, true, false, false, 0, "the minimum is reached"],
  [2, 0, true, false, false, 0, "pool_size 0 means unlimited, but no minimum (check_pool_size)"],
] as const;
for (const [min, size, client, forced, paused, opens, why] of minimal) {
  test(`min_pool_size ${min} of ${size}, client ${client}, forced ${forced}, paused ${paused}: ${why}`, () => {
    const forced_user = forced ? "f" : undefined;
    const world = new World({
      min_pool_size: min,
      default_pool_size: size,
      databases: [{ name: "db", forced_user }],
    });
    if (!forced) world.login("a");
    if (!client && !forced) world.leave("a");
    if (paused) world.turn(() => world.core.pause(world.now));
    world.quiet().ticks();
    expect(world.only("open")).toHaveLength(opens);
  });
}

test("min_pool_size: a cancel request is no client of the pool (pool_client_count)", () => {
  const changes = { min_pool_size: 2, default_pool_size: 3, server_connect_timeout: 0 };
  const world = warmed(1, changes, { answer: HAND }).request("w1").cancel("x", "w1").close("s1");
  world.quiet().ticks();
  expect(world.only("open")).toEqual([]);
});

test("min_pool_size: the database's before the global one", () => {
  const world = new World({
    min_pool_size: 1,
    databases: [
      { name: "db", min_pool_size: 2 },
      { name: "plain" },
      { name: "off", min_pool_size: 0 },
    ],
  });
  world.login("a").login("b", "u", "plain").login("c", "u", "off");
  const sizes = ["db", "plain", "off"].map((name) => world.pool("u", name).min_size);
  expect(sizes).toEqual([2, 1, 0]);
});

test("min_pool_size: takes no server away from another pool", () => {
  const world = new World({ max_db_connections: 2, default_pool_size: 5 });
  const databases = [{ name: "db", min_pool_size: 2 }];
  world.login("a", "u").login("b", "v").quiet();
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, databases }));
  world.ticks(3);
  expect(world.only("open", "close")).toEqual([]);
});

test("min_pool_size: a paused entry opens, and closes at the turn's end (check_pool_size looks at PAUSE only)", () => {
  const world = warmed(1, { min_pool_size: 2, default_pool_size: 5 }, { connect: HAND });
  world
    .turn(() => world.core.pause(world.now, 0))
    .quiet()
    .ticks();
  expect(world.only("open", "close")).toEqual(["open s2 min_pool_size", "close s2 pause_mode"]);
});

// --- the welcome is unknown --------------------------------------------------------------------------

test("after RECONNECT pool_size is not enforced while the welcome is unknown: one too many", () => {
  const world = warmed(1, {}, { connect: HAND }).logins("a b c").request("w1");
  world.turn(() => world.core.reconnect(world.now)).quiet();
  world.request("a");
  expect(world.only("open")).toEqual(["open s2 welcome"]);
  world.connect("s2").request("b c");
  expect(world.only("open")).toEqual([]);
  expect(world.pool().servers).toBe(2);
});

test("a pool that is full of servers opens for a login when the welcome is unknown", () => {
  const world = warmed(1, {}, { connect: HAND }).request("w1");
  world
    .turn(() => world.core.reconnect(world.now))
    .quiet()
    .login("new");
  expect(world.take()).toEqual(["wait new login", "open s2 welcome"]);
});

// --- pool_size lowered -------------------------------------------------------------------------------

test("pool_size lowered: the tick closes used, then idle servers above pool and reserve", () => {
  const world = warm(5, { server_check_delay: seconds(1), reserve_pool_size: 1 }).to(seconds(0.9));
  world.logins("a b c").request("a b c").finish("a b c").to(seconds(1.5));
  expect([world.idle(), world.used()]).toEqual(["s3 s4 s5", "s1 s2"]);
  const settings = { ...world.core.settings, default_pool_size: 1 };
  world
    .turn(() => world.core.reload(world.now, settings))
    .quiet()
    .ticks();
  expect(world.take()).toEqual(["close s1 too_many", "close s2 too_many", "close s3 too_many"]);
  expect(world.idle()).toBe("s4 s5");
});

test("pool_size lowered: servers at work go on, and go idle above the size", () => {
  const world = warm(3).logins("a b c").request("a b c");
  const settings = { ...world.core.settings, default_pool_size: 1 };
  world
    .turn(() => world.core.reload(world.now, settings))
    .quiet()
    .ticks(2);
  expect(world.take()).toEqual([]);
  world.finish("a b").ticks();
  expect(world.only("close")).toEqual(["close s2 too_many", "close s3 too_many"]);
});

test("pool_size lowered to 0: unlimited, nothing is closed", () => {
  const world = warm(3);
  const settings = { ...world.core.settings, default_pool_size: 0 };
  world
    .turn(() => world.core.reload(world.now, settings))
    .quiet()
    .ticks(2);
  expect(world.take()).toEqual([]);
});

// --- why a waiter waits --------------------------------------------------------------------------------

/** What keeps a connection from being opened for the pool of u@db. */
const obstacleOf = (world: World): number => world.core.obstacle(world.pool());

test("obstacle: a login under way, then a failed one, until server_login_retry is over", () => {
  const world = new World({ server_login_retry: 3 * TICK }, { connect: HAND }).login("a");
  expect(obstacleOf(world)).toBe(OBSTACLE.login);
  world.fail("s1");
  expect(obstacleOf(world)).toBe(OBSTACLE.retry);
});

test("obstacle: a full pool, which its reserve opens for the oldest waiter in time", () => {
  const changes = { reserve_pool_size: 1, reserve_pool_timeout: seconds(5) };
  const world = warm(1, { default_pool_size: 1, ...changes })
    .request("w1")
    .login("a")
    .request("a");
  expect(obstacleOf(world)).toBe(OBSTACLE.full);
  world.to(seconds(6));
  expect(world.only("open")).not.toEqual([]);
});

test("obstacle: limits of the database and of the user, where no idle server can make room", () => {
  for (const [name, want] of [
    ["max_db_connections", OBSTACLE.database],
    ["max_user_connections", OBSTACLE.user],
  ] as const) {
    const world = warm(1, { default_pool_size: 2, [name]: 1 });
    expect(obstacleOf(world)).toBe(OBSTACLE.none); // Its idle server would be closed.
    world.request("w1").login("a").request("a");
    expect(obstacleOf(world)).toBe(want);
  }
});
