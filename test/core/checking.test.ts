/** server_check_query and server_check_delay: which idle servers are checked before use, and when. */
import { expect, test } from "vitest";
import { TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";

// A server released at time 0; server_check_delay against the third tick.
const delays = [
  [3 * TICK - 1, true, "idle for longer than the delay"],
  [3 * TICK, false, "exactly the delay is not longer (strict)"],
] as const;
for (const [server_check_delay, used, why] of delays) {
  test(`used: delay ${server_check_delay} ns at tick 3: ${used}: ${why} (check_unused_servers)`, () => {
    const world = warm(1, { server_check_delay }).tick(3);
    expect(world.used()).toBe(used ? "s1" : "");
    expect(world.idle()).toBe(used ? "" : "s1");
  });
}

test("used: an empty server_check_query leaves servers idle for ever", () => {
  const world = warm(1, { server_check_query: false, server_check_delay: seconds(1) });
  world.to(seconds(60));
  expect(world.idle()).toBe("s1");
});

test("used: the least recently used is at the head afterwards", () => {
  const world = warm(3, { server_check_delay: seconds(1) });
  expect(world.idle()).toBe("s3 s2 s1");
  world.to(seconds(2));
  expect(world.used()).toBe("s1 s2 s3");
  world.quiet().request("w1");
  expect(world.take()).toEqual(["wait w1 no_idle_server", "check s1", "grant w1 s1"]);
});

test("check: it precedes the client, who waits for it, and it counts as waiting", () => {
  const world = warmed(1, { server_check_delay: seconds(1) }, { answer: seconds(0.3) });
  world.to(seconds(2)).quiet().request("w1").wait(seconds(1));
  expect(world.take()).toEqual(["wait w1 no_idle_server", "check s1", "grant w1 s1"]);
  expect(world.stat("wait_time")).toBe(seconds(0.3));
});

test("check: as many servers are checked as there are waiters", () => {
  const world = warmed(3, { server_check_delay: seconds(1) }, { answer: HAND });
  world.to(seconds(2)).quiet();
  world.request("w1 w2");
  expect(world.only("check", "open")).toEqual(["check s1", "check s2"]);
  expect(world.used()).toBe("s3");
  world.answer("s2");
  expect(world.take().at(-1)).toBe("grant w1 s2");
});

// The head of the used list against the delay when a waiter comes. It can be young after RELOAD.
const needs = [
  [seconds(5), "check s1", "idle exactly as long as the delay: checked (launch_recheck)"],
  [seconds(5) + 1, "grant w1 s1", "below the delay: made idle at once"],
] as const;
for (const [server_check_delay, want, why] of needs) {
  test(`check: delay now ${server_check_delay} ns, idle for 5 s: ${want}: ${why}`, () => {
    const world = warmed(1, { server_check_delay: seconds(1) }, { answer: HAND });
    world.to(seconds(5));
    const settings = { ...world.core.settings, server_check_delay };
    world
      .turn(() => world.core.reload(world.now, settings))
      .quiet()
      .request("w1");
    expect(world.only("check", "grant")).toEqual([want]);
  });
}

test("check: needed no more when server_check_query was emptied meanwhile", () => {
  const world = warmed(1, { server_check_delay: seconds(1) }, { answer: HAND }).to(seconds(5));
  const settings = { ...world.core.settings, server_check_query: false };
  world
    .turn(() => world.core.reload(world.now, settings))
    .quiet()
    .request("w1");
  expect(world.only("check", "grant")).toEqual(["grant w1 s1"]);
});

test("check: a failed one closes the server, and the waiter has the next used one", () => {
  const world = warmed(2, { server_check_delay: seconds(1) }, { answer: HAND }).to(seconds(2));
  world.request("w1").quiet().answer("s1", "failed");
  expect(world.take()).toEqual(["close s1 check_failed", "check s2"]);
  world.answer("s2");
  expect(world.take()).toEqual(["grant w1 s2"]);
});

test("check: a used server that has spoken unasked is closed, and the next one checked", () => {
  const world = warmed(2, { server_check_delay: seconds(1) }, { answer: HAND }).to(seconds(2));
  world.answer("s1", "busy").quiet().request("w1");
  expect(world.take()).toEqual(["wait w1 no_idle_server", "close s1 dirty", "check s2"]);
});

test("check: a server that dies under it leaves the waiter waiting for a new one", () => {
  const world = warmed(1, { server_check_delay: seconds(1) }, { answer: HAND }).to(seconds(2));
  world.request("w1").quiet().close("s1");
  expect(world.only("open", "grant")).toEqual(["open s2 demand", "grant w1 s2"]);
});

test("check: with delay 0 every release goes through it", () => {
  const world = warmed(1, { server_check_delay: 0 }, { answer: 0 }).logins("a b");
  world.quiet().request("a b").finish("a").finish("b");
  expect(world.only("check", "grant")).toEqual([
    "check s1",
    "grant a s1",
    "check s1",
    "grant b s1",
  ]);
  expect(world.used()).toBe("s1");
});

test("check: with delay 0 but an empty query a release goes to the next client at once", () => {
  const world = warm(1, { server_check_delay: 0, server_check_query: false });
  world.logins("a b").request("a b").quiet().finish("a");
  expect(world.take()).toEqual(["unlink a s1 transaction_end", "grant b s1"]);
});

test("check: a new login is never checked", () => {
  const world = warm(1, { server_check_delay: 0, default_pool_size: 2 });
  expect(world.request("w1").only("check", "grant")).toEqual(["check s1", "grant w1 s1"]);
  world.login("a").request("a");
  expect(world.only("check", "grant")).toEqual(["grant a s2"]);
});

test("check: a server used too long ago is not tried while an idle one is there", () => {
  const world = warm(2, { server_check_delay: seconds(1) }).to(seconds(0.9));
  world.request("w1").finish("w1").to(seconds(1.5)).quiet();
  expect([world.idle(), world.used()]).toEqual(["s2", "s1"]);
  expect(world.request("w1").take()).toEqual(["grant w1 s2"]);
});
