/** Who gets which server: the queue's order, the choice of an idle server, the hand-off. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test("queue: first in, first out", () => {
  const world = warm(1).logins("a b c d");
  world.request("a b c d");
  expect(world.queue()).toBe("b c d");
  world.quiet().finish("a").finish("b").finish("c");
  expect(world.only("grant")).toEqual(["grant b s1", "grant c s1", "grant d s1"]);
});

test("queue: a client that asks again goes to its end", () => {
  const world = warm(1).logins("a b");
  world.request("a b").finish("a").request("a").quiet();
  world.finish("b").request("b").finish("a").request("a").finish("b");
  expect(world.only("grant")).toEqual(["grant a s1", "grant b s1", "grant a s1"]);
});

// Which idle server: releases in the order s1, s2, s3, then three clients in turn.
const choices = [
  // round robin, servers taken one after the other, why
  [false, ["s3", "s3", "s3", "s3"], "last in, first out: one busy server, the rest may time out"],
  [true, ["s1", "s2", "s3", "s1"], "server_round_robin: back to the tail, taken from the head"],
] as const;
for (const [server_round_robin, want, why] of choices) {
  test(`choice: server_round_robin=${server_round_robin} takes ${want.join(" ")}: ${why}`, () => {
    const world = warm(3, { server_round_robin }).login("a").quiet();
    for (let i = 0; i < 4; i++) world.request("a").finish("a");
    expect(world.only("grant")).toEqual(want.map((server) => `grant a ${server}`));
  });
}

const handOffs = [
  [false, "s2", "the head is the server just released"],
  [true, "s2", "with nothing else idle, round robin has no other choice"],
] as const;
for (const [server_round_robin, want, why] of handOffs) {
  test(`hand-off: in the input itself, before the turn ends (round robin ${server_round_robin}): ${why}`, () => {
    const world = warm(2, { server_round_robin }).logins("a b c d");
    world.request("a b c d").quiet();
    const first = server_round_robin ? "b" : "a";
    const server = world.core.serverOf(world.client(first));
    world.core.ready(world.now, server, 0);
    // Not settled yet: the waiter must be linked already.
    expect(world.core.clientOf(server)).toBe(world.client("c"));
    world.turn();
    expect(world.take()).toEqual([`unlink ${first} ${want} transaction_end`, `grant c ${want}`]);
    expect(world.queue()).toBe("d");
  });
}

test("hand-off: only to a waiter of the same pool", () => {
  const world = new World({ default_pool_size: 1, max_db_connections: 2 }, { connect: 0 });
  world.login("a", "u").login("x", "v").request("a x").login("b", "u").login("y", "v");
  world.request("y b").quiet().finish("a");
  expect(world.take()).toEqual(["unlink a s1 transaction_end", "grant b s1"]);
  expect(world.queue("v")).toBe("y");
});

test("hand-off: a finished login counts as a release", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND });
  world.request("w1").login("a").request("a").connected("s2");
  world.core.loggedIn(world.now, world.server("s2"));
  expect(world.core.serverOf(world.client("a"))).toBe(world.server("s2"));
});

test("a client with a server keeps it within a transaction: no second grant", () => {
  const world = warm(2).login("a").request("a").quiet();
  world.finish("a", "transaction").request("a").finish("a", "failed").request("a");
  expect(world.take()).toEqual([]);
  world.finish("a");
  expect(world.take()).toEqual(["unlink a s2 transaction_end"]);
});

test("a client never jumps the queue: an idle server only stands free when nobody waits", () => {
  const world = warm(1).logins("a b c").request("a b").quiet();
  world.finish("a").request("c");
  expect(world.take()).toEqual([
    "unlink a s1 transaction_end",
    "grant b s1",
    "wait c no_idle_server",
  ]);
});

// --- waiters that have gone --------------------------------------------------------------------------

test("a waiter that left keeps its place; at its turn the server is passed on at the turn's end", () => {
  const world = warm(1).logins("a b c").request("a b c").leave("b").quiet();
  expect(world.queue()).toBe("b c");
  world.finish("a");
  expect(world.take()).toEqual([
    "unlink a s1 transaction_end",
    "grant b s1",
    "unlink b s1 client_gone",
    "grant c s1",
  ]);
});

test("a waiter that left is not counted as an assignment, but as time waited", () => {
  const world = warm(1).logins("a b").request("a b").leave("b").wait(seconds(2));
  const before = world.stat("server_assignment_count");
  world.finish("a");
  expect(world.stat("server_assignment_count")).toBe(before);
  expect(world.stat("wait_time")).toBe(seconds(2));
  expect(world.idle()).toBe("s1");
});

test("a waiter that left never used its server: no reset, also in session mode", () => {
  const world = warm(1, { pool_mode: "session" }).quiet();
  world.login("b").request("b").leave("b").quiet();
  world.leave("w1");
  expect(world.only("reset", "unlink", "grant")).toEqual([
    "unlink w1 s1 session_end",
    "reset s1",
    "grant b s1",
    "unlink b s1 client_gone",
  ]);
  expect(world.idle()).toBe("s1");
});

test("many waiters that left are worked off in one turn", () => {
  const world = warm(1).logins("a b c d e").request("a b c d e");
  for (const name of ["b", "c", "d"]) world.leave(name);
  world.quiet().finish("a");
  expect(world.only("grant")).toEqual(["grant b s1", "grant c s1", "grant d s1", "grant e s1"]);
  expect(world.queue()).toBe("");
});

// --- heads that cannot be used -----------------------------------------------------------------------

test("obsolete heads are closed one by one, and the client then waits for a new server", () => {
  const world = warm(2);
  world.turn(() => world.core.reconnect(world.now)).quiet();
  world.connectTime = HAND;
  world.request("w1");
  expect(world.take()).toEqual([
    "close s2 obsolete",
    "close s1 obsolete",
    "wait w1 no_idle_server",
    "open s3 welcome",
  ]);
});

test("a server that is to be closed waits at the tail: others are used first", () => {
  const world = new World({ default_pool_size: 3, pool_mode: "transaction" });
  world.logins("a b c").request("a b").finish("b").quiet();
  world.turn(() => world.core.reconnect(world.now));
  // Its login after the RECONNECT makes s3 the only good server; s2 is obsolete.
  world.request("c");
  expect(world.only("close", "grant", "open")).toEqual([
    "close s2 obsolete",
    "open s3 welcome",
    "grant c s3",
  ]);
});

test("a server that speaks unasked while idle is dirty: who meets it has another", () => {
  const world = warm(2).answer("s2", "busy");
  expect([world.take(), world.idle()]).toEqual([[], "s2 s1"]);
  expect(world.request("w1").take()).toEqual(["close s2 dirty", "grant w1 s1"]);
});

test("a server that has come to rest again before anybody met it is as good as before", () => {
  const world = warm(2).answer("s2", "busy").answer("s2");
  expect(world.request("w1").take()).toEqual(["grant w1 s2"]);
});

test("an idle server whose socket ends is gone without a word", () => {
  const world = warm(2).close("s2").request("w1");
  expect(world.take()).toEqual(["grant w1 s1"]);
});
