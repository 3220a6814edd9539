/**
 * Timeouts of servers, looked at on the tick every 333 333 us. Source: PgBouncer src/janitor.c,
 * check_unused_servers() and pool_server_maint().
 */
import { expect, test } from "vitest";
import { type CoreSettings, TICK } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { expectAt, warm, warmed } from "./warm.ts";

// limit -> the tick at which it fires, for something that began at 0.
const strict = [
  [3 * TICK - 1, 3, "past the limit"],
  [3 * TICK, 4, "exactly the limit is not past it (strict)"],
] as const;

/** What it looks like when a server at work is closed for `reason`, with its client. */
const both = (reason: string, client = "w1", server = "s1") => [
  `unlink ${client} ${server} ${reason}`,
  `drop ${client} ${reason}`,
  `close ${server} ${reason}`,
];

for (const [limit, tick, why] of strict) {
  test(`server_idle_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { server_idle_timeout: limit });
    expectAt(world, tick, ["close s1 server_idle_timeout"]);
  });

  test(`server_connect_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warmed(1, { server_connect_timeout: limit }, { connect: HAND }).close("s1");
    world.request("w1").quiet();
    expectAt(world, tick, ["close s2 connect_timeout"]);
  });

  test(`query_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { query_timeout: limit }).request("w1").quiet();
    expectAt(world, tick, both("query_timeout"));
  });

  test(`idle_transaction_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { idle_transaction_timeout: limit }).request("w1");
    world.finish("w1", "transaction").quiet();
    expectAt(world, tick, both("idle_transaction_timeout"));
  });

  test(`idle_transaction_timeout in a failed transaction, ${limit} ns: tick ${tick}`, () => {
    const world = warm(1, { idle_transaction_timeout: limit }).request("w1");
    world.finish("w1", "failed").quiet();
    expectAt(world, tick, both("idle_transaction_timeout"));
  });

  test(`transaction_timeout ${limit} ns: tick ${tick}: ${why}`, () => {
    const world = warm(1, { transaction_timeout: limit }).request("w1").tick(1);
    world.finish("w1", "transaction").tick(2).request("w1").quiet();
    expectAt(world, tick, both("transaction_timeout"));
  });
}

// --- server_idle_timeout -------------------------------------------------------------------------------

test("server_idle_timeout: counts from the last packet of the server", () => {
  const world = warm(1, { server_idle_timeout: 3 * TICK })
    .request("w1")
    .tick(2)
    .finish("w1")
    .quiet();
  expectAt(world, 6, ["close s1 server_idle_timeout"]);
});

test("server_idle_timeout: used and tested servers too", () => {
  const changes = { server_idle_timeout: seconds(2), server_check_delay: seconds(1) };
  const used = warm(1, changes).to(seconds(3));
  expect(used.only("close")).toEqual(["close s1 server_idle_timeout"]);
  const session = { ...changes, pool_mode: "session" as const };
  const tested = warmed(1, session, { answer: HAND }).leave("w1").to(seconds(3));
  expect(tested.only("close")).toEqual(["close s1 server_idle_timeout"]);
});

test("server_idle_timeout: not a server at work, and 0 switches it off", () => {
  expect(warm(1, { server_idle_timeout: TICK }).request("w1").to(seconds(9)).only("close")).toEqual(
    [],
  );
  expect(warm(1, { server_idle_timeout: 0 }).to(seconds(900)).only("close")).toEqual([]);
});

// min_pool_size, servers -> how many a long silence closes
const minimal = [
  [0, 3, 3, "no minimum"],
  [1, 3, 2, "down to the minimum"],
  [2, 3, 1, "down to the minimum"],
  [3, 3, 0, "at the minimum already"],
] as const;
for (const [min_pool_size, servers, closed, why] of minimal) {
  test(`server_idle_timeout with min_pool_size ${min_pool_size} closes ${closed} of ${servers}: ${why}`, () => {
    const world = warm(servers, { server_idle_timeout: seconds(1), min_pool_size });
    world.to(seconds(2));
    expect(world.only("close")).toHaveLength(closed);
  });
}

// --- server_lifetime -----------------------------------------------------------------------------------

// limit -> tick, inclusive this time.
const inclusive = [
  [3 * TICK, 3, "exactly the limit is over (inclusive)"],
  [3 * TICK + 1, 4, "a nanosecond to go at tick 3"],
] as const;
for (const [server_lifetime, tick, why] of inclusive) {
  test(`server_lifetime ${server_lifetime} ns: tick ${tick}: ${why}`, () => {
    expectAt(warm(1, { server_lifetime }), tick, ["close s1 server_lifetime"]);
  });

  test(`server_lifetime of the database, ${server_lifetime} ns: tick ${tick}`, () => {
    const databases = [{ name: "db", server_lifetime }];
    expectAt(warm(1, { databases }), tick, ["close s1 server_lifetime"]);
  });
}

test("server_lifetime: a database's 0 means not set", () => {
  const world = warm(1, {
    server_lifetime: 3 * TICK,
    databases: [{ name: "db", server_lifetime: 0 }],
  });
  expectAt(world, 3, ["close s1 server_lifetime"]);
});

test("server_lifetime: counts from the start of the connect, whatever it has done since", () => {
  const world = warm(1, { server_lifetime: 6 * TICK })
    .tick(5)
    .request("w1")
    .finish("w1")
    .quiet();
  expectAt(world, 6, ["close s1 server_lifetime"]);
});

test("server_lifetime: closes are lifetime / pool_size apart", () => {
  const world = warm(4, { server_lifetime: 12 * TICK }).tick(30);
  const ticks = world.log
    .filter(({ text }) => text.endsWith("server_lifetime"))
    .map(({ now, text }) => [now / TICK, text.split(" ")[1]]);
  expect(ticks).toEqual([
    [12, "s4"],
    [15, "s3"],
    [18, "s2"],
    [21, "s1"],
  ]);
});

test("server_lifetime: in an unlimited pool there is no gap", () => {
  const world = warm(2, { server_lifetime: 3 * TICK });
  const settings = { ...world.core.settings, default_pool_size: 0 };
  world.turn(() => world.core.reload(world.now, settings)).tick(3);
  expect(world.only("close")).toHaveLength(2);
});

test("server_lifetime: a server over its time but too soon after the last close is not sent to be checked", () => {
  const world = warm(2, { server_lifetime: 4 * TICK, server_check_delay: 4 * TICK }).tick(5);
  // s2 went at tick 4, s1 may go at tick 6; at tick 5 it has idled longer than the delay.
  expect([world.idle(), world.used()]).toEqual(["s1", ""]);
  expect(world.tick(6).idle()).toBe("");
});

test("server_lifetime: used and tested servers too", () => {
  const changes = { server_lifetime: seconds(2), server_check_delay: seconds(1) };
  expect(warm(1, changes).to(seconds(3)).only("close")).toEqual(["close s1 server_lifetime"]);
  const session = { ...changes, pool_mode: "session" as const };
  const tested = warmed(1, session, { answer: HAND }).leave("w1").to(seconds(3));
  expect(tested.only("close")).toEqual(["close s1 server_lifetime"]);
});

// --- connecting ------------------------------------------------------------------------------------------

test("server_connect_timeout: 0 waits for ever", () => {
  const world = warmed(1, { server_connect_timeout: 0 }, { connect: HAND }).close("s1");
  expect(world.request("w1").to(seconds(99)).only("close")).toEqual([]);
});

test("server_connect_timeout: the whole login counts, not only the connect", () => {
  const world = warmed(1, { server_connect_timeout: 3 * TICK }, { connect: HAND }).close("s1");
  world.request("w1").tick(2).connected("s2").quiet();
  expectAt(world, 4, ["close s2 connect_timeout"]);
});

test("server_connect_timeout: a login that ended is out of its reach", () => {
  const world = warm(1, { server_connect_timeout: TICK }).request("w1").quiet();
  expect(world.to(seconds(20)).take()).toEqual([]);
});

// --- at work -----------------------------------------------------------------------------------------------

test("query_timeout: counts the time in the queue", () => {
  const world = warm(1, { query_timeout: 6 * TICK })
    .login("a")
    .request("w1 a")
    .tick(4);
  world.finish("w1").quiet();
  expectAt(world, 7, both("query_timeout", "a"));
});

test("query_timeout: counts each query of a transaction anew", () => {
  const world = warm(1, { query_timeout: 3 * TICK })
    .request("w1")
    .tick(2);
  world.finish("w1", "transaction").tick(3).request("w1").quiet();
  expectAt(world, 7, both("query_timeout"));
});

test("query_timeout: between queries it does not run", () => {
  const world = warm(1, { query_timeout: TICK, pool_mode: "session" });
  expect(world.to(seconds(9)).take()).toEqual([]);
  world.request("w1").finish("w1", "transaction");
  expect(world.to(seconds(18)).take()).toEqual([]);
});

test("idle_transaction_timeout: not while a query runs, nor between transactions", () => {
  const world = warm(1, { idle_transaction_timeout: TICK, pool_mode: "session" }).request("w1");
  expect(world.to(seconds(5)).take()).toEqual([]);
  world.finish("w1");
  expect(world.to(seconds(9)).take()).toEqual([]);
});

test("transaction_timeout: counts the time in the queue", () => {
  const world = warm(1, { transaction_timeout: 6 * TICK })
    .login("a")
    .request("w1 a")
    .tick(4);
  world.finish("w1").quiet();
  expectAt(world, 7, both("transaction_timeout", "a"));
});

test("transaction_timeout: a new transaction begins anew", () => {
  const world = warm(1, { transaction_timeout: 3 * TICK })
    .request("w1")
    .tick(2)
    .finish("w1");
  world.request("w1").quiet();
  expectAt(world, 6, both("transaction_timeout"));
});

// Each of the three: the user's (> 0) before the global one, which the pool's user decides.
const perUser: readonly ["query_timeout" | "transaction_timeout" | "idle_transaction_timeout"][] = [
  ["query_timeout"],
  ["transaction_timeout"],
  ["idle_transaction_timeout"],
];
for (const [name] of perUser) {
  const cases: readonly [Partial<CoreSettings>, number, string][] = [
    [{ [name]: 5 * TICK, users: [{ name: "u", [name]: 3 * TICK }] }, 4, "user before global"],
    [{ [name]: 3 * TICK, users: [{ name: "u", [name]: 5 * TICK }] }, 6, "user before global"],
    [{ [name]: 3 * TICK, users: [{ name: "u", [name]: 0 }] }, 4, "a user's 0 means not set"],
    [{ users: [{ name: "u", [name]: 3 * TICK }] }, 4, "the user's alone"],
  ];
  for (const [changes, tick, why] of cases) {
    test(`override: ${name} at tick ${tick}: ${why} (${JSON.stringify(changes)})`, () => {
      const world = warm(1, changes).request("w1");
      if (name === "idle_transaction_timeout") world.finish("w1", "transaction");
      expectAt(world.quiet(), tick, both(name));
    });
  }
}

test("override: the forced user's timeouts count, not the login user's", () => {
  const world = warm(1, {
    databases: [{ name: "db", forced_user: "app" }],
    users: [
      { name: "app", query_timeout: 3 * TICK },
      { name: "u", query_timeout: TICK },
    ],
  });
  expectAt(world.request("w1").quiet(), 4, both("query_timeout"));
});

// --- server_fast_close -------------------------------------------------------------------------------------

const fast = [
  [true, "idle", true, "out of a transaction"],
  [true, "transaction", false, "inside a transaction"],
  [false, "idle", false, "server_fast_close is off"],
] as const;
for (const [server_fast_close, status, want, why] of fast) {
  test(`server_fast_close ${server_fast_close}, session ${status}: ${want ? "closed" : "kept"}: ${why}`, () => {
    const world = warm(1, { server_fast_close, pool_mode: "session" }).request("w1");
    world
      .finish("w1", status)
      .turn(() => world.core.reconnect(world.now))
      .quiet()
      .ticks();
    expect(world.take()).toEqual(want ? both("changed") : []);
  });
}

test("the tick closes idle and used servers that RECONNECT has marked", () => {
  const world = warm(2, { server_check_delay: seconds(1) })
    .to(seconds(0.9))
    .request("w1")
    .finish("w1");
  world
    .to(seconds(1.4))
    .turn(() => world.core.reconnect(world.now))
    .quiet();
  expect([world.idle(), world.used()]).toEqual(["s2", "s1"]);
  world.ticks();
  expect(world.take()).toEqual(["close s1 changed", "close s2 changed"]);
});

test("the tick closes idle and used servers that have spoken unasked (check_unused_servers)", () => {
  const world = warm(3, { server_check_delay: seconds(1) })
    .to(seconds(0.9))
    .request("w1")
    .finish("w1");
  world.to(seconds(1.4)).quiet();
  expect([world.idle(), world.used()]).toEqual(["s3", "s1 s2"]);
  world.answer("s3", "busy").answer("s1", "busy");
  expect(world.take()).toEqual([]);
  world.ticks();
  expect(world.take()).toEqual(["close s1 used_dirty", "close s3 idle_dirty"]);
});

// --- the tick ------------------------------------------------------------------------------------------------

test("the tick comes every 333 333 us, from the core's start on", () => {
  const world = warm(1);
  expect(world.core.deadline()).toBe(TICK);
  world.core.advance(TICK - 1);
  expect(world.core.deadline()).toBe(TICK);
  world.core.advance(TICK);
  expect(world.core.deadline()).toBe(2 * TICK);
});

test("a host that is late runs one tick, and the phase stays", () => {
  const world = warm(1);
  world.core.advance(5 * TICK + 7);
  expect(world.core.deadline()).toBe(6 * TICK);
});
