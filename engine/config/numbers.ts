/**
 * Numbers as PgBouncer reads and prints them. Integers of `[pgbouncer]` are C's `strtol` with base
 * detection (`0x1f`, `0777`), those of a connection string are the digits that C's `atoi` finds at its beginning;
 * both are cut to 32 bits. Seconds are C's `strtod`, kept to the microsecond; SHOW CONFIG prints them with `%g`.
 * Source: PgBouncer 1.25.2 lib/usual/cfparser.c, src/loader.c.
 */
import { MICROSECOND, MILLISECOND, type Nanos, SECOND } from "../core/units.ts";

/** An integer with base detection; undefined when the text is anything else, `08` included. */
export function integer(text: string): number | undefined {
  const number = literal(text);
  return number === undefined ? undefined : Number(number);
}

/** A decimal integer; a leading zero means nothing. Undefined when the text is anything else. */
export function decimal(text: string): number | undefined {
  return /^\s*[+-]?[0-9]+$/.test(text) ? Number(text) || 0 : undefined;
}

/**
 * What is left in 32 bits of an integer with base detection, in digits; undefined when the text is anything else.
 * Source: PgBouncer 1.25.2 lib/usual/cfparser.c, cf_set_int(), cf_set_uint().
 */
export function cut(text: string, signed = true): string | undefined {
  const number = literal(text);
  return number === undefined ? undefined : kept(number, signed);
}

/**
 * What C's `atoi` makes of a text, in digits: those at its beginning. Undefined where a person reads another number
 * there: one that goes on (`0x10`, `1.5`, `1e3`), one with a unit or a multiple (`1h`, `5k`), or none at all.
 * Source: PgBouncer 1.25.2 src/loader.c, parse_database(), parse_user(), parse_peer().
 */
export function beginning(text: string): string | undefined {
  const [, digits, rest = ""] = /^\s*([+-]?[0-9]+)(.*)$/s.exec(text) ?? [];
  return digits === undefined || GOES_ON.test(rest) ? undefined : kept(BigInt(digits));
}

/** A digit, or the first letter of a unit or a multiple; seconds are what PgBouncer counts in. */
const GOES_ON = /[0-9]|^\s*[dghkmntuwyµ]/i;

/** Seconds with a decimal point or an exponent, in ns; undefined for anything else. */
export function seconds(text: string): Nanos | undefined {
  const match = /^\s*[+]?([0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?)$/i.exec(text);
  if (match !== null) return fromMicroseconds(Number(match[1]) * 1e6);
  return /^\s*[+]?0x[0-9a-f]+$/i.test(text) ? (integer(text) ?? 0) * SECOND : undefined;
}

const UNITS: ReadonlyMap<string, Nanos> = new Map([
  ["ns", 1],
  ["us", MICROSECOND],
  ["µs", MICROSECOND],
  ["ms", MILLISECOND],
  ["s", SECOND],
  ["min", 60 * SECOND],
  ["h", 3600 * SECOND],
  ["d", 86_400 * SECOND],
]);

/** A duration with its unit (`10 s`, `1.5ms`, `2 min`) in ns; undefined for anything else. */
export function durationWithUnit(text: string): Nanos | undefined {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zµ]+)\s*$/.exec(text);
  const unit = UNITS.get(match?.[2] ?? "");
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** C's `%g`: six significant digits, and an exponent below 1e-4 and from 1e6 on. */
export function general(value: number): string {
  if (value === 0) return "0";
  const [mantissa = "", exponent = "0"] = value.toExponential(5).split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  const digits = String(Math.abs(power)).padStart(2, "0");
  return `${Number(mantissa)}e${power < 0 ? "-" : "+"}${digits}`;
}

/** ns as seconds in decimal digits that `seconds` reads back to the same microsecond, beyond 285 years to the second. */
export function exactSeconds(nanos: Nanos): string {
  const micros = Math.round(nanos / MICROSECOND);
  if (!Number.isSafeInteger(micros)) return String(Math.round(nanos / SECOND));
  const fraction = String(micros % 1e6).padStart(6, "0");
  return `${Math.floor(micros / 1e6)}.${fraction}`.replace(/\.?0+$/, "");
}

function fromMicroseconds(micros: number): Nanos {
  return Math.round(micros) * MICROSECOND;
}

function literal(text: string): bigint | undefined {
  const match = /^\s*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|([1-9][0-9]*))$/i.exec(text);
  if (match === null) return undefined;
  const [, sign, hexadecimal, octal, decimal] = match;
  const size = BigInt(hexadecimal ? `0x${hexadecimal}` : (decimal ?? `0o0${octal}`));
  return sign === "-" ? -size : size;
}

/** `strtol` keeps to the limits of a `long`, of which an `int` then has the lower half. */
function kept(number: bigint, signed = true): string {
  const most = signed ? 2n ** 63n - 1n : 2n ** 64n - 1n;
  const least = signed ? -(2n ** 63n) : -most;
  if (number > most || (number < least && !signed)) return kept(most, signed);
  const long = number < least ? least : number;
  return String(signed ? BigInt.asIntN(32, long) : BigInt.asUintN(32, long));
}
