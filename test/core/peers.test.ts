/** Cancel requests that another pooler has to deal with: handed on over connections of a peer's pool. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { World } from "./world.ts";

const PEERS = { peers: [{ id: 2 }, { id: 3, pool_size: 1 }] };

/** `names` ask to cancel a query at `peer`, in one turn each. */
function hand(world: World, peer: number, ...names: string[]): World {
  for (const name of names)
    world.turn(() => {
      world.accept(name);
      world.core.cancelAtPeer(world.now, world.client(name), peer);
    });
  return world;
}

test("a connection is opened, carries the key and is closed; nothing logs in", () => {
  const world = hand(new World(PEERS), 2, "x");
  expect(world.take()).toEqual(["open s1 cancel", "cancel x s1 ?", "drop x cancel_done"]);
  expect([world.core.serverCount, world.core.clientCount, world.core.pools.length]).toEqual([
    0, 0, 0,
  ]);
});

test("a peer that is not in [peers]: dropped", () => {
  expect(hand(new World(PEERS), 4, "x").take()).toEqual(["drop x cancel_no_peer"]);
});

test("one connection is made at a time, and pool_size bounds those under way", () => {
  const world = hand(new World(PEERS, { connect: HAND, answer: HAND }), 3, "x", "y");
  expect(world.only("open")).toEqual(["open s1 cancel"]);
  world.connected("s1");
  expect(world.only("open")).toEqual([]);
  world.close("s1");
  expect(world.only("open")).toEqual(["open s2 cancel"]);
});

test("without a pool_size of its own default_pool_size holds", () => {
  const changes = { ...PEERS, default_pool_size: 2 };
  const world = hand(new World(changes, { connect: HAND, answer: HAND }), 2, "x", "y", "z");
  world.connected("s1").connected("s2");
  expect(world.only("open")).toEqual(["open s1 cancel", "open s2 cancel"]);
});

test("the request has gone when the connection stands: closed, and no failure is remembered", () => {
  const world = hand(new World(PEERS, { connect: HAND }), 2, "x")
    .leave("x")
    .quiet();
  world.connected("s1");
  expect(world.take()).toEqual(["close s1 cancel_given_up"]);
  expect(hand(world, 2, "y").only("open")).toEqual(["open s2 cancel"]);
});

test("a peer that cannot be reached is tried again after server_login_retry", () => {
  const world = hand(new World(PEERS, { connect: HAND }), 2, "x")
    .fail("s1")
    .quiet();
  world.to(seconds(9)); // cancel_wait_timeout is 10 s
  expect(world.only("open")).toEqual([]);
  hand(world.to(seconds(14.9)), 2, "y").to(seconds(15.5));
  expect(world.only("open")).toEqual(["open s2 cancel"]);
});

// cancel_wait_timeout, server_connect_timeout, why the connection is closed
const limits = [
  [1, 2, "cancel_wait_timeout"],
  [2, 1, "connect_timeout"],
  [1, 1, "connect_timeout"], // It is looked at first.
  [1, 0, "cancel_wait_timeout"],
  [0, 1, "connect_timeout"],
] as const;
for (const [cancel, connect, why] of limits) {
  test(`a peer that does not answer: cancel_wait_timeout ${cancel}, server_connect_timeout ${connect}: ${why}`, () => {
    const timeouts = {
      cancel_wait_timeout: seconds(cancel),
      server_connect_timeout: seconds(connect),
    };
    const world = hand(new World({ ...PEERS, ...timeouts }, { connect: HAND }), 2, "x")
      .quiet()
      .to(seconds(1.4));
    const dropped = cancel === 1 ? ["drop x cancel_wait_timeout"] : [];
    expect(world.take()).toEqual([`close s1 ${why}`, ...dropped]);
  });
}

test("a server is given server_connect_timeout, whatever a cancel request may wait", () => {
  const world = new World({ cancel_wait_timeout: seconds(1) }, { connect: HAND });
  world.login("a").to(seconds(3));
  expect(world.only("close")).toEqual([]);
});

test("a PAUSE does not keep cancel requests from a peer", () => {
  const world = new World(PEERS);
  world.turn(() => world.core.pause(world.now));
  expect(hand(world, 2, "x").only("cancel")).toEqual(["cancel x s1 ?"]);
});

test("RELOAD without the peer: its requests and connections go", () => {
  const world = hand(new World(PEERS, { connect: HAND, answer: HAND }), 2, "x", "y").connected(
    "s1",
  );
  const { peers: _, ...rest } = world.core.settings;
  world.quiet().turn(() => world.core.reload(world.now, rest));
  expect(world.take()).toEqual([
    "drop y peer_removed",
    "drop x peer_removed",
    "close s1 peer_removed",
    "close s2 peer_removed",
  ]);
  expect(hand(world, 2, "z").take()).toEqual(["drop z cancel_no_peer"]);
});
