/** KILL and KILL_CLIENT. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

const two = { databases: [{ name: "db" }, { name: "other" }] };
const all = -1;

for (const database of [all, 0]) {
  test(`KILL ${database}: closes all clients and servers and leaves the entry paused`, () => {
    const changes = { server_check_delay: seconds(1), default_pool_size: 2 };
    const world = warmed(2, changes, { connect: HAND, answer: HAND }).to(seconds(2));
    world.logins("a b").request("a").cancel("x", "w1").quiet();
    expect(world.pool().tested.length + world.pool().used.length).toBe(2);
    world.turn(() => world.core.kill(world.now, database));
    expect(world.take().sort()).toEqual([
      "close s1 killed",
      "close s2 killed",
      "drop a killed",
      "drop b killed",
      "drop w1 killed",
      "drop w2 killed",
    ]);
    expect([world.core.clientCount, world.core.serverCount]).toEqual([0, 0]);
    expect(world.core.databases[0]?.paused).toBe(true);
    expect(world.core.resume(world.now)).toBe(false);
  });
}

test("KILL: a client at work goes with its server, a cancel with its carrier", () => {
  const world = warmed(1, {}, { answer: HAND }).request("w1").cancel("x", "w1").quiet();
  world.turn(() => world.core.kill(world.now, 0));
  expect(world.only("drop").sort()).toEqual(["drop w1 killed", "drop x cancel_done"]);
  expect([world.core.clientCount, world.core.serverCount]).toEqual([0, 0]);
});

test("KILL db: other entries are not touched", () => {
  const world = new World(two).login("a").login("b", "u", "other").quiet();
  world.turn(() => world.core.kill(world.now, 0)).request("b");
  expect(world.only("drop", "close", "grant")).toEqual([
    "drop a killed",
    "close s1 killed",
    "grant b s2",
  ]);
});

test("KILL of all pauses only entries that have a pool (admin_cmd_kill)", () => {
  const world = new World({ databases: [{ name: "db" }, { name: "unused" }] }).login("a");
  world.turn(() => world.core.kill(world.now));
  expect(world.core.databases.map((entry) => entry.paused)).toEqual([true, false]);
});

test("KILL: a server that a session leaves ready goes to no waiter of the entry", () => {
  const changes = { pool_mode: "session", server_reset_query: false } as const;
  const world = warm(1, changes).login("a").request("a").quiet();
  world.turn(() => world.core.kill(world.now, 0));
  expect(world.take().sort()).toEqual([
    "close s1 killed",
    "drop a killed",
    "drop w1 killed",
    "unlink w1 s1 session_end",
    "wait a paused",
  ]);
});

// What PgBouncer keeps here has a pool that is not there any more (kill_pool frees it, and leaves the
// list of logins alone): that is a fault of its memory and no rule.
const logins = [
  [true, ["drop a killed"], "its pool is gone"],
  [false, [], "it has not said yet where it wants to go"],
] as const;
for (const [startup, want, why] of logins) {
  test(`KILL: a client within its login ${startup ? "goes" : "stays"}: ${why}`, () => {
    const world = warm(1);
    world.turn(() => {
      world.accept("a");
      if (startup) world.startup("a");
    });
    world.turn(() => world.core.kill(world.now, 0));
    expect(world.only("drop a")).toEqual(want);
  });
}

// --- the pool is forgotten (kill_pool) -------------------------------------------------------------------

test("KILL: after RESUME the entry works again, and its first client waits for a new welcome", () => {
  const world = warm(1);
  world.turn(() => world.core.kill(world.now, 0)).turn(() => world.core.resume(world.now, 0));
  world.quiet().login("a").request("a");
  expect(world.take()).toEqual([
    "wait a login",
    "open s2 welcome",
    "login s2",
    "welcome a",
    "grant a s2",
  ]);
});

test("KILL db: its pools are gone with their statistics, those of others are not", () => {
  const world = new World(two).login("a").request("a").finish("a");
  world.login("b", "u", "other").request("b");
  world.turn(() => world.core.kill(world.now, 0));
  expect(world.core.pools.map((pool) => pool.database.settings.name)).toEqual(["other"]);
  expect(world.stat("query_count", "u", "other")).toBe(1);
  world.turn(() => world.core.resume(world.now, 0)).login("c");
  expect([world.stat("query_count"), world.stat("client_login_count")]).toEqual([0, 1]);
  expect(world.stat("query_count", "u", "other")).toBe(1);
});

test("KILL of all: no pool is left, and new ones do not share what was counted", () => {
  const world = new World(two).login("a").request("a").login("b", "u", "other").request("b");
  world.turn(() => world.core.kill(world.now));
  expect(world.core.pools).toEqual([]);
  for (const { id } of world.core.databases) world.core.resume(world.now, id);
  // In the other order: what was forgotten first is made anew last.
  world.login("d", "u", "other").login("c").request("c");
  const counts = ["db", "other"].map((name) => world.stat("query_count", "u", name));
  expect(counts).toEqual([1, 0]);
  expect(world.core.pools.map((pool) => pool.servers)).toEqual([1, 1]);
});

// A login that KILL cuts would count as a failed one, for the pool that it was in.
for (const [killed, want] of [
  [false, []],
  [true, ["open s3 welcome"]],
] as const) {
  test(`KILL ends server_login_retry, nothing else does before it is over (killed: ${killed})`, () => {
    const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1");
    if (killed)
      world.turn(() => world.core.kill(world.now, 0)).turn(() => world.core.resume(world.now, 0));
    else world.fail("s2");
    expect(world.quiet().login("a").only("open")).toEqual(want);
  });
}

for (const [killed, want] of [
  [false, ["drop a server_login_retry"]],
  [true, ["wait a login"]],
] as const) {
  test(`KILL ends failing fast (killed: ${killed})`, () => {
    const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1").fail("s2");
    if (killed)
      world.turn(() => world.core.kill(world.now, 0)).turn(() => world.core.resume(world.now, 0));
    world.quiet().login("a");
    if (!killed) world.request("a");
    expect(world.only("drop a", "wait a")).toEqual(want);
  });
}

// --- KILL_CLIENT -----------------------------------------------------------------------------------------

const closed = (reason: string) => [
  "unlink a s1 not_ready",
  `close s1 ${reason}`,
  "drop a admin_kill",
];
const released = ["unlink a s1 session_end", "reset s1", "drop a admin_kill"];

const victims = [
  ["idle", "transaction", ["drop a admin_kill"], "only its socket"],
  ["waiting", "transaction", ["drop a admin_kill"], "from the queue"],
  ["busy", "transaction", closed("not_ready"), "its server is not ready: closed too"],
  ["within a transaction", "transaction", closed("not_ready"), "nobody else could go on with it"],
  ["idle", "session", released, "its server is ready: reset for the next"],
  ["busy", "session", closed("not_ready"), "its server is not ready: closed too"],
  ["within a transaction", "session", closed("not_ready"), "nobody else could go on with it"],
] as const;
for (const [state, pool_mode, want, why] of victims) {
  test(`KILL_CLIENT of one that is ${state}, ${pool_mode} mode: ${why} (disconnect_client_sqlstate)`, () => {
    const world = new World({ pool_mode, default_pool_size: 1 }, { answer: HAND }).logins("a b");
    if (state === "waiting") world.request("b a");
    else world.request("a");
    if (state === "idle") world.finish("a");
    if (state === "within a transaction") world.finish("a", "transaction");
    world.quiet();
    world.turn(() => expect(world.core.killClient(world.now, world.client("a"))).toBe(true));
    expect(world.take()).toEqual(want);
  });
}

test("KILL_CLIENT: the session's server goes to the next client, after its reset", () => {
  const world = warm(1, { pool_mode: "session" }).login("a").request("a").quiet();
  world.turn(() => world.core.killClient(world.now, world.client("w1")));
  expect(world.only("reset", "close", "grant")).toEqual(["reset s1", "grant a s1"]);
});

test("KILL_CLIENT: a handle that nobody has", () => {
  const world = warm(1);
  expect(world.core.killClient(0, 17)).toBe(false);
  expect(world.core.killClient(0, -1)).toBe(false);
});

test("KILL_CLIENT: its waiting place goes to the next", () => {
  const world = warm(1).logins("a b c").request("a b c");
  world
    .turn(() => world.core.killClient(world.now, world.client("b")))
    .quiet()
    .finish("a");
  expect(world.only("grant")).toEqual(["grant c s1"]);
});
