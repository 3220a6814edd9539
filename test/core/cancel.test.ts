/** Cancel requests: their own queue, their own connections, absolute priority. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

test("a cancel opens a connection of its own at once, past every limit", () => {
  const world = warm(1, { max_db_connections: 1, max_user_connections: 1 }).request("w1").quiet();
  world.cancel("x", "w1");
  expect(world.take()).toEqual(["open s2 cancel", "cancel x s2 s1", "drop x cancel_done"]);
  expect(world.core.serverCount).toBe(1);
});

// Servers in a pool of 2 that is all busy -> is another cancel connection opened? (carriers stay by hand)
const rooms = [
  [0, true, "2 servers of 4"],
  [1, true, "3 of 4"],
  [2, false, "4 of 4: twice pool_size is reached"],
] as const;
for (const [carriers, want, why] of rooms) {
  test(`a cancel with ${carriers} on their way: ${want ? "opens" : "waits"}: ${why}`, () => {
    const world = warmed(2, {}, { answer: HAND }).request("w1 w2");
    for (let i = 0; i < carriers; i++) world.cancel(`c${i}`, "w1");
    world.quiet().cancel("x", "w2");
    expect(world.only("open")).toHaveLength(want ? 1 : 0);
  });
}

test("a cancel in an unlimited pool is bound by the other limits only (2 x 0 is no room of its own)", () => {
  const changes = { default_pool_size: 0, max_db_connections: 1 };
  const world = new World(changes).login("a").request("a").quiet().cancel("x", "a");
  expect(world.only("open")).toEqual([]);
  const free = new World({ default_pool_size: 0 }).login("a").request("a").quiet();
  expect(free.cancel("x", "a").only("open")).toEqual(["open s2 cancel"]);
});

// What the target does when the cancel comes.
const idle = [
  ["nobody", "an unknown key"],
  ["idle", "nothing to cancel"],
  ["waits", "it has no server yet"],
] as const;
for (const [target, why] of idle) {
  test(`a cancel for ${target}: dropped: ${why}`, () => {
    const world = warm(1).logins("idle waits").request("w1 waits").quiet().cancel("x", target);
    expect(world.take()).toEqual(["drop x cancel_idle"]);
  });
}

test("queued cancels come before waiters: a connection that was opened for a client carries one first", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND, answer: HAND }).login("a");
  world.request("w1 a").cancel("x", "w1").quiet();
  world.connected("s2");
  // The connection is used up by the cancel; then the waiter gets one of its own.
  expect(world.take()).toEqual(["cancel x s2 s1"]);
  world.close("s2");
  expect(world.take()).toEqual(["drop x cancel_done", "open s3 demand"]);
});

test("queued cancels keep waiters of the pool from being served at the end of a turn", () => {
  const changes = { default_pool_size: 2, server_check_delay: seconds(1) };
  const world = warmed(2, changes, { connect: HAND, answer: HAND }).to(seconds(2)).quiet();
  world.login("a").request("w1").answer("s1").cancel("x", "w1").quiet().request("a");
  // s2 is in the used list: without the cancel it would be checked for "a" now.
  expect(world.take()).toEqual(["wait a no_idle_server"]);
  world.connected("s3");
  expect(world.take()).toEqual(["cancel x s3 s1", "check s2"]);
});

test("a cancel whose query has ended before the connection stood is not sent", () => {
  const world = warmed(1, {}, { connect: HAND })
    .request("w1")
    .cancel("x", "w1")
    .finish("w1")
    .quiet();
  world.connected("s2");
  expect(world.take()).toEqual(["drop x cancel_late", "close s2 cancel_given_up"]);
});

test("a late cancel is no failed connect: no server_login_retry, no failing fast", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).login("a").request("w1");
  world.cancel("x", "w1").finish("w1").connected("s2").request("w1").quiet().request("a");
  expect(world.only("open")).toEqual(["open s3 demand"]);
  expect(world.pool().last_login_failed).toBe(false);
});

test("a late cancel does not forget an earlier failed login", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).login("a").request("w1 a");
  world.fail("s2").to(seconds(16)).cancel("x", "w1").finish("w1").quiet();
  expect(world.pool().last_login_failed).toBe(true);
  world.connected("s3");
  expect(world.pool().last_login_failed).toBe(true);
});

// A login has failed, and server_login_retry is over; then a connection is opened for a cancel request.
// It stands, so the server can be reached, but PgBouncer forgets the failure only if nothing was sent.
const carriers = [
  ["sent", 14.99, [], "server_login_retry runs anew from that connection on"],
  ["sent", 15, ["open s5 demand"], "to the end of it"],
  ["given up", 14.99, [], "the same"],
  ["given up", 15, ["open s5 demand"], "the same"],
  ["late", 0, ["open s5 demand"], "the failure is forgotten"],
] as const;
for (const [cancel, later, want, why] of carriers) {
  test(`a failed login, and ${later} s after a cancel that was ${cancel}: ${why} (disconnect_server)`, () => {
    const world = warmed(2, { default_pool_size: 3 }, { connect: HAND, answer: HAND });
    world.login("a").request("w1 w2 a").fail("s3");
    world.to(seconds(15.1)).cancel("x", "w1");
    if (cancel === "late") world.finish("w1").request("w1");
    world.quiet().connected("s4");
    if (cancel === "sent") world.close("s4");
    if (cancel === "given up") world.leave("x");
    world.wait(seconds(later)).turn();
    expect(world.only("open")).toEqual(want);
  });
}

test("a server whose cancel is on its way is held back until it has been sent", () => {
  const world = warmed(1, {}, { answer: HAND })
    .login("a")
    .request("w1 a")
    .cancel("x", "w1")
    .quiet();
  world.finish("w1");
  expect(world.take()).toEqual(["unlink w1 s1 transaction_end"]);
  expect(world.pool().being_canceled).toBe(1);
  world.close("s2");
  expect(world.take()).toEqual(["drop x cancel_done", "grant a s1"]);
});

test("a server with two cancels on their way is held back until the last", () => {
  const world = warmed(1, {}, { answer: HAND }).login("a").request("w1 a").cancel("x", "w1");
  const unlimited = { ...world.core.settings, default_pool_size: 2 };
  world
    .turn(() => world.core.reload(world.now, unlimited))
    .cancel("y", "w1")
    .quiet()
    .finish("w1");
  expect(world.pool().being_canceled).toBe(1);
  const carriers = world.pool().active_cancel;
  expect(carriers).toBe(2);
  world.quiet().close("s2");
  expect(world.only("grant")).toEqual([]);
  world.close("s3");
  expect(world.only("grant")).toEqual(["grant a s1"]);
});

test("a server held back for a cancel is still reset in session mode", () => {
  const world = warmed(1, { pool_mode: "session" }, { answer: HAND }).request("w1");
  world.cancel("x", "w1").finish("w1").leave("w1").quiet();
  expect(world.pool().being_canceled).toBe(1);
  world.close("s2");
  expect(world.take()).toEqual(["drop x cancel_done", "reset s1"]);
});

test("a cancel request whose client leaves: queued it is forgotten, on its way its connection ends", () => {
  const queued = warmed(1, {}, { connect: HAND })
    .request("w1")
    .cancel("x", "w1")
    .quiet()
    .leave("x");
  expect(queued.take()).toEqual([]);
  expect(queued.connected("s2").take()).toEqual(["login s2"]);
  const sent = warmed(1, {}, { answer: HAND }).request("w1").cancel("x", "w1").quiet().leave("x");
  expect(sent.only("close")).toEqual(["close s2 cancel_given_up"]);
  expect([sent.core.clientCount, sent.core.serverCount]).toEqual([1, 1]);
});

test("a cancel whose target server dies is not sent to a later server of the same handle", () => {
  const world = warmed(1, {}, { connect: HAND })
    .request("w1")
    .cancel("x", "w1")
    .close("s1")
    .quiet();
  world.connected("s2");
  expect(world.take()).toEqual(["drop x cancel_late", "close s2 cancel_given_up"]);
});

test("cancels are served in the order in which they came", () => {
  const world = warmed(2, {}, { connect: HAND, answer: HAND }).request("w1 w2");
  world.cancel("x", "w1").cancel("y", "w2").quiet().connected("s3");
  expect(world.take()).toEqual(["cancel x s3 s2", "open s4 cancel"]);
  world.connected("s4");
  expect(world.take()).toEqual(["cancel y s4 s1"]);
});

for (const what of ["everything", "the entry"]) {
  test(`a cancel has its connection during a PAUSE of ${what}: what it cancels is what that waits for`, () => {
    const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).request("w1").quiet();
    world.turn(() => world.core.pause(world.now, what === "everything" ? -1 : 0));
    world.cancel("x", "w1").connected("s2");
    expect(world.only("open", "cancel", "close")).toEqual(["open s2 cancel", "cancel x s2 s1"]);
  });
}

test("a PAUSE ends what is connecting when no cancel needs it", () => {
  const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).logins("a").request("w1 a");
  world.quiet().turn(() => world.core.pause(world.now));
  expect(world.only("close")).toEqual(["close s2 pause_mode"]);
});
