/** Console commands that meet a client or a server in the middle of something. */
import { expect, test } from "vitest";
import { HAND } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test("RECONNECT does not mark a server that is held back for a cancel (for_each_server)", () => {
  const world = warmed(1, {}, { answer: HAND }).request("w1").cancel("x", "w1").finish("w1");
  world
    .turn(() => world.core.reconnect(world.now))
    .quiet()
    .close("s2");
  expect(world.only("close")).toEqual([]);
});

test("DISABLE is looked at when the login ends, also after the wait for the welcome (finish_client_login)", () => {
  const world = new World({}, { connect: HAND }).login("a").quiet();
  world.turn(() => world.core.disable(world.now, 0)).connect("s1");
  expect(world.only("welcome", "drop")).toEqual(["drop a disabled"]);
});

test("a shutdown refuses clients whose login has begun (finish_client_login)", () => {
  const world = warm(1);
  world.turn(() => {
    world.accept("a");
    world.startup("a");
  });
  world.turn(() => world.core.shutdown(world.now, "wait_for_clients")).quiet();
  world.turn(() => world.core.authenticated(world.now, world.client("a")));
  expect(world.take()).toEqual(["drop a shutting_down"]);
});

test("SHUTDOWN WAIT_FOR_SERVERS: one that asks meanwhile is dropped at once, not at the tick (pause_client)", () => {
  const world = warm(1).login("a").request("w1");
  world
    .turn(() => world.core.shutdown(world.now, "wait_for_servers"))
    .quiet()
    .request("a");
  expect(world.take()).toEqual(["drop a server_shutting_down"]);
});
