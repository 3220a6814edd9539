/** RELOAD: new settings, entries that change, go and come back, and the `*` entry. */
import { expect, test } from "vitest";
import { type CoreSettings, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { memory } from "./inside.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

const db = { name: "db" };
const other = { name: "other" };
const two = { databases: [db, other] };

const reload = (world: World, changes: Partial<CoreSettings>): World =>
  world.turn(() => world.core.reload(world.now, { ...world.core.settings, ...changes }));

// --- settings --------------------------------------------------------------------------------------------

test("RELOAD: new limits hold at once, also for pools that are there", () => {
  const world = warm(1).login("a").request("w1 a").quiet();
  reload(world, { default_pool_size: 2 });
  expect(world.only("open", "grant")).toEqual(["open s2 demand", "grant a s2"]);
});

test("RELOAD: a user's entry that is gone leaves the global settings", () => {
  const world = warm(1, { users: [{ name: "u", pool_size: 9, query_timeout: TICK }] });
  expect(world.pool().size).toBe(9);
  reload(world, { users: [] });
  expect([world.pool().size, world.pool().query_timeout]).toEqual([1, 0]);
});

// --- entries of [databases] ------------------------------------------------------------------------------

test("RELOAD: new entries can be used", () => {
  const world = reload(warm(1), two).quiet().login("a", "u", "other");
  expect(world.only("welcome")).toEqual(["welcome a"]);
});

test("RELOAD: a changed target acts like RECONNECT for that entry only", () => {
  const databases = [
    { ...db, target: "one" },
    { ...other, target: "one" },
  ] as const;
  const world = new World({ databases }).login("a").login("b", "u", "other").quiet();
  reload(world, { databases: [{ ...db, target: "two" }, databases[1]] });
  expect(world.ticks().take()).toEqual(["close s1 changed"]);
});

test("RELOAD: an entry that is gone is killed, the others stay", () => {
  const world = new World(two).login("a").login("b", "u", "other").quiet();
  reload(world, { databases: [other] });
  expect(world.take()).toEqual(["drop a killed", "close s1 killed"]);
  expect(world.quiet().request("b").only("grant")).toEqual(["grant b s2"]);
});

test("RELOAD: an entry that is gone cannot be used any more (config_postprocess, kill_database)", () => {
  const world = reload(new World(two).login("a"), { databases: [other] });
  expect([world.core.database("db"), world.core.databases.length]).toEqual([-1, 1]);
  expect(world.core.database("other")).toBeGreaterThanOrEqual(0);
});

test("RELOAD: a client within its login goes with its entry", () => {
  const world = new World(two);
  world.turn(() => {
    world.accept("a");
    world.startup("a");
    world.accept("b");
    world.startup("b", "u", "other");
  });
  reload(world.quiet(), { databases: [other] });
  expect(world.take()).toEqual(["drop a killed"]);
});

// An entry that was paused and disabled, had clients and counted them; then it is away for a while, or not.
for (const away of [false, true]) {
  test(`RELOAD: an entry that ${away ? "was gone and is back is a new one" : "stays is as it was"} (kill_database frees it)`, () => {
    const world = new World({ ...two, max_db_client_connections: 2 }).login("a").request("a");
    world.turn(() => {
      world.core.pause(world.now, 0);
      world.core.disable(world.now, 0);
    });
    if (away) reload(world, { databases: [other] });
    reload(world, two);
    const [entry] = world.core.databases;
    expect(entry).toMatchObject({ paused: !away, disabled: !away, clients: away ? 0 : 1 });
    expect(world.core.pools.map((pool) => pool.stats[2])).toEqual(away ? [] : [1]);
    world.quiet().login("b");
    if (away) expect(world.request("b").only("grant")).toEqual(["grant b s2"]);
    else expect(world.only("drop")).toEqual(["drop b disabled"]);
    // PAUSEs that are forgotten do not keep every turn busy.
    expect(memory(world.core).held).toBe(away ? 0 : 1);
  });
}

test("RELOAD: the handle of an entry that is gone may be another's later", () => {
  const world = new World(two).login("a").request("a");
  reload(world, { databases: [other, { name: "third", pool_size: 7 }] });
  reload(world, { databases: [other, { name: "third", pool_size: 7 }, db] });
  world.quiet().login("b", "u", "third").request("b").login("c");
  expect(world.only("grant")).toEqual(["grant b s2"]);
  expect([world.pool("u", "third").size, world.pool().size]).toEqual([7, 20]);
  expect([world.stat("query_count", "u", "third"), world.stat("query_count")]).toEqual([1, 0]);
  expect(world.core.databases.map(({ connections }) => connections)).toEqual([1, 0, 1]);
});

// Somebody on the console waits for the end of either, which comes with the end of the entry.
for (const [command, want] of [
  ["pause", "paused db"],
  ["waitClose", "reconnected db"],
] as const) {
  test(`RELOAD: an entry that goes completes what waits for it: ${command}`, () => {
    const world = new World(two).login("a").request("a");
    world.turn(() => {
      world.core.reconnect(world.now);
      world.core[command](world.now, 0);
    });
    expect(world.only("paused", "reconnected")).toEqual([]);
    reload(world, { databases: [other] });
    expect(world.only("paused", "reconnected")).toEqual([want]);
    expect(memory(world.core).held).toBe(0);
  });
}

// --- the `*` entry -----------------------------------------------------------------------------------------

const star = { name: "*", pool_size: 3, target: "one", text: "first" };

// What of `*` is changed -> do the servers of the entries made from it go? (tag_autodb_dirty)
const changes = [
  [{}, false, "the same again"],
  [{ target: "two" }, true, "they are somewhere else now"],
  [{ pool_size: 7 }, true, "a size, which needs no new servers in an entry that is written"],
  [{ text: "second" }, true, "something that only the host knows"],
] as const;
for (const [change, want, why] of changes) {
  test(`RELOAD: \`*\` with ${JSON.stringify(change)}: servers of its entries ${want ? "go" : "stay"}: ${why}`, () => {
    const world = new World({ autodb: star }).login("a", "u", "made").login("b");
    world.connectTime = HAND;
    reload(world.quiet(), { autodb: { ...star, ...change } });
    world.login("c", "u", "made").login("d").ticks();
    const made = ["wait c login", "open s3 welcome", "welcome d", "close s1 changed"];
    expect(world.take()).toEqual(want ? made : ["welcome c", "welcome d"]);
  });
}

test("RELOAD: a changed `*` entry reaches the entries made from it (tag_autodb_dirty)", () => {
  const world = new World({ autodb: star }).login("a", "u", "made").login("b");
  reload(world, { autodb: { ...star, pool_size: 7 } });
  expect([world.pool("u", "made").size, world.pool().size]).toEqual([7, 20]);
});

test("RELOAD: a `*` entry that is not written any more still holds (set_autodb, set_dbs_dead)", () => {
  const world = new World({ autodb: star }).login("a", "u", "made").quiet();
  reload(world, { autodb: undefined });
  expect(world.ticks().request("a").take()).toEqual(["grant a s1"]);
  expect(world.login("b", "u", "new").only("welcome")).toEqual(["welcome b"]);
  expect([world.pool("u", "made").size, world.pool("u", "new").size]).toEqual([3, 3]);
});

test("RELOAD: an entry that is gone goes although there is a `*`, which makes it anew", () => {
  const world = new World({ ...two, autodb: star }).login("a").request("a").finish("a").quiet();
  reload(world, { databases: [other] });
  expect(world.only("drop", "close")).toEqual(["drop a killed", "close s1 killed"]);
  world.login("b");
  expect([world.pool().size, world.stat("query_count")]).toEqual([3, 0]);
});

test("RELOAD: an entry made from `*` that is written now keeps its servers, and goes when it is not", () => {
  const world = new World({ autodb: star }).login("a", "u", "made").quiet();
  const databases = [db, { name: "made", target: "one", pool_size: 9 }];
  reload(world, { databases, autodb: { ...star, pool_size: 7 } });
  expect(world.ticks().take()).toEqual([]);
  expect(world.pool("u", "made").size).toBe(9);
  reload(world, { databases: [db] });
  expect(world.only("drop")).toEqual(["drop a killed"]);
});

test("RELOAD: a `*` entry that comes changes no entry that is written", () => {
  const world = warmed(1, {}, {}).quiet();
  expect(reload(world, { autodb: star }).wait(seconds(1)).take()).toEqual([]);
  expect(world.pool().size).toBe(1);
});
