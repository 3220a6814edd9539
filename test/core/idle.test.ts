/** Pools and automatic databases that nobody uses are forgotten, with what was counted for them. */
import { expect, test } from "vitest";
import { seconds } from "./helpers.ts";
import { World } from "./world.ts";

const POOLS = { pool_idle_timeout: seconds(5), server_idle_timeout: seconds(1) };

/** A pool that has served one query; nobody is there any more, and its server idles. */
const left = (changes: object): World =>
  new World(changes).login("a").request("a").finish("a").leave("a");

const forgotten = (world: World): string[] => world.only("forgotten");

// Ticks are 1/3 s apart: the server goes at the first after 1 s (4), and the pool was last seen in use there.
test("pool_idle_timeout counts from the last tick with a client or a server, strictly", () => {
  const world = left(POOLS);
  expect(forgotten(world.tick(18))).toEqual([]); // seen in use at tick 3: 15 ticks are 5 s short of 5 us
  expect(forgotten(world.tick(19))).toHaveLength(1);
  expect(world.core.pools).toHaveLength(0);
});

test("0 keeps pools for ever", () => {
  const world = left({ ...POOLS, pool_idle_timeout: 0 }).to(seconds(60));
  expect(world.core.pools).toHaveLength(1);
});

test("a client that only sits there keeps its pool", () => {
  const world = new World(POOLS).login("a").request("a").finish("a").to(seconds(30));
  expect(world.core.pools).toHaveLength(1);
});

test("the pool of a client that has not finished its login is kept", () => {
  const world = left({ ...POOLS, client_login_timeout: 0 });
  world.turn(() => {
    world.accept("b");
    world.startup("b");
  });
  expect(world.to(seconds(30)).core.pools).toHaveLength(1);
  world.turn(() => world.core.disconnect(world.now, world.client("b"))).to(seconds(60));
  expect(world.core.pools).toHaveLength(0);
});

test("it is made anew, with statistics from zero, when a client comes again", () => {
  const world = left(POOLS).to(seconds(30)).login("b").request("b").finish("b");
  expect(world.stat("query_count")).toBe(1);
  expect(world.only("grant")).toEqual(["grant a s1", "grant b s2"]);
});

// Both sides of the exception: who would make the pool anew at once?
for (const [forced_user, want, why] of [
  ["app", 1, "the tick would make it anew"],
  [undefined, 0, "without clients nothing is opened"],
] as const) {
  test(`min_pool_size and user=${forced_user}: ${want} pools are left: ${why}`, () => {
    const databases = [{ name: "db", min_pool_size: 1, forced_user }];
    const world = new World(
      { ...POOLS, databases, server_login_retry: seconds(100) },
      { connect: -1 },
    );
    world
      .login("a")
      .fail("s1")
      .turn(() => world.core.killClient(world.now, world.client("a")));
    expect(world.to(seconds(30)).core.pools).toHaveLength(want);
  });
}

const AUTO = { databases: [], autodb: { name: "*" }, server_idle_timeout: seconds(1) };
const auto = (changes: object): World =>
  new World({ ...AUTO, autodb_idle_timeout: seconds(5), ...changes })
    .login("a", "u", "x")
    .request("a")
    .finish("a")
    .leave("a");

test("autodb_idle_timeout: the database goes with its pools, counted from the first tick unused", () => {
  const world = auto({});
  expect(forgotten(world.tick(19))).toEqual([]); // unused at tick 4
  expect(forgotten(world.tick(20))).toHaveLength(1);
  expect([world.core.pools.length, world.core.databases.length]).toEqual([0, 0]);
});

for (const [what, changes] of [
  ["0 seconds", { autodb_idle_timeout: 0 }],
  ["an entry of its own", { databases: [{ name: "x" }] }],
] as const) {
  test(`autodb_idle_timeout: with ${what} the database stays`, () => {
    expect(auto(changes).to(seconds(60)).core.databases).toHaveLength(1);
  });
}

test("autodb_idle_timeout: a paused database stays until RESUME", () => {
  const world = auto({});
  const id = world.core.database("x");
  world.turn(() => world.core.pause(world.now, id)).to(seconds(30));
  expect(world.core.databases).toHaveLength(1);
  world.turn(() => world.core.resume(world.now, id)).ticks(1);
  expect(world.core.databases).toHaveLength(0);
});

test("autodb_idle_timeout: a client that comes in time starts the count anew", () => {
  const world = auto({}).to(seconds(5)).login("b", "u", "x").leave("b").to(seconds(9));
  expect(world.core.databases).toHaveLength(1);
});
