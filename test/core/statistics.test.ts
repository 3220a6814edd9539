/** The counters, exactly as PgBouncer counts: at arrival, waiting included, failures left out. */
import { expect, test } from "vitest";
import { STAT_NAMES, sumStatistics, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";
import { World } from "./world.ts";

/** The counters that have moved since `before`, by name. */
function moved(world: World, act: (world: World) => unknown): Record<string, number> {
  const before = [...world.pool().stats];
  act(world);
  const after = [...world.pool().stats];
  const entries = STAT_NAMES.map((name, i) => [name, (after[i] as number) - (before[i] as number)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== 0));
}

const one = seconds(1);

// What happens in a pool of one with w1 (and "a") logged in -> what moves.
const cases: readonly [string, (world: World) => unknown, Record<string, number>][] = [
  [
    "a query counts at its arrival, before a server is found",
    (world) => world.request("w1").request("a"),
    { query_count: 2, xact_count: 2, server_assignment_count: 1 },
  ],
  [
    "times count at the end: of the query and of the transaction",
    (world) => world.request("w1").wait(one).finish("w1"),
    { query_count: 1, xact_count: 1, server_assignment_count: 1, query_time: one, xact_time: one },
  ],
  [
    "query and transaction time include waiting",
    (world) => world.request("w1 a").wait(one).finish("w1").wait(one).finish("a"),
    {
      query_count: 2,
      xact_count: 2,
      server_assignment_count: 2,
      query_time: 3 * one,
      xact_time: 3 * one,
      wait_time: one,
    },
  ],
  [
    "BEGIN, a query and COMMIT are three queries, one transaction, one assignment",
    (world) => {
      for (let i = 0; i < 3; i++) {
        world
          .request("w1")
          .wait(one)
          .finish("w1", i < 2 ? "transaction" : "idle")
          .wait(one);
      }
    },
    {
      query_count: 3,
      xact_count: 1,
      server_assignment_count: 1,
      query_time: 3 * one,
      xact_time: 5 * one,
    },
  ],
  [
    "a failed transaction ends a query, not the transaction",
    (world) => world.request("w1").wait(one).finish("w1", "failed"),
    { query_count: 1, xact_count: 1, server_assignment_count: 1, query_time: one },
  ],
  [
    "further packets of a running query count nothing (a pipeline is one query)",
    (world) => world.request("w1").wait(one).request("w1").wait(one).finish("w1"),
    {
      query_count: 1,
      xact_count: 1,
      server_assignment_count: 1,
      query_time: 2 * one,
      xact_time: 2 * one,
    },
  ],
  [
    "a client that times out while it waits: counted, but none of its time",
    (world) => world.request("w1 a").to(seconds(121)),
    { query_count: 2, xact_count: 2, server_assignment_count: 1 },
  ],
  [
    "waiting that still goes on counts nothing yet",
    (world) => world.request("w1 a").wait(seconds(9)),
    { query_count: 2, xact_count: 2, server_assignment_count: 1 },
  ],
  [
    "a query whose server dies: counted, but none of its time",
    (world) => world.request("w1").wait(one).close("s1"),
    { query_count: 1, xact_count: 1, server_assignment_count: 1 },
  ],
  [
    "a query whose client leaves: counted, but none of its time",
    (world) => world.request("w1").wait(one).leave("w1"),
    { query_count: 1, xact_count: 1, server_assignment_count: 1 },
  ],
];
for (const [why, act, want] of cases) {
  test(`statistics: ${why}`, () => {
    expect(moved(warm(1).login("a"), act)).toEqual(want);
  });
}

test("statistics: session mode assigns once per session, and each query is a transaction", () => {
  const world = warm(1, { pool_mode: "session" });
  const act = () => {
    for (let i = 0; i < 3; i++) world.request("w1").wait(one).finish("w1").wait(one);
  };
  expect(moved(world, act)).toEqual({
    query_count: 3,
    xact_count: 3,
    query_time: 3 * one,
    xact_time: 3 * one,
  });
});

test("statistics: waiting for the first server at the login counts as waiting, and a login at its welcome", () => {
  const world = new World({}, { connect: HAND }).login("a");
  const act = () => world.wait(one).connect("s1");
  expect(moved(world, act)).toMatchObject({ wait_time: one });
  expect(world.stat("client_login_count")).toBe(1);
  expect(moved(world, () => world.login("b"))).toEqual({ client_login_count: 1 });
});

test("statistics: waiting for a check counts as waiting, and the check as no query", () => {
  const world = warmed(1, { server_check_delay: seconds(1) }, { answer: one }).to(seconds(2));
  expect(moved(world, () => world.request("w1").wait(2 * one))).toEqual({
    query_count: 1,
    xact_count: 1,
    server_assignment_count: 1,
    wait_time: one,
  });
});

test("statistics: a client that was granted an obsolete server waits on; no time counts twice", () => {
  // b waits behind a, who has left. s1 comes free, is given back unused, and RECONNECT marks it in the
  // same turn: b is activated, finds it obsolete, and waits again.
  const world = warmed(1, {}, { connect: one }).logins("a b").request("w1 a b").wait(one);
  const server = world.server("s1");
  const act = () => {
    world.turn(() => {
      world.core.ready(world.now, server, 0);
      world.core.abandon(world.now, world.client("a"));
      world.core.reconnect(world.now);
    });
    world.wait(2 * one);
  };
  // a: 1 s. b: 1 s, then from 1 s to the tick that opens s2, and its connect: 4 ticks + 1 s - 1 s.
  expect(moved(world, act)).toMatchObject({
    wait_time: 2 * one + 4 * TICK,
    server_assignment_count: 1,
  });
});

test("statistics: an abandoned grant counts its waiting, but no assignment", () => {
  const world = warm(1).login("a").request("w1 a").leave("a");
  expect(moved(world, () => world.wait(one).finish("w1"))).toEqual({
    query_time: one,
    xact_time: one,
    wait_time: one,
  });
});

test("statistics: of a database, the sum over its pools", () => {
  const world = new World().login("a", "u").login("b", "v").request("a b").finish("a");
  expect(sumStatistics(world.core.pools)[STAT_NAMES.indexOf("query_count")]).toBe(2);
});

test("maxwait: the age of the head waiter's query; none while it waits for its welcome", () => {
  const world = warm(1).logins("a b").request("w1 a").wait(one).request("b").wait(one);
  expect(world.now - world.core.queryStart(world.pool().waiting.head)).toBe(2 * one);
  const cold = new World({}, { connect: HAND }).login("a").wait(one);
  expect(cold.core.queryStart(cold.pool().waiting.head)).toBe(-1);
});

test("a client's login counts when it has authenticated, not at its welcome (finish_client_login)", () => {
  const world = new World({}, { connect: HAND }).login("a");
  expect(world.stat("client_login_count")).toBe(1);
});

test("statement mode: a query that ends in T adds no time, its server is closed first (handle_server_work)", () => {
  const world = warm(1, { pool_mode: "statement" }).request("w1").wait(seconds(1));
  world.finish("w1", "transaction");
  expect(world.stat("query_time")).toBe(0);
});
