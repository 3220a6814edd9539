/** Servers that cannot be had: failing fast, errors at the server's login. */
import { expect, test } from "vitest";
import { HAND, seconds } from "./helpers.ts";
import { warmed } from "./warm.ts";
import { World } from "./world.ts";

/** A pool of two that knows its welcome, has clients a and b and `servers` servers, last login failed. */
function failed(servers: number): World {
  const world = warmed(1, { default_pool_size: 3 }, { connect: HAND }).logins("a b c");
  world.request("w1 a").fail("s2");
  if (servers === 0) world.close("s1");
  return world.quiet();
}

test("the first client of a cold pool waits although the connect was refused", () => {
  const world = new World({}, { connect: HAND }).login("a").fail("s1");
  expect(world.only("drop")).toEqual([]);
  expect(world.queue()).toBe("a");
});

test("fail fast: after a failed login and without any server a query is refused at once", () => {
  const world = failed(0).wait(seconds(1)).quiet().request("b");
  expect(world.take()).toEqual(["drop b server_login_retry"]);
  // The one that waited before is not touched.
  expect(world.queue()).toBe("a");
});

test("fail fast: one attempt is made with it, once server_login_retry is over", () => {
  const world = failed(0).leave("a").to(seconds(20)).quiet();
  // Waiters keep trying; without any, the refused query does.
  const lonely = warmed(1, {}, { connect: HAND }).logins("a b").close("s1").request("a").fail("s2");
  lonely
    .turn(() => lonely.core.killClient(lonely.now, lonely.client("a")))
    .to(seconds(20))
    .quiet();
  lonely.request("b");
  expect(lonely.take()).toEqual(["drop b server_login_retry", "open s3 retry"]);
  expect(world.only("drop")).toEqual([]);
});

test("fail fast: no attempt before server_login_retry", () => {
  const world = warmed(1, {}, { connect: HAND }).logins("a b").close("s1").request("a").fail("s2");
  world.turn(() => world.core.killClient(world.now, world.client("a")));
  world
    .to(seconds(15) - 1)
    .quiet()
    .request("b");
  expect(world.take()).toEqual(["drop b server_login_retry"]);
});

test("fail fast: not while any server is left, whatever it does", () => {
  const world = failed(1).request("b");
  expect(world.take()).toEqual(["wait b no_idle_server"]);
});

test("fail fast: a connection that is being tried does not count as a server", () => {
  const world = failed(0).to(seconds(16));
  expect(world.only("open")).toEqual(["open s3 demand"]);
  world.request("b");
  expect(world.only("drop")).toEqual(["drop b server_login_retry"]);
});

test("fail fast: over when a login succeeds", () => {
  const world = failed(0).to(seconds(16)).connect("s3").quiet().request("b c");
  expect(world.only("drop")).toEqual([]);
});

test("fail fast: closed or evicted servers alone are no failure; the client waits", () => {
  const world = warmed(1, {}, { connect: HAND }).close("s1").request("w1");
  expect(world.take()).toEqual(["wait w1 no_idle_server", "open s2 demand"]);
});

test("fail fast: a connect that timed out is a failure", () => {
  const world = warmed(1, {}, { connect: HAND }).logins("a b").close("s1").request("a");
  world.to(seconds(16)).quiet().request("b");
  expect(world.take()).toEqual(["drop b server_login_retry"]);
});

test("fail fast: never while paused; the client waits (find_server)", () => {
  const world = failed(0);
  world
    .turn(() => world.core.pause(world.now))
    .quiet()
    .request("b");
  expect(world.take()).toEqual(["wait b paused"]);
});

test("PAUSE during a login: clients that ask meanwhile wait (find_server)", () => {
  const world = warmed(1, {}, { connect: HAND }).close("s1").logins("a b").request("a");
  world
    .turn(() => world.core.pause(world.now, 0))
    .quiet()
    .request("b");
  expect(world.take()).toEqual(["wait b paused"]);
});

test("fail fast: not after a login that PAUSE or RECONNECT has cut short, other than in PgBouncer", () => {
  for (const command of ["pause", "reconnect"] as const) {
    const world = warmed(1, {}, { connect: HAND }).close("s1").logins("a b").request("a").quiet();
    world.turn(() => world.core[command](world.now, -1));
    if (command === "pause") world.turn(() => world.core.resume(world.now, -1));
    world.quiet().request("b");
    expect(world.take()).toEqual(["wait b no_idle_server"]);
  }
});

// --- the server refuses the login ----------------------------------------------------------------------

// connected servers, welcome known -> are the waiters dropped when a login ends with an error?
const refusals = [
  [0, true, true, true, "no other server"],
  [0, false, true, true, "no other server, never had one"],
  [1, true, true, false, "another server works"],
  [1, false, true, true, "the other one is to be closed (RECONNECT)"],
  [0, true, false, false, "57P03 or a refused connect: they wait on"],
  [0, false, false, false, "the same in a cold pool"],
] as const;
for (const [servers, known, fatal, want, why] of refusals) {
  test(`login error (fatal ${fatal}), ${servers} servers, welcome ${known ? "known" : "unknown"}: ${why}`, () => {
    const world = warmed(1, { default_pool_size: 2 }, { connect: HAND }).logins("a b");
    if (servers === 1) world.request("w1");
    else world.close("s1");
    if (!known) world.turn(() => world.core.reconnect(world.now));
    world.request("a b").quiet().fail("s2", fatal);
    expect(world.only("drop")).toEqual(want ? ["drop a server_error", "drop b server_error"] : []);
  });
}

test("login error: clients that wait for their welcome go too", () => {
  const world = new World({}, { connect: HAND }).logins("a b").quiet().fail("s1", true);
  expect(world.take()).toEqual(["drop a server_error", "drop b server_error"]);
});

test("login error: other pools and clients at rest are not touched", () => {
  const world = new World({ default_pool_size: 1 }).login("rest").login("other", "v");
  world.connectTime = HAND;
  world.request("other").close("s1").login("a").request("a").login("waits", "v").request("waits");
  world.quiet().fail("s3", true);
  expect(world.only("drop")).toEqual(["drop a server_error"]);
  expect(world.alive("rest")).toBe(true);
});

// --- a server that dies ----------------------------------------------------------------------------------

test("a server that dies at work takes its client with it", () => {
  const world = warmed(1, {}, {}).request("w1").quiet().close("s1");
  expect(world.take()).toEqual(["unlink w1 s1 server_gone", "drop w1 server_gone"]);
  expect(world.core.serverCount).toBe(0);
});

test("a server that dies leaves its place to a new one for the waiters", () => {
  const world = warmed(1, {}, {}).logins("a").request("w1 a").quiet().close("s1");
  expect(world.only("open", "grant")).toEqual(["open s2 demand", "grant a s2"]);
});
