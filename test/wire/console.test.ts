/** The console's grammar: one row per form, with PgBouncer's answer to what is none. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ConsoleCommand, parseCommand, SHOW_NAMES } from "../../engine/wire/console.ts";

const invalid = (sql: string): ConsoleCommand => ({
  kind: "error",
  text: `invalid command '${sql}', use SHOW HELP;`,
});
const bad: ConsoleCommand = { kind: "error", text: "bad arguments" };

const commands: [sql: string, want: ConsoleCommand][] = [
  ["SHOW POOLS", { kind: "show", what: "pools" }],
  ["show pools;", { kind: "show", what: "pools" }],
  ['\n Show\t"pools" ; \r\n', { kind: "show", what: "pools" }],
  ["SELECT version", { kind: "show", what: "version" }],
  ["show datestyle", { kind: "show_fixed", name: "datestyle", value: "ISO" }],
  ["SHOW", invalid("SHOW")],
  ["SHOW nonsense", invalid("SHOW nonsense")],
  ["SHOW POOLS; SHOW STATS", invalid("SHOW POOLS; SHOW STATS")],
  ["select 1 + 1", invalid("select 1 + 1")],
  ["", invalid("")],
  [";", invalid(";")],
  ["PAUSE", { kind: "pause", database: "" }],
  ["pause p0", { kind: "pause", database: "p0" }],
  ['pause "My ""db"""', { kind: "pause", database: 'My "db"' }],
  ['PAUSE ""', { kind: "pause", database: "" }],
  ["pause P0", { kind: "pause", database: "P0" }],
  ["pause p-0", invalid("pause p-0")],
  ["RESUME", { kind: "resume", database: "" }],
  ["KILL p0", { kind: "kill", database: "p0" }],
  ["RECONNECT p0", { kind: "reconnect", database: "p0" }],
  ["WAIT_CLOSE", { kind: "wait_close", database: "" }],
  ["DISABLE p0", { kind: "disable", database: "p0" }],
  ["DISABLE", { kind: "misuse", text: "a database is required" }],
  ["ENABLE;", { kind: "misuse", text: "a database is required" }],
  ['DISABLE ""', { kind: "misuse", text: "a database is required" }],
  ["KILL_CLIENT 17", { kind: "kill_client", client: 17 }],
  ["KILL_CLIENT abc", { kind: "misuse", text: "invalid client pointer supplied" }],
  ["KILL_CLIENT", { kind: "misuse", text: "invalid client pointer supplied" }],
  ['KILL_CLIENT ""', { kind: "misuse", text: "invalid client pointer supplied" }],
  ['KILL_CLIENT " 17x"', { kind: "kill_client", client: 17 }],
  ['KILL_CLIENT "-5"', { kind: "kill_client", client: -5 }],
  ["RELOAD", { kind: "reload" }],
  ["RELOAD p0", invalid("RELOAD p0")],
  ["SUSPEND", { kind: "suspend" }],
  ["SUSPEND p0", invalid("SUSPEND p0")],
  ["SHUTDOWN", { kind: "shutdown", mode: "immediate" }],
  ["SHUTDOWN WAIT_FOR_SERVERS", { kind: "shutdown", mode: "wait_for_servers" }],
  ["shutdown wait_for_clients;", { kind: "shutdown", mode: "wait_for_clients" }],
  ["SHUTDOWN now", invalid("SHUTDOWN now")],
  ["SET pool_mode=transaction", { kind: "set", key: "pool_mode", value: "transaction" }],
  ["set pool_mode to session;", { kind: "set", key: "pool_mode", value: "session" }],
  ["set a = 'it''s; ok' ;", { kind: "set", key: "a", value: "it's; ok" }],
  ["set a = ''", { kind: "set", key: "a", value: "" }],
  ['set "a" = "b c"', { kind: "set", key: "a", value: "b c" }],
  ['set a = ""', { kind: "set", key: "a", value: "" }],
  ['set "" = 1', bad],
  ["set a = 1.5", invalid("set a = 1.5")],
  ["set a", invalid("set a")],
  ["SET client_encoding = 'UTF8'", { kind: "set_ignored", key: "client_encoding" }],
  [`pause ${"x".repeat(64)}`, bad],
  [`${"x".repeat(16)} a`, bad],
  [`set a = '${"x".repeat(255)}'`, bad],
];

describe("parseCommand", () => {
  for (const [sql, want] of commands) {
    test(JSON.stringify(sql.slice(0, 40)), () => expect(parseCommand(sql)).toEqual(want));
  }

  test("every SHOW is known in any case", () => {
    for (const what of SHOW_NAMES) {
      expect(parseCommand(`Show ${what.toUpperCase()};`)).toEqual({ kind: "show", what });
    }
  });

  test("no text makes it throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        for (const start of ["", "show ", "set ", 'pause "']) parseCommand(start + text);
      }),
    );
  });
});
