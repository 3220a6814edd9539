/** True of every text and of every config. A failure prints its seed and its smallest case. */
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Config,
  ConfigError,
  nearest,
  parseIni,
  parseUserlist,
  printIni,
  SETTINGS,
} from "../../engine/config/index.ts";
import { exactSeconds, seconds } from "../../engine/config/numbers.ts";
import type { Settings } from "../../engine/config/setting.ts";
import { DATABASE_KEYS, USER_KEYS } from "../../engine/config/settings-entries.ts";

/** Pieces of which real files are made, so that random text gets deep into the parser. */
const piece = fc.oneof(
  fc.constantFrom("[pgbouncer]\n", "[databases]\n", "[users]\n", "[peers]\n", "[", "]", "=", "'"),
  fc.constantFrom("\n", " ", "\t", ";", "#", "*", '"', "%include a.ini", "host=h", "1", "''", "\r"),
  fc.constantFrom(...Object.keys(SETTINGS)),
  fc.constantFrom(...Object.keys(DATABASE_KEYS), "constructor", "__proto__", "toString"),
  fc.string({ unit: "binary", maxLength: 5 }),
);
const anyText = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

test("no text makes a parser throw anything but a ConfigError of one line", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      onlyConfigErrors(() => parseIni("a.ini", () => text));
      onlyConfigErrors(() => parseIni("a.ini", () => `[pgbouncer]\n${text}`));
      onlyConfigErrors(() => parseIni("a.ini", () => `[databases]\nx=${text}\n[pgbouncer]`));
      onlyConfigErrors(() => parseUserlist(text, "u.txt"));
    }),
    { numRuns: 2000 },
  );
});

function onlyConfigErrors(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toHaveProperty("message", expect.stringMatching(/^[^\n\r]+$/));
  }
}

/** A text that stands for a value of the row, as it may be written in a file. */
function writtenValue({ kind }: Settings[string]): fc.Arbitrary<string> {
  if (kind.choices !== undefined) return fc.constantFrom(...kind.choices);
  if (kind.range === undefined) return kind.unit === "text" ? line : fc.constantFrom("0", "1");
  const [min, max] = kind.range;
  const whole = fc.integer({ min, max }).map(String);
  const fraction = fc.double({ min: 0, max: 1e7, noNaN: true }).map(String);
  return kind.unit === "seconds" && kind.read("0.5") !== undefined
    ? fc.oneof(whole, fraction)
    : whole;
}

const line = fc.string({ maxLength: 12 }).map((text) => text.trim());
const name = fc.stringMatching(/^[a-z][ a-z0-9_.*-]{0,8}[a-z]$/);

function section(table: Settings): fc.Arbitrary<[string, string][]> {
  const pairs = Object.entries(table).map(([key, row]) =>
    fc.tuple(fc.constant(key), writtenValue(row)),
  );
  return fc.subarray(pairs).chain((chosen) => fc.tuple(...chosen));
}

function entries(table: Settings): fc.Arbitrary<string[]> {
  const entry = fc.tuple(name, section(table)).map(([key, pairs]) => {
    const quoted = pairs.filter(([, value]) => value !== "");
    const text = quoted.map(([word, value]) => `${word}='${value.replaceAll("'", "''")}'`);
    return `'${key}' = ${text.join(" ")}`;
  });
  return fc.array(entry, { maxLength: 3 });
}

const file = fc
  .tuple(entries(DATABASE_KEYS), entries(USER_KEYS), section(SETTINGS))
  .filter(([, , main]) => !main.some(([, value]) => value === "pgbouncer"))
  .map(([databases, users, main]) =>
    [
      ...["[databases]", ...databases],
      ...["[users]", ...users],
      ...["[pgbouncer]", ...main.map(([key, value]) => `${key} = ${value}`)],
    ].join("\n"),
  );

test("printing a config and parsing it gives the same config", () => {
  fc.assert(
    fc.property(file, (text) => {
      const config = parseIni("a.ini", () => text);
      const again = parseIni("a.ini", () => printIni(config));
      expect(withoutPlaces(again)).toEqual(withoutPlaces(config));
      expect(printIni(again)).toBe(printIni(config));
    }),
    { numRuns: 300 },
  );
});

function withoutPlaces({ values, databases, users, autodb }: Config) {
  const bare = (entry: { at: string }) => ({ ...entry, at: "" });
  return { values, databases: databases.map(bare), users: users.map(bare), autodb };
}

test("seconds written exactly are read back to the microsecond", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e15 }), (micros) => {
      expect(seconds(exactSeconds(micros * 1000))).toBe(micros * 1000);
    }),
  );
});

test("the nearest of some choices is one of them, and a choice is nearest to itself", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...Object.keys(SETTINGS)), (text, choice) => {
      const names = Object.keys(SETTINGS);
      expect([undefined, ...names]).toContain(nearest(text, names));
      expect(nearest(choice, names)).toBe(choice);
    }),
  );
});
