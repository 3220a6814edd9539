/** Errors of the system in PgBouncer's words, where its log has them. */
import { describe, expect, test } from "vitest";
import { lostClient, lostServer } from "../../engine/pooler/relay/explain.ts";
import { unreached } from "../../engine/pooler/relay/unreached.ts";

const error = (more: object): Error => Object.assign(new Error("as Node.js says it"), more);
const sbuf = "sbuf_connect failed to connect to";

test.each([
  // what Node.js says, why the connection is closed, what is warned of
  [
    { syscall: "connect", code: "ECONNREFUSED", address: "10.0.0.1", port: 5432 },
    "connect failed",
    `${sbuf} 10.0.0.1:5432: Connection refused`,
  ],
  [
    { syscall: "connect", code: "EHOSTUNREACH", address: "fd00::1", port: 5432 },
    "connect failed",
    `${sbuf} [fd00::1]:5432: No route to host`,
  ],
  [
    { syscall: "connect", code: "ENOENT", address: "/run/.s.PGSQL.5432" },
    "connect failed",
    `${sbuf} unix:/run/.s.PGSQL.5432: No such file or directory`,
  ],
  [
    { code: "ECONNREFUSED", address: "@name/.s.PGSQL.5432" },
    "connect failed",
    `${sbuf} unix:@name/.s.PGSQL.5432: Connection refused`,
  ],
  [
    { errors: [error({ syscall: "connect", code: "EODD", address: "10.0.0.2", port: 1 })] },
    "connect failed",
    `${sbuf} 10.0.0.2:1: as Node.js says it`,
  ],
  [
    { syscall: "getaddrinfo", code: "ENOTFOUND", hostname: "db" },
    "server DNS lookup failed",
    "DNS lookup failed: db: result=ENOTFOUND",
  ],
  [
    { syscall: "queryA", code: "ETIMEOUT", hostname: "db" },
    "server DNS lookup failed",
    "DNS lookup failed: db: result=ETIMEOUT",
  ],
])("not reached: %o", (more, why, warning) => {
  expect(unreached(error(more))).toEqual([why, warning]);
});

test("a connection that is cut off before it stands is no error of the system's", () => {
  expect(unreached(undefined)).toEqual(["connect failed"]);
});

describe("lost", () => {
  test.each([
    ["write", "unexpected eof", "server connection closed"],
    ["read", "client unexpected eof", "server conn crashed?"],
    [undefined, "client unexpected eof", "server conn crashed?"],
  ])("on %s", (syscall, client, server) => {
    const found = syscall === undefined ? undefined : error({ syscall });
    expect([lostClient(found), lostServer(found)]).toEqual([client, server]);
  });
});
