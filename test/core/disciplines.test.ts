/** Who of those that wait is served next, where it is not PgBouncer's rule. */
import { describe, expect, test } from "vitest";
import { DISCIPLINES } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { warmed } from "./warm.ts";
import { World } from "./world.ts";

/** Input of a turn: a waiter looks for an idle server by itself. */
const look = (name: string) => (world: World) =>
  void world.core.seek(world.now, world.client(name));

/** A warm pool of `size` servers under a discipline. */
const under = (name: keyof typeof DISCIPLINES, size: number, changes = {}) =>
  warmed(size, changes, { discipline: DISCIPLINES[name] });

describe("lifo", () => {
  test("the youngest waiter has the server that is released, in the same instant", () => {
    const world = under("lifo", 1).logins("a b c d").request("a b c d").quiet();
    world.finish("a").finish("d").finish("c");
    expect(world.only("grant")).toEqual(["grant d s1", "grant c s1", "grant b s1"]);
  });

  test("the queue stays in the order of arrival: the oldest is dropped first", () => {
    const world = under("lifo", 1, { query_wait_timeout: seconds(1) });
    world.logins("a b c").request("a b").wait(seconds(0.9)).request("c").quiet().wait(seconds(0.5));
    expect(world.only("drop")).toEqual(["drop b query_wait_timeout"]);
    expect(world.queue()).toBe("c");
  });

  test("a server that comes back from its reset goes to the youngest as well", () => {
    const world = under("lifo", 1, { pool_mode: "session" }).leave("w1").logins("a b c");
    world.request("a b c").finish("a").quiet().leave("a");
    expect(world.only("grant")).toEqual(["grant c s1"]);
  });

  test("a finished login counts as a release", () => {
    const world = under("lifo", 1, { default_pool_size: 2 }).logins("a b");
    world.connectTime = HAND;
    world.request("w1 a b").quiet().connect("s2");
    expect(world.only("grant")).toEqual(["grant b s2"]);
  });
});

describe("race", () => {
  test("a server that is released is idle, and the first waiter is told to look", () => {
    const world = under("race", 1).logins("a b c").request("a b c").quiet().finish("a");
    expect(world.take()).toEqual(["unlink a s1 transaction_end", "rouse b"]);
    expect(world.idle()).toBe("s1");
    expect(world.queue()).toBe("c b");
    world.turn(look("b"));
    expect(world.take()).toEqual(["grant b s1"]);
    expect(world.stat("wait_time")).toBe(0);
  });

  test("who comes before the waiter is awake has it, and the waiter is the last of the queue", () => {
    const world = under("race", 1)
      .logins("a b c")
      .request("a b c")
      .quiet()
      .finish("a")
      .request("a");
    expect(world.only("grant")).toEqual(["grant a s1"]);
    world.quiet().turn(look("b"));
    expect(world.take()).toEqual([]);
    expect(world.queue()).toBe("c b");
    world.finish("a");
    expect(world.only("rouse")).toEqual(["rouse c"]);
  });

  test("an idle server is spoken for by one waiter: connections are opened for the others only", () => {
    const world = under("race", 1, { default_pool_size: 4 }).logins("a b c d e");
    world.connectTime = HAND;
    world.request("a b").finish("a").connect("s2").quiet().wait(seconds(1));
    expect(world.only("open")).toEqual([]);
    world.request("c d e").quiet().connect("s3");
    expect(world.queue().split(" ").sort()).toEqual(["b", "e"]);
    expect(world.idle()).toBe("s3");
    expect(world.only("open")).toEqual(["open s4 demand"]);
  });
});

describe("poll", () => {
  test("each that waits is told to look, and told again when it finds nothing", () => {
    const world = under("poll", 1).logins("a b").request("a b");
    expect(world.only("wait", "rouse")).toEqual(["wait b no_idle_server", "rouse b"]);
    world.quiet().turn(look("b"));
    expect(world.take()).toEqual(["rouse b"]);
  });

  test("a server that is released waits for whoever looks first", () => {
    const world = under("poll", 1).logins("a b c").request("a b c").quiet().finish("a");
    expect(world.take()).toEqual(["unlink a s1 transaction_end"]);
    world.wait(seconds(2)).turn(look("c")).turn(look("b"));
    expect(world.only("grant", "rouse")).toEqual(["grant c s1", "rouse b"]);
    expect(world.stat("wait_time")).toBe(seconds(2));
  });
});

for (const name of ["lifo", "race", "poll"] as const) {
  test(`${name}: clients that wait for the welcome of a cold pool all have it`, () => {
    const cold = new World(
      { default_pool_size: 1 },
      { discipline: DISCIPLINES[name], connect: HAND },
    );
    cold.logins("a b c").connect("s1");
    expect(cold.only("welcome")).toEqual(["welcome a", "welcome b", "welcome c"]);
  });

  test(`${name}: PAUSE holds the waiters, RESUME gives them a connection`, () => {
    const world = under(name, 1).logins("a b").request("a b");
    world
      .turn(() => world.core.pause(world.now))
      .finish("a")
      .quiet();
    world.turn(look("b"));
    expect(world.only("grant")).toEqual([]);
    world.turn(() => world.core.resume(world.now)).quiet();
    if (name !== "lifo") world.turn(look("b"));
    expect(world.log.map(({ text }) => text)).toContain("grant b s2");
  });
}

test("PgBouncer's discipline tells nobody to look", () => {
  const world = warmed(1, {}, {}).logins("a b c").request("a b c").finish("a").finish("b");
  expect(world.only("rouse")).toEqual([]);
});
