/** When a server is released, and what happens to it then: reset, next client, end. */
import { expect, test } from "vitest";
import type { STATUS } from "../../engine/core/index.ts";
import { HAND, seconds } from "./helpers.ts";
import { warm, warmed } from "./warm.ts";

type Status = keyof typeof STATUS;

// One busy client "a" and one waiter "b"; then the server says `status`.
const modes: readonly [string, Status, string[], string][] = [
  ["session", "idle", [], "a session keeps its server"],
  ["session", "transaction", [], "also inside a transaction"],
  ["session", "failed", [], "also inside a failed one"],
  ["transaction", "idle", ["unlink a s1 transaction_end", "grant b s1"], "released at its end"],
  ["transaction", "transaction", [], "not before its end"],
  ["transaction", "failed", [], "not before the ROLLBACK"],
  ["statement", "idle", ["unlink a s1 statement_end", "grant b s1"], "released after each"],
];
for (const [pool_mode, status, want, why] of modes) {
  test(`release: ${pool_mode} mode, ReadyForQuery ${status}: ${why}`, () => {
    const world = warm(1, { databases: [{ name: "db", pool_mode: pool_mode as "session" }] });
    if (pool_mode === "session") world.leave("w1");
    world.logins("a b").request("a b").quiet().finish("a", status);
    expect(world.take()).toEqual(want);
  });
}

for (const status of ["transaction", "failed"] as const) {
  test(`release: statement mode, ReadyForQuery ${status}: server and client are closed`, () => {
    const world = warm(1, { pool_mode: "statement" }).login("a").request("a").quiet();
    world.finish("a", status);
    expect(world.take()).toEqual([
      "unlink a s1 statement_mode",
      "drop a statement_mode",
      "close s1 statement_mode",
    ]);
  });
}

// A client disconnects while its server stands at `status`. Source: disconnect_client_sqlstate().
const leaves: readonly [string, Status | null, string, string][] = [
  ["session", "idle", "reset s1", "ready: reset, then the next session"],
  ["session", null, "close s1 not_ready", "an answer is outstanding"],
  ["session", "transaction", "close s1 not_ready", "a transaction is open"],
  ["session", "failed", "close s1 not_ready", "a failed transaction is open"],
  ["transaction", null, "close s1 not_ready", "an answer is outstanding"],
  ["transaction", "transaction", "close s1 not_ready", "a transaction is open"],
];
for (const [pool_mode, status, want, why] of leaves) {
  test(`leaving: ${pool_mode} mode, server ${status ?? "busy"}: ${want}: ${why}`, () => {
    const world = warmed(1, { databases: [{ name: "db", pool_mode: pool_mode as "session" }] }, {});
    if (pool_mode === "session") world.leave("w1");
    world.login("a").request("a");
    if (status !== null) world.finish("a", status);
    world.answerTime = HAND;
    world.quiet().leave("a");
    expect(world.only("reset", "close")).toEqual([want]);
    expect(world.pool().active).toBe(0);
  });
}

test("leaving without a server changes nothing for others", () => {
  const world = warm(1).login("a").quiet().leave("a");
  expect(world.take()).toEqual([]);
  expect(world.idle()).toBe("s1");
  expect(world.pool().clients).toBe(1);
});

// --- reset -------------------------------------------------------------------------------------------

// mode, server_reset_query, always, reset?, why
const resets = [
  ["session", true, false, true, "the default"],
  ["session", false, false, false, "an empty server_reset_query"],
  ["transaction", true, false, false, "transaction mode does not reset"],
  ["transaction", true, true, true, "server_reset_query_always"],
  ["statement", true, false, false, "statement mode does not reset"],
  ["statement", true, true, true, "server_reset_query_always"],
  ["transaction", false, true, false, "always, but there is no query"],
] as const;
for (const [pool_mode, server_reset_query, server_reset_query_always, want, why] of resets) {
  test(`reset: ${pool_mode}, query=${server_reset_query}, always=${server_reset_query_always}: ${want}: ${why}`, () => {
    const changes = { pool_mode, server_reset_query, server_reset_query_always };
    const world = warm(1, changes);
    if (pool_mode === "session") world.leave("w1");
    else world.request("w1").finish("w1");
    expect(world.only("reset")).toEqual(want ? ["reset s1"] : []);
    expect(world.idle()).toBe("s1");
  });
}

test("reset: nobody has the server until the answer is there, then the oldest waiter has it", () => {
  const world = warmed(1, { pool_mode: "session" }, { answer: HAND }).logins("b c");
  world.request("b c").quiet().leave("w1");
  expect(world.take()).toEqual(["unlink w1 s1 session_end", "reset s1"]);
  expect(world.pool().tested.length).toBe(1);
  expect(world.ticks(3).take()).toEqual([]);
  world.answer("s1");
  expect(world.take()).toEqual(["grant b s1"]);
});

// One server being reset, room for one more: the waiters beyond the tested server open a connection.
const spoken = [
  [1, 0, "the tested server is spoken for by the waiter"],
  [2, 1, "the second waiter is one too many"],
] as const;
for (const [waiters, opens, why] of spoken) {
  test(`reset: ${waiters} waiters while a server is tested open ${opens}: ${why}`, () => {
    const changes = { pool_mode: "session", default_pool_size: 2 } as const;
    const world = warmed(1, changes, { connect: HAND, answer: HAND }).logins("b c").leave("w1");
    for (const name of ["b", "c"].slice(0, waiters)) world.request(name);
    expect(world.only("open")).toHaveLength(opens);
  });
}

for (const status of ["transaction", "failed"] as const) {
  test(`reset: an answer with ReadyForQuery ${status} closes the server, the waiter waits on`, () => {
    const world = warmed(1, { pool_mode: "session" }, { answer: HAND }).login("b").request("b");
    world.leave("w1").quiet().answer("s1", status);
    expect(world.only("close", "grant", "open")).toEqual([
      "close s1 check_failed",
      "open s2 demand",
      "grant b s2",
    ]);
  });
}

// --- what ends a server at its release ---------------------------------------------------------------

test("release: a server marked by RECONNECT is closed instead of handed on", () => {
  const world = warmed(1, {}, { connect: HAND }).logins("a b").request("a b");
  world.turn(() => world.core.reconnect(world.now)).quiet();
  world.finish("a");
  expect(world.only("close", "grant")).toEqual(["close s1 close_needed"]);
});

// server_lifetime at release: age, want, why.
const ages = [
  [seconds(10) - 1, "grant b s1", "a nanosecond to go"],
  [seconds(10), "close s1 server_lifetime", "the limit is inclusive"],
] as const;
for (const [age, want, why] of ages) {
  test(`release: server_lifetime 10 s at ${age} ns: ${want}: ${why}`, () => {
    const world = warm(1, { server_lifetime: seconds(10) })
      .logins("a b")
      .request("a b");
    world.to(age).quiet().finish("a");
    expect(world.only("grant", "close")[0]).toBe(want);
  });
}

test("release: server_lifetime 0 closes the server after every use", () => {
  const world = warm(1, { server_lifetime: 0 }).quiet();
  for (let i = 0; i < 3; i++) world.request("w1").finish("w1");
  expect(world.only("close", "grant")).toEqual([
    "grant w1 s2",
    "close s2 server_lifetime",
    "grant w1 s3",
    "close s3 server_lifetime",
    "grant w1 s4",
    "close s4 server_lifetime",
  ]);
});

// Two servers over their lifetime of 10 s in a pool of 2: closes are 5 s apart, at release too.
const gaps = [
  [seconds(5) - 1, "idle", "last close too recent: it stays in use"],
  [seconds(5), "close s2 server_lifetime", "lifetime / pool_size after the last, inclusive"],
] as const;
for (const [gap, want, why] of gaps) {
  test(`release: second lifetime close ${gap} ns after the first: ${want}: ${why}`, () => {
    const world = warm(2, { server_lifetime: seconds(10) })
      .logins("a b")
      .request("a b");
    world.to(seconds(10)).finish("b").quiet();
    expect(world.alive("s1")).toBe(false);
    world.wait(gap).finish("a");
    expect(world.only("close")[0] ?? "idle").toBe(want);
  });
}

test("release: a linked server outlives its lifetime for as long as it is linked", () => {
  const world = warm(1, { server_lifetime: seconds(2) })
    .request("w1")
    .quiet();
  world.to(seconds(9));
  expect(world.take()).toEqual([]);
});
