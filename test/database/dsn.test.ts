/** Connection strings: what is read, what is refused, and that no password is ever shown. */
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../engine/config/errors.ts";
import { parseDsn, showAddress } from "../../workloads/database/dsn.ts";

const env = { PGUSER: "me" };

const read = [
  // text, host, port, user, password, database, why
  ["postgresql://a:b@h:1/d", "h", 1, "a", "b", "d", "everything given"],
  ["postgres://h/d", "h", 5432, "me", undefined, "d", "the short scheme; libpq's port"],
  ["postgresql://", "localhost", 5432, "me", undefined, "me", "database named as the user"],
  ["postgresql://a:b:c%40@h", "h", 5432, "a", "b:c@", "a", "a password may hold a colon"],
  ["postgresql://%2Ftmp%2Fs/d", "/tmp/s", 5432, "me", undefined, "d", "socket in the host's place"],
  ["postgresql:///d?host=/tmp/s&port=6", "/tmp/s", 6, "me", undefined, "d", "socket as parameter"],
  ["postgresql://[::1]:7/d", "::1", 7, "me", undefined, "d", "IPv6 in brackets"],
  ["host=h port=8 user=u dbname=d", "h", 8, "u", undefined, "d", "libpq's other form"],
  ["host=h password='a \\' b'", "h", 5432, "me", "a ' b", "me", "quoted value"],
] as const;

describe("a connection string is read as libpq reads it", () => {
  for (const [text, host, port, user, password, database, why] of read) {
    test(`${text}: ${why}`, () => {
      expect(parseDsn(text, env)).toMatchObject({ host, port, user, database });
      expect(parseDsn(text, env).password).toBe(password);
    });
  }
});

describe("TLS is used when asked for and never by chance", () => {
  for (const [mode, want] of [
    ["disable", undefined],
    ["prefer", undefined],
    ["require", "require"],
    ["verify-full", "verify-full"],
  ] as const) {
    test(`sslmode=${mode} -> ${want}`, () => {
      expect(parseDsn(`postgresql://h/d?sslmode=${mode}`, env).sslmode).toBe(want);
    });
  }
});

describe("a wrong connection string is refused without showing its password", () => {
  for (const [text, part] of [
    ["postgresql://u:secret@h:99999/d", "port"],
    ["postgresql://u:secret@h/d?sslmode=maybe", "sslmode"],
    ["postgresql://u:secret@h/d?colour=red", "colour"],
    ["postgresql://u:secret%zz@h/d", "percent"],
    ["u:secret@h", "postgresql://"],
    ["", "it cannot be read"],
  ] as const) {
    test(`${part}`, () => {
      expect(() => parseDsn(text, env)).toThrow(ConfigError);
      expect(() => parseDsn(text, env)).toThrow(part);
      expect(() => parseDsn(text, env)).not.toThrow("secret");
    });
  }
});

test("an address is shown without its password", () => {
  expect(showAddress(parseDsn("postgresql://u:secret@[::1]:7/d", env))).toBe("u@[::1]:7/d");
});
