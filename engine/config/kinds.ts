/**
 * The kinds of value that a setting can have: how each is read from text, printed by SHOW CONFIG,
 * written back to a file, and described to a person who got it wrong.
 */
import { type Nanos, SECOND } from "../core/units.ts";
import { ConfigError, didYouMean } from "./errors.ts";
import {
  beginning,
  cut,
  decimal,
  durationWithUnit,
  exactSeconds,
  general,
  integer,
  seconds,
} from "./numbers.ts";

/** One kind of value. `T` is what the program holds: text, a number, a boolean or ns. */
export interface Kind<T> {
  /** The unit or type for the documentation, such as `seconds`. */
  readonly unit: string;
  /** What is allowed, as an error says it: `an integer from 0 to 65535`. */
  readonly expected: string;
  /** Smallest and largest number allowed, in the unit. */
  readonly range?: readonly [number, number];
  /** Below that range an ini may have numbers too, as far as this one. */
  readonly lowest?: number;
  readonly choices?: readonly string[];
  /** The value when PgBouncer has no default at all (NULL in SHOW CONFIG). */
  readonly unset: T;
  /** The value of `text`, or undefined when it is not allowed. */
  read(text: string): T | undefined;
  /**
   * Of a text that is not allowed: the number that PgBouncer reads there, as a text to read; undefined when it reads
   * none either, or one that nobody can have meant.
   */
  salvage?: ((text: string) => string | undefined) | undefined;
  /** As SHOW CONFIG prints it; null where it prints NULL. */
  show(value: T): string | null;
  /** For a file, exact; null when only leaving it out says so. */
  write(value: T): string | null;
  /** For durations only: the value that is `nanos` long, or undefined when not allowed. */
  fromNanos?(nanos: Nanos): T | undefined;
}

/** Largest value of C's `int`, in which PgBouncer keeps its numbers. */
export const MOST = 2_147_483_647;
const LEAST = -MOST - 1;
/** Longest duration in seconds: what PgBouncer's 64 bits of microseconds hold. Some write 99999999999 for "never". */
const LONGEST = 18_446_744_073_709;

/** Any text, empty included. */
export const text: Kind<string> = {
  unit: "text",
  expected: "any text",
  unset: "",
  read: (written) => written,
  show: (value) => value,
  write: (value) => value,
};

/** Text that may be absent, which is not the same as empty. */
export const optionalText: Kind<string | null> = { ...text, unset: null };

/** A count from `least` to `most` of `unit`, with base detection. */
export function count(least = 0, most = MOST, unit = "number"): Kind<number> {
  return whole(integer, least, most, unit);
}

/**
 * A count for which an ini may have a number below 0 too. It is kept and shown as it is and means what the
 * setting says, for most what 0 means. Source: PgBouncer 1.25.2 lib/usual/cfparser.c, cf_set_int().
 */
export function quota(unit = "number"): Kind<number> {
  return { ...whole(integer, LEAST, MOST, unit), ...described(0, MOST), lowest: LEAST, unset: 0 };
}

/** Whole seconds of the same kind; held in ns. */
export const quotaTime: Kind<Nanos> = {
  ...wholeUnits(integer, SECOND, "seconds", LEAST),
  ...described(0, MOST, "whole seconds"),
  lowest: LEAST,
};

/**
 * A decimal count in a connection string, or null: the global setting holds, as it does for a number below 0.
 * Source: PgBouncer 1.25.2 src/server.c, pool_pool_size() and its neighbours.
 */
export const inherited: Kind<number | null> = {
  ...whole(decimal, 0, MOST, "number"),
  lowest: LEAST,
  unset: null,
  read(written) {
    const value = decimal(written);
    if (value === undefined || value < LEAST || value > MOST) return undefined;
    return value < 0 ? null : value;
  },
  show: showNumber,
  write: showNumber,
};

/** 0 or 1; any other integer means 1 too, as in C, but a word (`on`, `yes`) does not. */
export const flag: Kind<boolean> = {
  unit: "0 or 1",
  expected: "0 | 1",
  unset: false,
  read(written) {
    const value = integer(written);
    return value === undefined ? undefined : value !== 0;
  },
  show: (value) => (value ? "1" : "0"),
  write: (value) => (value ? "1" : "0"),
};

/** One of some words; upper case does not matter. */
export function choice<T extends string>(...choices: readonly [T, ...T[]]): Kind<T> {
  return {
    unit: "word",
    expected: choices.join(" | "),
    choices,
    unset: choices[0],
    read: (written) => choices.find((word) => word === written.toLowerCase()),
    show: (value) => value,
    write: (value) => value,
  };
}

/** One of some words, or null: what the global setting says. */
export function inheritedChoice<T extends string>(
  ...choices: readonly [T, ...T[]]
): Kind<T | null> {
  return { ...choice(...choices), unset: null, show: (value) => value, write: (value) => value };
}

/** A duration written in seconds, fractions allowed; held in ns, exact to the microsecond. */
export const time: Kind<Nanos> = {
  unit: "seconds",
  expected: `seconds from 0 to ${LONGEST}`,
  range: [0, LONGEST],
  unset: 0,
  read: (written) => within(seconds(written)),
  show: (value) => general(value / SECOND),
  write: exactSeconds,
  fromNanos: within,
};

/** A duration that is a whole number of `unit` ns, such as SECOND; held in ns. */
export function wholeTime(unit: Nanos, name: string, least = 0): Kind<Nanos> {
  return wholeUnits(integer, unit, name, least);
}

/** Whole seconds in a connection string, or null: the global setting holds. Held in ns. */
export const inheritedTime: Kind<Nanos | null> = {
  ...wholeUnits(decimal, SECOND, "seconds", 0),
  unset: null,
  show: (value) => (value === null ? null : String(value / SECOND)),
  write: (value) => (value === null ? null : String(value / SECOND)),
};

/** A number that was read otherwise than it is written. */
export interface Misread {
  readonly at: string;
  readonly name: string;
  readonly written: string;
  readonly read: string;
}

/** The sentence about it. */
export const misread = ({ at, name, written, read }: Misread): string =>
  `${at}: ${name} is ${JSON.stringify(written)} and is read as ${read}, as PgBouncer reads it`;

/**
 * Reads `written` as `kind`. Who is told of misread numbers gets them; else they are refused. Throws ConfigError with
 * place, name, what is allowed and a hint.
 */
export function readValue<T>(
  kind: Kind<T>,
  at: string,
  name: string,
  written: string,
  tell?: (number: Misread) => void,
): T {
  const value = kind.read(written);
  if (value !== undefined) return value;
  const read = tell && kind.salvage?.(written);
  const salvaged = read === undefined ? undefined : kind.read(read);
  if (read === undefined || salvaged === undefined) throw refusal(kind, at, name, written);
  tell?.({ at, name, written, read });
  return salvaged;
}

function refusal<T>(kind: Kind<T>, at: string, name: string, got: string): ConfigError {
  return new ConfigError({ at, name, got, expected: kind.expected, fix: hint(kind, got) });
}

/** As readValue, for files where a duration may carry its unit and a flag may be true or false. */
export function readFriendly<T>(
  kind: Kind<T>,
  at: string,
  name: string,
  written: string | number | boolean,
): T {
  if (typeof written === "boolean") return readValue(kind, at, name, written ? "1" : "0");
  // What an ini may have had for years is a slip where it is written afresh.
  if (kind.range !== undefined && Number(written) < kind.range[0])
    throw refusal(kind, at, name, String(written));
  const nanos = durationWithUnit(String(written));
  const value = nanos === undefined ? undefined : kind.fromNanos?.(nanos);
  return value ?? readValue(kind, at, name, String(written));
}

function whole(
  read: (text: string) => number | undefined,
  least: number,
  most: number,
  unit: string,
): Kind<number> {
  return {
    unit,
    ...described(least, most),
    unset: least,
    read(written) {
      const value = read(written);
      return value !== undefined && value >= least && value <= most ? value : undefined;
    },
    salvage: read === decimal ? beginning : (written) => cut(written, most <= MOST),
    show: String,
    write: String,
  };
}

function wholeUnits(
  read: (text: string) => number | undefined,
  unit: Nanos,
  name: string,
  least: number,
): Kind<Nanos> {
  const units = whole(read, least, MOST, name);
  return {
    unit: name,
    ...described(least, MOST, `whole ${name}`),
    unset: 0,
    read(written) {
      const value = units.read(written);
      return value === undefined ? undefined : value * unit;
    },
    salvage: units.salvage,
    show: (value) => String(value / unit),
    write: (value) => String(value / unit),
    fromNanos: (nanos) => (nanos % unit === 0 ? within(nanos) : undefined),
  };
}

/** The range, for those who ask for it and for those who miss it. */
function described(
  least: number,
  most: number,
  what = "an integer",
): Pick<Kind<unknown>, "expected"> & { range: readonly [number, number] } {
  return { expected: `${what} from ${least} to ${most}`, range: [least, most] };
}

function within(nanos: Nanos | undefined): Nanos | undefined {
  return nanos !== undefined && nanos <= LONGEST * SECOND ? nanos : undefined;
}

function showNumber(value: number | null): string | null {
  return value === null ? null : String(value);
}

function hint<T>(kind: Kind<T>, written: string): string | undefined {
  const comment = written.search(/\s[;#]/);
  if (comment >= 0 && kind.read(written.slice(0, comment).trim()) !== undefined) {
    return "a comment needs a line of its own";
  }
  if (kind === flag) return flagHint(written);
  return kind.choices && didYouMean(written, kind.choices);
}

function flagHint(written: string): string | undefined {
  const word = written.toLowerCase();
  if (["on", "yes", "true"].includes(word)) return "write 1";
  return ["off", "no", "false"].includes(word) ? "write 0" : undefined;
}
