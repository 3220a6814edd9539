/** Values: both sides of every range in the tables, and numbers as C reads and prints them. */
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../engine/config/errors.ts";
import { coreSettings, parseIni, printIni, settingValue } from "../../engine/config/index.ts";
import { flag, readFriendly, readValue, time } from "../../engine/config/kinds.ts";
import { durationWithUnit, general, integer, seconds } from "../../engine/config/numbers.ts";
import { presetOf, type Settings } from "../../engine/config/setting.ts";
import { SETTINGS } from "../../engine/config/settings.ts";
import { DATABASE_KEYS, PEER_KEYS, USER_KEYS } from "../../engine/config/settings-entries.ts";
import { configFrom } from "../../engine/config/written.ts";
import { MICROSECOND, MILLISECOND, SECOND } from "../../engine/core/units.ts";
import { socketOptions } from "../../engine/pooler/sockets/socket-options.ts";

const tables: [string, Settings][] = [
  ["[pgbouncer]", SETTINGS],
  ["[databases]", DATABASE_KEYS],
  ["[users]", USER_KEYS],
  ["[peers]", PEER_KEYS],
];

describe.each(tables)("ranges of %s", (_section, table) => {
  const ranged = Object.entries(table).filter(([, row]) => row.kind.range !== undefined);
  test.each(ranged)("%s takes its least and most and nothing beyond", (_name, { kind }) => {
    const [least, most] = kind.range ?? [0, 0];
    for (const inside of [least, most]) expect(kind.read(String(inside))).toBeDefined();
    for (const outside of [(kind.lowest ?? least) - 1, most + 1]) {
      expect(kind.read(String(outside))).toBeUndefined();
    }
  });
});

/** What PgBouncer shows of a number below 0, and what the scheduler is told; null: nothing of its own. */
test.each([
  ["default_pool_size", "-1", 0],
  ["min_pool_size", "-5", 0],
  ["max_client_conn", "-1", 0],
  ["max_db_connections", "-1", 0],
  ["query_wait_notify", "-1", 0],
] as const)("%s = %s is shown so and means %i", (name, text, meant) => {
  const config = parseIni("a.ini", () => `[pgbouncer]\n${name} = ${text}\n`);
  expect(settingValue(config, name)).toBe(text);
  expect(coreSettings(config)[name]).toBe(meant);
  expect(printIni(config)).toContain(`${name} = ${text}\n`);
  expect(() => configFrom({ [name]: Number(text) })).toThrow(`${name} is "${text}"; expected`);
});

test("tcp_keepcnt = -1 is shown so, and the system's value holds", () => {
  const config = parseIni("a.ini", () => "[pgbouncer]\ntcp_keepcnt = -1\n");
  expect(settingValue(config, "tcp_keepcnt")).toBe("-1");
  const options = socketOptions(config.values);
  expect(options.map(([option]) => option)).not.toContain("keepcnt");
});

test("in an entry a number below 0 is none", () => {
  const text = "[databases]\nx = pool_size=-1 max_db_connections=-2\n[pgbouncer]\n";
  const [x] = coreSettings(parseIni("a.ini", () => text)).databases;
  expect([x?.pool_size, x?.max_db_connections]).toEqual([undefined, undefined]);
});

test("numbers that some write for never are taken", () => {
  expect(readValue(time, "a", "b", "2147483647")).toBe(2_147_483_647 * SECOND);
  expect(time.show(2_147_483_647 * SECOND)).toBe("2.14748e+09");
  const never = readValue(time, "a", "b", "99999999999");
  expect([time.show(never), time.write(never)]).toEqual(["1e+11", "99999999999"]);
});

const worded = tables.slice(0, 3); // Peers have no words.
describe.each(worded)("words of %s", (_section, table) => {
  const choices = Object.entries(table).filter(([, row]) => row.kind.choices !== undefined);
  test.each(choices)("%s takes each of its words in any case, and no other", (_name, { kind }) => {
    for (const word of kind.choices ?? []) expect(kind.read(word.toUpperCase())).toBe(word);
    expect(kind.read("no such word")).toBeUndefined();
  });
});

test.each(tables)("each default of %s is a value that its own kind allows", (_section, table) => {
  for (const row of Object.values(table)) {
    if (row.default !== null) expect(row.kind.read(row.default)).toEqual(presetOf(row));
  }
});

test.each([
  ["0", 0],
  ["42", 42],
  ["+42", 42],
  ["-42", -42],
  ["0777", 511],
  ["0x1F", 31],
  ["08", undefined],
  ["0x", undefined],
  ["4 2", undefined],
  ["4.2", undefined],
  ["1e3", undefined],
  ["", undefined],
])("integer %j is %j, as strtol with base 0 has it", (text, want) => {
  expect(integer(text)).toBe(want);
});

test.each([
  ["5", 5 * SECOND],
  ["0.5", 500 * MILLISECOND],
  [".25", 250 * MILLISECOND],
  ["5.", 5 * SECOND],
  ["1e-6", MICROSECOND],
  ["0.0035", 3500 * MICROSECOND],
  ["0x10", 16 * SECOND],
  ["010", 10 * SECOND],
  ["-1", undefined],
  ["5s", undefined],
  ["nan", undefined],
  ["inf", undefined],
  ["", undefined],
])("seconds %j are %j ns, as strtod has it", (text, want) => {
  expect(seconds(text)).toBe(want);
});

test.each([
  [0, "0"],
  [5, "5"],
  [0.5, "0.5"],
  [3600, "3600"],
  [999999, "999999"],
  [1e6, "1e+06"],
  [1234567, "1.23457e+06"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [0.1234567, "0.123457"],
])("%d is printed as %s, as printf's g format has it", (value, want) => {
  expect(general(value)).toBe(want);
});

test.each([
  ["10 s", 10 * SECOND],
  ["500ms", 500 * MILLISECOND],
  ["1.5 ms", 1500 * MICROSECOND],
  ["2 min", 120 * SECOND],
  ["1 h", 3600 * SECOND],
  ["7 us", 7 * MICROSECOND],
  ["10", undefined],
  ["10 sec", undefined],
  ["-1 s", undefined],
])("duration %j is %j ns", (text, want) => {
  expect(durationWithUnit(text)).toBe(want);
});

test.each([
  ["0", false, "off"],
  ["1", true, "on"],
  ["0x1", true, "any base"],
  ["2", true, "C takes every other number for true"],
  ["on", undefined, "PgBouncer knows no words"],
  ["true", undefined, "PgBouncer knows no words"],
])("flag %j is %j: %s", (text, want, _why) => {
  expect(flag.read(text)).toBe(want);
});

test.each([
  [10, 10 * SECOND, "a bare number is in PgBouncer's unit"],
  ["10", 10 * SECOND, "and so is its text"],
  ["10 s", 10 * SECOND, "a unit may be written"],
  ["500 ms", 500 * MILLISECOND, "any unit"],
])("a workload's %j is %j ns: %s", (written, want, _why) => {
  expect(readFriendly(time, "w.yaml:1", "query_timeout", written)).toBe(want);
});

test.each([true, false])("a workload's %j is that flag", (written) => {
  expect(readFriendly(flag, "w.yaml:1", "log_stats", written)).toBe(written);
});

test.each([
  ["yes", 'a:1: log_stats is "yes"; expected 0 | 1; write 1'],
  ["off", 'a:1: log_stats is "off"; expected 0 | 1; write 0'],
  ["1 ; all", 'a:1: log_stats is "1 ; all"; expected 0 | 1; a comment needs a line of its own'],
])("a flag %j says what to write", (text, message) => {
  expect(() => readValue(flag, "a:1", "log_stats", text)).toThrow(ConfigError);
  expect(() => readValue(flag, "a:1", "log_stats", text)).toThrow(message);
});
