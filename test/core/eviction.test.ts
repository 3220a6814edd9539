/** max_db_connections and max_user_connections, and whose idle server makes room. */
import { expect, test } from "vitest";
import type { CoreSettings } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { World } from "./world.ts";

/** Clients of several users on several databases, each with its server used one second apart. */
function users(names: string, changes: Partial<CoreSettings>): World {
  const world = new World(changes);
  for (const name of names.split(" ")) {
    const [user, database] = name.split("@") as [string, string?];
    world
      .login(name, user, database ?? "db")
      .wait(seconds(1))
      .request(name)
      .finish(name);
  }
  return world.quiet();
}

const two = { databases: [{ name: "db" }, { name: "other" }] };

// limit -> what happens when "b" needs a server while "a" works (nothing can be evicted)
const limits: readonly [Partial<CoreSettings>, string, boolean, string][] = [
  [{ max_db_connections: 1 }, "v@db", false, "max_db_connections reached"],
  [{ max_db_connections: 2 }, "v@db", true, "one below max_db_connections"],
  [{ max_db_connections: 1 }, "u@other", true, "another database has its own count"],
  [{ max_db_connections: 0 }, "v@db", true, "0 is no limit"],
  [{ max_user_connections: 1 }, "u@other", false, "max_user_connections counts over databases"],
  [{ max_user_connections: 2 }, "u@other", true, "one below max_user_connections"],
  [{ max_user_connections: 1 }, "v@db", true, "another user has its own count"],
];
for (const [limit, second, want, why] of limits) {
  test(`limit ${JSON.stringify(limit)}, ${second}: ${want ? "opens" : "waits"}: ${why}`, () => {
    const world = new World({ ...two, ...limit }).login("a").request("a").quiet();
    const [user, database] = second.split("@") as [string, string];
    world.login("b", user, database);
    expect(world.only("open")).toEqual(want ? ["open s2 welcome"] : []);
  });
}

test("limits: connecting servers count", () => {
  const world = new World({ max_db_connections: 1 }, { connect: HAND }).login("a", "u");
  world.quiet().login("b", "v");
  expect(world.only("open")).toEqual([]);
});

test("limits: cancel requests on their way count", () => {
  const changes = { max_db_connections: 2, default_pool_size: 2 };
  const world = new World(changes, { answer: HAND }).login("a").request("a").cancel("x", "a");
  world.quiet().login("b", "v");
  expect(world.only("open")).toEqual([]);
  world.close("s2");
  expect(world.only("open")).toEqual(["open s3 welcome"]);
});

const overrides: readonly [
  Partial<CoreSettings>,
  "max_db_connections" | "max_user_connections",
  number,
  string,
][] = [
  [{ max_db_connections: 7 }, "max_db_connections", 7, "global"],
  [
    { max_db_connections: 7, databases: [{ name: "db", max_db_connections: 3 }] },
    "max_db_connections",
    3,
    "database",
  ],
  [
    { max_db_connections: 7, databases: [{ name: "db", max_db_connections: 0 }] },
    "max_db_connections",
    7,
    "0 in the entry means: not set",
  ],
  [{ max_user_connections: 7 }, "max_user_connections", 7, "global"],
  [
    { max_user_connections: 7, users: [{ name: "u", max_user_connections: 3 }] },
    "max_user_connections",
    3,
    "user",
  ],
  [
    { max_user_connections: 7, users: [{ name: "u", max_user_connections: 0 }] },
    "max_user_connections",
    7,
    "0 in the entry means: not set",
  ],
];
for (const [changes, name, want, why] of overrides) {
  test(`override: ${name} ${want}: ${why} (${JSON.stringify(changes)})`, () => {
    expect(new World(changes).login("a").pool()[name]).toBe(want);
  });
}

// --- whose server goes ---------------------------------------------------------------------------------

test("eviction: the idle server with the oldest last packet of all pools of the database", () => {
  const world = users("c a b", { max_db_connections: 3 }).login("new", "z");
  expect(world.take()).toEqual([
    "wait new login",
    "close s1 evicted",
    "open s4 welcome",
    "login s4",
    "welcome new",
  ]);
});

test("eviction: only from the database that is full", () => {
  const world = users("x@other a@db b@db", { ...two, max_db_connections: 2 }).login("new", "z");
  expect(world.only("close")).toEqual(["close s2 evicted"]);
});

test("eviction: by user, over databases, and only that user's", () => {
  const world = users("v@db u@db u@other", { ...two, max_user_connections: 2 });
  const third = { databases: [...two.databases, { name: "third" }] };
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, ...third }));
  world.login("new", "u", "third");
  expect(world.only("close")).toEqual(["close s2 evicted"]);
});

// `user=` of the entry with the idle server, and of the entry that needs one: both log in as "u".
const credentials = [
  [undefined, undefined, true, "the same user's"],
  ["u", undefined, false, "those of the full entry are its own"],
  [undefined, "u", false, "those of the entry that asks are its own"],
  ["u", "u", false, "each entry has its own, whatever the name"],
] as const;
for (const [idle, asks, want, why] of credentials) {
  test(`eviction by user: user=${idle} for user=${asks}: ${want ? "goes" : "stays"}: credentials: ${why} (evict_user_connection)`, () => {
    const databases = [
      { name: "db", forced_user: idle },
      { name: "other", forced_user: asks },
    ];
    const world = users("u@db", { databases, max_user_connections: 1 });
    world.login("new", "u", "other");
    // Whoever may evict, the limit counts them all.
    expect(world.only("close", "open")).toEqual(
      want ? ["close s1 evicted", "open s2 welcome"] : [],
    );
  });
}

test("eviction by user: the pool of an entry with `user=` evicts its own servers", () => {
  const databases = [{ name: "db", forced_user: "u" }];
  const world = users("a", { databases, max_user_connections: 1 });
  world
    .turn(() => world.core.reconnect(world.now))
    .quiet()
    .login("b");
  expect(world.only("close", "open")).toEqual(["close s1 evicted", "open s2 welcome"]);
});

test("eviction by user: a pool keeps the credentials that it was made with (get_pool)", () => {
  const plain = [{ name: "db" }, { name: "other" }];
  const world = users("u@db", { databases: plain, max_user_connections: 1 });
  const databases = [{ name: "db", forced_user: "u" }, { name: "other" }];
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, databases }));
  world.login("new", "u", "other");
  expect(world.only("close", "open")).toEqual(["close s1 evicted", "open s2 welcome"]);
});

test("eviction: the tail of an idle list, its least recently used", () => {
  const world = new World({ max_db_connections: 2 }).logins("a b").request("a b");
  world.wait(seconds(1)).finish("b").wait(seconds(1)).finish("a").quiet();
  expect(world.idle()).toBe("s1 s2");
  world.login("new", "z");
  expect(world.only("close")).toEqual(["close s2 evicted"]);
});

test("eviction: the tail even if the head is older, as with server_round_robin it never is", () => {
  const world = new World({ max_db_connections: 2, server_round_robin: true }).logins("a b");
  world.request("a b").wait(seconds(1)).finish("b").wait(seconds(1)).finish("a").quiet();
  expect(world.idle()).toBe("s2 s1");
  world.login("new", "z");
  expect(world.only("close")).toEqual(["close s1 evicted"]);
});

test("eviction: active servers are never touched", () => {
  const world = users("a b", { max_db_connections: 2 }).request("a b").quiet().login("new", "z");
  expect(world.take()).toEqual(["wait new login"]);
  world.finish("b").ticks();
  expect(world.only("close", "open")).toEqual(["close s2 evicted", "open s3 welcome"]);
});

test("eviction: goes on until there is room, when the limit was lowered", () => {
  const world = users("a b c", { max_db_connections: 3 });
  const settings = { ...world.core.settings, max_db_connections: 1 };
  world
    .turn(() => world.core.reload(world.now, settings))
    .quiet()
    .login("new", "z");
  expect(world.only("close", "open")).toEqual([
    "close s1 evicted",
    "close s2 evicted",
    "close s3 evicted",
    "open s4 welcome",
  ]);
});

test("eviction: used servers too, by their last packet", () => {
  const world = users("a b", { max_db_connections: 2, server_check_delay: seconds(5) });
  world.to(seconds(6.6));
  expect([world.used("a"), world.used("b")]).toEqual(["s1", ""]);
  world.quiet().login("new", "z");
  expect(world.only("close")).toEqual(["close s1 evicted"]);
});

// A pool whose server is tested (reset) or used while somebody of that pool waits keeps it.
const tested = [
  [false, ["close s1 evicted", "open s2 welcome"], "nobody waits for it"],
  [true, [], "a client of its pool waits for it"],
] as const;
for (const [waiter, want, why] of tested) {
  test(`eviction: a tested server ${waiter ? "stays" : "goes"}: ${why} (evict_connection)`, () => {
    const changes = { max_db_connections: 1, pool_mode: "session" } as const;
    const world = new World(changes, { answer: HAND }).logins("a b").request("a").finish("a");
    world.leave("a");
    if (waiter) world.request("b");
    world.quiet().login("new", "z");
    expect(world.only("close", "open")).toEqual(want);
  });
}

test("eviction: an idle server goes even while clients of its pool wait", () => {
  // RECONNECT and a login: the pool has an idle, obsolete server and a waiter for the welcome.
  const world = users("a", { max_db_connections: 1, default_pool_size: 1 });
  world.connectTime = HAND;
  world
    .turn(() => world.core.reconnect(world.now))
    .quiet()
    .login("b", "a");
  expect(world.only("close", "open")).toEqual(["close s1 evicted", "open s2 welcome"]);
});

test("no fairness: a slot that comes free goes to the alphabetically first pool that waits", () => {
  const world = users("m", { max_db_connections: 1 })
    .request("m")
    .login("z1", "z")
    .login("a1", "a");
  world.quiet().finish("m").ticks();
  expect(world.only("close", "open", "welcome")).toEqual([
    "close s1 evicted",
    "open s2 welcome",
    "welcome a1",
    "close s2 evicted",
    "open s3 welcome",
    "welcome z1",
  ]);
});
