/** PAUSE, RESUME, RECONNECT, WAIT_CLOSE and shutdown. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

const two = { databases: [{ name: "db" }, { name: "other" }] };
const all = -1;

for (const database of [all, 0]) {
  const which = database === all ? "all" : "db";

  test(`PAUSE ${which}: closes idle, used and connecting servers at once, done without any at work`, () => {
    const world = warmed(
      3,
      { server_check_delay: seconds(1), default_pool_size: 4 },
      { connect: HAND },
    );
    world.to(seconds(0.9)).request("w1").finish("w1").to(seconds(1.5));
    world.login("a").request("w1 a w2 w3").finish("w1").quiet();
    expect(world.pool().login + world.pool().idle.length + world.pool().used.length).toBe(1);
    world.turn(() => world.core.pause(world.now, database));
    expect(world.only("close")).toEqual(["close s4 pause_mode"]);
  });

  test(`PAUSE ${which}: waits for servers at work, and is then reported once`, () => {
    const world = warm(2).request("w1").quiet();
    world.turn(() => world.core.pause(world.now, database));
    expect(world.take()).toEqual(["close s1 pause_mode"]);
    world.finish("w1");
    expect(world.take()).toEqual([
      "unlink w1 s2 transaction_end",
      "close s2 pause_mode",
      `paused ${which}`,
    ]);
    expect(world.to(seconds(5)).take()).toEqual([]);
  });

  test(`PAUSE ${which}: nobody is granted, clients may log in and wait; RESUME lets them go on`, () => {
    const world = warm(1).quiet();
    world
      .turn(() => world.core.pause(world.now, database))
      .login("a")
      .request("a w1")
      .ticks(3);
    expect(world.take()).toEqual([
      "close s1 pause_mode",
      `paused ${which}`,
      "welcome a",
      "wait a paused",
      "wait w1 paused",
    ]);
    world.turn(() => world.core.resume(world.now, database));
    expect(world.only("grant", "open")).toEqual(["open s2 demand", "grant a s2"]);
  });

  test(`PAUSE ${which}: a server released meanwhile goes to no waiter; the oldest one loses its place`, () => {
    const world = warm(1).logins("a b").request("w1 a b").quiet();
    world.turn(() => world.core.pause(world.now, database)).finish("w1");
    expect(world.only("grant")).toEqual([]);
    expect(world.queue()).toBe("b a");
  });

  test(`PAUSE ${which} in session mode: done when the client leaves and the reset is answered`, () => {
    const world = warmed(1, { pool_mode: "session" }, { answer: HAND });
    world
      .turn(() => world.core.pause(world.now, database))
      .leave("w1")
      .quiet();
    expect(world.pool().tested.length).toBe(1);
    world.answer("s1");
    expect(world.take()).toEqual(["close s1 pause_mode", `paused ${which}`]);
  });

  test(`PAUSE ${which}: a server at work stays linked for as long as its transaction`, () => {
    const world = warm(1)
      .request("w1")
      .turn(() => undefined)
      .quiet();
    world.turn(() => world.core.pause(world.now, database)).finish("w1", "transaction");
    world.request("w1").ticks(2);
    expect(world.take()).toEqual([]);
  });
}

test("PAUSE of all: the tick closes a server that is still being reset (check_unused_servers)", () => {
  const world = warmed(1, { pool_mode: "session" }, { answer: HAND }).leave("w1");
  world
    .turn(() => world.core.pause(world.now))
    .quiet()
    .ticks();
  expect(world.take()).toEqual(["close s1 pause_mode", "paused all"]);
});

test("PAUSE db: other entries go on", () => {
  const world = new World(two).login("a").login("b", "u", "other").quiet();
  world.turn(() => world.core.pause(world.now, 0)).request("a b");
  expect(world.only("wait", "grant")).toEqual(["wait a paused", "grant b s2"]);
});

test("PAUSE db: a pool of the entry in which nothing is at work is done at once, others are not waited for", () => {
  const world = new World(two).login("a").login("b", "u", "other").request("b").quiet();
  world.turn(() => world.core.pause(world.now, 0));
  expect(world.only("paused")).toEqual(["paused db"]);
});

test("PAUSE twice says so, whether of all or of an entry (admin_cmd_pause)", () => {
  const world = warm(1);
  expect(world.core.pause(0)).toBe(true);
  expect(world.core.pause(0)).toBe(false);
  expect(world.core.pause(0, 0)).toBe(false);
});

test("RESUME says whether there was anything to lift; of all it does not lift an entry's pause", () => {
  const world = warm(1);
  expect(world.core.resume(0)).toBe(false);
  expect(world.core.resume(0, 0)).toBe(false);
  world.core.pause(0, 0);
  world.core.pause(0);
  expect(world.core.resume(0)).toBe(true);
  world.turn().request("w1");
  expect(world.only("wait")).toEqual(["wait w1 paused"]);
  expect(world.core.resume(0, 0)).toBe(true);
  expect(world.turn().only("grant")).toEqual(["grant w1 s2"]);
});

test("RESUME before a PAUSE is complete: it is never reported", () => {
  const world = warm(1).request("w1").turn().quiet();
  world.turn(() => world.core.pause(world.now)).turn(() => world.core.resume(world.now));
  expect(world.finish("w1").only("paused")).toEqual([]);
});

// --- RECONNECT and WAIT_CLOSE ------------------------------------------------------------------------------

test("RECONNECT: connecting ones go now, idle ones at the tick, those at work on release", () => {
  const world = warmed(2, { default_pool_size: 3 }, { connect: HAND }).logins("a b");
  world.request("w1 a b").finish("a").quiet();
  // s2 -> w1 at work; s1 served a and then b; a third connects for nobody: none. One login by hand:
  world.login("c").request("a c").quiet();
  world.turn(() => world.core.reconnect(world.now));
  expect(world.only("close")).toEqual(["close s3 reconnect"]);
  world.finish("w1");
  expect(world.only("close")).toEqual(["close s2 close_needed"]);
});

test("RECONNECT of a connecting server counts as a failed login: server_login_retry applies", () => {
  const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1").quiet();
  world.turn(() => world.core.reconnect(world.now));
  expect(world.take()).toEqual(["close s2 reconnect"]);
  world.to(seconds(15) - 1);
  expect(world.only("open")).toEqual([]);
  expect(world.to(seconds(15.4)).only("open")).toEqual(["open s3 welcome"]);
});

test("RECONNECT db: other entries keep their servers and their welcome", () => {
  const world = new World(two).login("a").login("b", "u", "other");
  world
    .turn(() => world.core.reconnect(world.now, 0))
    .quiet()
    .ticks();
  expect(world.take()).toEqual(["close s1 changed"]);
  world.connectTime = HAND;
  world.login("c", "u", "other").login("d");
  expect(world.take()).toEqual(["welcome c", "wait d login", "open s3 welcome"]);
});

test("WAIT_CLOSE: reported once, when no server is marked any more", () => {
  const world = warm(2)
    .request("w1")
    .turn(() => undefined);
  world.turn(() => world.core.reconnect(world.now));
  world
    .turn(() => world.core.waitClose(world.now, 0))
    .quiet()
    .ticks();
  expect(world.take()).toEqual(["close s1 changed"]);
  world.finish("w1");
  expect(world.only("close", "reconnected")).toEqual(["close s2 close_needed", "reconnected db"]);
  expect(world.ticks(3).only("reconnected")).toEqual([]);
});

test("WAIT_CLOSE of all: each entry for itself, at once where nothing is marked", () => {
  const world = new World(two).login("a").login("b", "u", "other").request("a").quiet();
  world.turn(() => world.core.reconnect(world.now, 0));
  world.turn(() => world.core.waitClose(world.now));
  expect(world.only("reconnected")).toEqual(["reconnected other"]);
  expect(world.finish("a").only("reconnected")).toEqual(["reconnected db"]);
});

// --- a name that stands for another machine --------------------------------------------------------------------

test("an obsolete server: an idle one goes at the tick, one at work on release; the welcome stays known", () => {
  const world = warm(2).request("w1").turn().quiet();
  world.turn(() => world.core.obsolete(world.now, world.server("s1")));
  world.turn(() => world.core.obsolete(world.now, world.server("s2")));
  expect(world.take()).toEqual([]);
  expect(world.ticks().take()).toEqual(["close s1 changed"]);
  expect(world.finish("w1").only("close")).toEqual(["close s2 close_needed"]);
  expect(world.login("a").take()).toContain("welcome a");
});

test("an obsolete server that logs in is closed when it has", () => {
  const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1").quiet();
  world.turn(() => world.core.obsolete(world.now, world.server("s2")));
  expect(world.take()).toEqual([]);
  expect(world.connect("s2").only("close", "grant")).toEqual(["close s2 close_needed"]);
});

// --- shutdown --------------------------------------------------------------------------------------------------

test("SHUTDOWN WAIT_FOR_SERVERS: pauses, drops the waiters at the tick, stops when no server is left", () => {
  const world = warm(1).login("a").request("w1 a").quiet();
  world.turn(() => world.core.shutdown(world.now, "wait_for_servers")).ticks();
  expect(world.take()).toEqual(["drop a server_shutting_down"]);
  world.finish("w1").ticks();
  expect(world.take()).toEqual(["unlink w1 s1 transaction_end", "close s1 pause_mode", "stopped"]);
  expect(world.ticks(3).take()).toEqual([]);
});

test("SHUTDOWN WAIT_FOR_CLIENTS: clients go on; stops at the tick after the last has left", () => {
  const world = warm(1).login("a").quiet();
  world
    .turn(() => world.core.shutdown(world.now, "wait_for_clients"))
    .request("w1 a")
    .ticks();
  expect(world.only("grant", "stopped", "drop")).toEqual(["grant w1 s1"]);
  world.finish("w1").finish("a").leave("w1").ticks();
  expect(world.only("stopped")).toEqual([]);
  world.leave("a").ticks();
  expect(world.only("stopped")).toEqual(["stopped"]);
});

test("SHUTDOWN: does not report a PAUSE that nobody asked for", () => {
  const world = warm(1).quiet();
  world.turn(() => world.core.shutdown(world.now, "wait_for_servers")).ticks();
  expect(world.take()).toEqual(["close s1 pause_mode", "stopped"]);
});

// --- SUSPEND -----------------------------------------------------------------------------------------------

test("SUSPEND closes what is reset, checked or to be checked, and leaves what is idle or at work", () => {
  const changes = { server_check_delay: seconds(1), default_pool_size: 4 };
  const world = warmed(4, changes, { answer: HAND }).to(seconds(0.9));
  world.request("w1 w2").finish("w1").to(seconds(1.5)).request("w3 w4").quiet();
  expect([world.idle(), world.pool().used.length, world.pool().tested.length]).toEqual(["", 1, 1]);
  world.turn(() => world.core.closeUnsafe(world.now, world.pool().id));
  expect(world.only("close")).toEqual(["close s1 suspend_unsafe", "close s2 suspend_unsafe"]);
});

test("SUSPEND drops who is late, and what it was at", () => {
  const world = warm(1).login("a").request("w1 a").quiet();
  world.turn(() => world.core.dropLate(world.now, world.client("a")));
  world.turn(() => world.core.dropLate(world.now, world.client("w1")));
  expect(world.only("drop", "close")).toEqual([
    "drop a suspend_timeout",
    "close s1 not_ready",
    "drop w1 suspend_timeout",
  ]);
});
