/**
 * The values of `[databases]`, `[users]` and `[peers]`: `key=value` pairs between spaces, a value
 * with spaces in single quotes, a quote in it doubled, no value empty.
 * Source: PgBouncer 1.25.2 src/loader.c, cstr_get_pair().
 */
import { ConfigError } from "./errors.ts";

/** The pairs of `text`, in order. Throws ConfigError where it is not one. */
export function parseConnectionString(at: string, name: string, text: string): [string, string][] {
  const pairs: [string, string][] = [];
  let rest = text.trimStart();
  while (rest !== "") {
    const match = PAIR.exec(rest);
    const [whole = "", key = "", quoted, plain] = match ?? [];
    const value = quoted?.replaceAll("''", "'") ?? plain ?? "";
    if (match === null || value === "") throw notAPair(at, name, rest);
    pairs.push([key, value]);
    rest = rest.slice(whole.length).trimStart();
  }
  return pairs;
}

/** The text of which `parseConnectionString` makes `pairs`. */
export function writeConnectionString(pairs: Iterable<readonly [string, string]>): string {
  return Array.from(pairs, ([key, value]) => `${key}=${quote(value)}`).join(" ");
}

const PAIR = /^([^\s=]+)\s*=\s*(?:'((?:[^']|'')*)'(?=\s|$)|([^\s']\S*))/;

function quote(value: string): string {
  return /^[^\s']\S*$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;
}

function notAPair(at: string, name: string, rest: string): ConfigError {
  return new ConfigError({
    at,
    name,
    got: rest,
    expected: "key=value pairs between spaces, no value empty",
    fix: "put a value with spaces in single quotes and double the quotes in it",
  });
}
