/** Who may log in: client limits, DISABLE, shutdown. Limits refuse, they never queue. */
import { expect, test } from "vitest";
import { type CoreSettings, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { World } from "./world.ts";

const two = { databases: [{ name: "db" }, { name: "other" }] };

// limit, how many are in, who comes -> reason or "welcome"
const limits: readonly [Partial<CoreSettings>, number, string, string, string][] = [
  [{ max_client_conn: 3 }, 2, "u@db", "welcome", "max_client_conn counts the newcomer: reached"],
  [{ max_client_conn: 3 }, 3, "u@db", "max_client_conn", "max_client_conn exceeded"],
  [{ max_client_conn: 3 }, 3, "v@other", "max_client_conn", "of the whole process"],
  [{ max_db_client_connections: 2 }, 1, "v@db", "welcome", "one below"],
  [{ max_db_client_connections: 2 }, 2, "v@db", "max_db_client_connections", "reached"],
  [{ max_db_client_connections: 2 }, 2, "u@other", "welcome", "per database"],
  [{ max_user_client_connections: 2 }, 1, "u@other", "welcome", "one below"],
  [
    { max_user_client_connections: 2 },
    2,
    "u@other",
    "max_user_client_connections",
    "over databases",
  ],
  [{ max_user_client_connections: 2 }, 2, "v@db", "welcome", "per user"],
  [
    { max_db_client_connections: 0, max_user_client_connections: 0 },
    9,
    "u@db",
    "welcome",
    "0: none",
  ],
];
for (const [limit, count, who, want, why] of limits) {
  test(`limit ${JSON.stringify(limit)} with ${count} in, ${who} comes: ${want}: ${why}`, () => {
    const world = new World({ ...two, ...limit });
    for (let i = 0; i < count; i++) world.login(`c${i}`);
    const [user, database] = who.split("@") as [string, string];
    world.quiet().login("new", user, database);
    expect(world.only("welcome", "drop")).toEqual([
      want === "welcome" ? "welcome new" : `drop new ${want}`,
    ]);
  });
}

const entries: readonly [Partial<CoreSettings>, number, string][] = [
  [
    { databases: [{ name: "db", max_db_client_connections: 3 }], max_db_client_connections: 1 },
    3,
    "entry before global",
  ],
  [
    { databases: [{ name: "db", max_db_client_connections: 0 }], max_db_client_connections: 2 },
    2,
    "0 in the entry: global",
  ],
  [
    { users: [{ name: "u", max_user_client_connections: 3 }], max_user_client_connections: 1 },
    3,
    "entry before global",
  ],
  [
    { users: [{ name: "u", max_user_client_connections: 0 }], max_user_client_connections: 2 },
    2,
    "0 in the entry: global",
  ],
];
for (const [changes, room, why] of entries) {
  test(`override: ${JSON.stringify(changes)} lets ${room} in: ${why}`, () => {
    const world = new World(changes);
    for (let i = 0; i <= room; i++) world.login(`c${i}`);
    expect(world.only("drop")).toHaveLength(1);
    expect(world.core.clientCount).toBe(room);
  });
}

test("limit per user: of the login user, not of the forced one", () => {
  const databases = [{ name: "db", forced_user: "app" }];
  const world = new World({ databases, max_user_client_connections: 1 }).login("a", "u");
  world.login("b", "v").login("c", "v");
  expect(world.only("drop")).toEqual(["drop c max_user_client_connections"]);
});

test("a refused client is not counted, and one that leaves makes room", () => {
  const world = new World({ max_db_client_connections: 1 }).logins("a b c").quiet();
  world.leave("a").login("d");
  expect(world.only("welcome", "drop")).toEqual(["welcome d"]);
  expect(world.core.databases[0]?.clients).toBe(1);
});

test("max_client_conn counts clients that have not logged in, and cancel requests", () => {
  const world = new World({ max_client_conn: 2 }, { answer: HAND }).login("a").request("a");
  world
    .turn(() => world.accept("slow"))
    .quiet()
    .login("b");
  expect(world.only("drop")).toEqual(["drop b max_client_conn"]);
});

test("those on the console count for max_client_conn and for their user, and are counted out again", () => {
  const world = new World({
    max_client_conn: 2,
    users: [{ name: "u" }, { name: "few", max_user_client_connections: 1 }],
  });
  const [u, few] = ["u", "few"].map((name) => world.core.user(name)) as [number, number];
  world.turn(() => world.core.console(world.now, u, 1)).logins("a b");
  expect(world.only("welcome", "drop")).toEqual(["welcome a", "drop b max_client_conn"]);
  world.turn(() => world.core.console(world.now, u, -1)).login("b");
  expect(world.only("welcome", "drop")).toEqual(["welcome b"]);
  world.leave("a").leave("b").quiet();
  world.turn(() => world.core.console(world.now, few, 1)).login("c", "few");
  expect(world.only("welcome", "drop")).toEqual(["drop c max_user_client_connections"]);
});

// --- DISABLE and shutdown ----------------------------------------------------------------------------

test("DISABLE refuses new clients of the entry only, and those inside go on", () => {
  const world = new World(two).login("a");
  world.turn(() => world.core.disable(world.now, world.core.database("db"))).quiet();
  world.login("b").login("c", "u", "other").request("a");
  expect(world.only("drop", "welcome", "grant")).toEqual([
    "drop b disabled",
    "welcome c",
    "grant a s1",
  ]);
  world
    .turn(() => world.core.enable(world.now, world.core.database("db")))
    .quiet()
    .login("d");
  expect(world.only("drop", "welcome")).toEqual(["welcome d"]);
});

test("a disabled database tells only those who have proved who they are, after the limits", () => {
  const limits = { ...two, max_db_client_connections: 1 };
  const world = new World(limits);
  world.turn(() => world.core.disable(world.now, world.core.database("db")));
  world.accept("a");
  world.startup("a");
  expect(world.only("drop")).toEqual([]);
  world.login("b");
  expect(world.only("drop")).toEqual(["drop b max_db_client_connections"]);
  world.turn(() => world.core.authenticated(world.now, world.client("a")));
  expect(world.only("drop", "welcome")).toEqual(["drop a disabled"]);
});

test("DISABLE and a shutdown are told to who has come past the limits", () => {
  const world = new World({ max_db_client_connections: 1 }).login("a");
  world.turn(() => world.core.disable(world.now, 0)).login("b");
  expect(world.only("drop")).toEqual(["drop b max_db_client_connections"]);
  world.leave("a").login("c");
  world.turn(() => world.core.shutdown(world.now, "wait_for_clients")).login("d");
  world.turn(() => world.core.enable(world.now, 0)).login("e");
  expect(world.only("drop")).toEqual([
    "drop c disabled",
    "drop d disabled",
    "drop e shutting_down",
  ]);
});

test("a shutdown waits for those on the console as well", () => {
  const world = new World();
  const user = world.core.user("u");
  world.turn(() => {
    world.core.console(world.now, user, 1);
    world.core.shutdown(world.now, "wait_for_clients");
  });
  expect(world.ticks().only("stopped")).toEqual([]);
  world.turn(() => world.core.console(world.now, user, -1)).ticks();
  expect(world.only("stopped")).toEqual(["stopped"]);
});

for (const mode of ["wait_for_servers", "wait_for_clients"] as const) {
  test(`shutdown ${mode} refuses new clients`, () => {
    const world = new World().login("a");
    world
      .turn(() => world.core.shutdown(world.now, mode))
      .quiet()
      .login("b");
    expect(world.only("drop", "welcome")).toEqual(["drop b shutting_down"]);
  });
}

// --- names -------------------------------------------------------------------------------------------

test("a database without an entry: none, or one made from `*`", () => {
  expect(new World().core.database("nowhere")).toBe(-1);
  const world = new World({ autodb: { name: "*", pool_size: 7 } }).login("a", "u", "nowhere");
  expect(world.pool("u", "nowhere").size).toBe(7);
});

test("a forced user: all clients of the entry share one pool, under its settings", () => {
  const world = new World({
    databases: [{ name: "db", forced_user: "app" }],
    users: [
      { name: "app", pool_size: 4, pool_mode: "session" },
      { name: "u", pool_size: 9, pool_mode: "statement" },
    ],
  });
  world.login("a", "u").login("b", "v");
  expect(world.core.pools).toHaveLength(1);
  expect([world.pool("app").size, world.pool("app").mode]).toEqual([4, "session"]);
});

const modes: readonly [Partial<CoreSettings>, string, string][] = [
  [{ pool_mode: "session" }, "session", "global"],
  [{ databases: [{ name: "db", pool_mode: "statement" }] }, "statement", "database before global"],
  [
    {
      databases: [{ name: "db", pool_mode: "statement" }],
      users: [{ name: "u", pool_mode: "session" }],
    },
    "session",
    "user before database",
  ],
];
for (const [changes, want, why] of modes) {
  test(`override: pool_mode ${want}: ${why}`, () => {
    expect(new World(changes).login("a").pool().mode).toBe(want);
  });
}

// --- client_login_timeout ------------------------------------------------------------------------------

// Accepted at 0, never authenticated: the third tick against the limit.
const logins = [
  [3 * TICK - 1, 3, "past the limit"],
  [3 * TICK, 4, "exactly the limit is not past it (strict)"],
] as const;
for (const [client_login_timeout, tick, why] of logins) {
  test(`client_login_timeout ${client_login_timeout} ns: dropped at tick ${tick}: ${why}`, () => {
    const world = new World({ client_login_timeout }).turn();
    world.turn(() => world.accept("a")).tick(tick - 1);
    expect(world.take()).toEqual([]);
    expect(world.tick(tick).take()).toEqual(["drop a client_login_timeout"]);
  });

  test(`client_login_timeout ${client_login_timeout} ns, welcome unknown: tick ${tick}: ${why}`, () => {
    const world = new World({ client_login_timeout }, { connect: HAND }).login("a").quiet();
    world.tick(tick - 1);
    expect(world.take()).toEqual([]);
    expect(world.tick(tick).take()).toEqual(["drop a login_server_down"]);
  });
}

test("client_login_timeout counts from the accept, however long the login has taken", () => {
  const world = new World({ client_login_timeout: 6 * TICK }, { connect: HAND });
  world.turn(() => world.accept("a")).tick(5);
  world.turn(() => {
    world.startup("a");
    world.core.authenticated(world.now, world.client("a"));
  });
  world.quiet().tick(6);
  expect(world.take()).toEqual([]);
  expect(world.tick(7).take()).toEqual(["drop a login_server_down"]);
});

test("client_login_timeout 0 waits for ever", () => {
  const world = new World({ client_login_timeout: 0, query_wait_timeout: 0 }, { connect: HAND });
  world
    .login("a")
    .turn(() => world.accept("b"))
    .quiet()
    .to(seconds(500));
  expect(world.only("drop")).toEqual([]);
});

test("client_login_timeout does not touch a logged-in client whose pool lost its welcome", () => {
  const world = new World({ client_login_timeout: seconds(2) }).logins("a b").request("a");
  world.connectTime = HAND;
  world
    .turn(() => world.core.reconnect(world.now))
    .request("b")
    .quiet()
    .to(seconds(9));
  expect(world.only("drop")).toEqual([]);
});
