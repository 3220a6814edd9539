/** One entry of `[databases]`, `[users]` or `[peers]`: checked, typed, with what was left out. */
import { ConfigError, unknownName } from "./errors.ts";
import { type Misread, readFriendly, readValue } from "./kinds.ts";
import { decimal } from "./numbers.ts";
import { presets, type Settings, type ValuesOf } from "./setting.ts";
import {
  DATABASE_ALIASES,
  DATABASE_KEYS,
  MOST_PEERS,
  PEER_KEYS,
  USER_KEYS,
} from "./settings-entries.ts";

/** What every entry has beside its keys. */
export interface Named {
  readonly name: string;
  /** Where it was written, `file:line`. */
  readonly at: string;
}

/** A database that clients can ask for; null: the setting of `[pgbouncer]` or a default holds. */
export type DatabaseEntry = Named & ValuesOf<typeof DATABASE_KEYS>;
/** A user with settings of its own. */
export type UserEntry = Named & ValuesOf<typeof USER_KEYS>;
/** Another process of the same group; its name is its number. */
export type PeerEntry = Named & ValuesOf<typeof PEER_KEYS>;

/** A value as a person wrote it in YAML or in an ini. */
export type Written = string | number | boolean;

/** The keys of an entry, and whether its durations may carry units (`10 s`). */
export interface EntryText {
  readonly at: string;
  readonly name: string;
  readonly pairs: Iterable<readonly [string, Written]>;
  readonly friendly?: boolean;
  /** Is told of numbers that are read otherwise than they are written; left out: they are refused. */
  readonly tell?: (number: Misread) => void;
  /** Where the key was written, when that is known better than `at`. */
  readonly placeOf?: ((key: string) => string) | undefined;
}

/** The name of the template for databases without an entry. */
export const AUTODB = "*";
/** The name of the console, which no entry may have. */
export const CONSOLE = "pgbouncer";
/** Bytes of a name. Source: PgBouncer 1.25.2 include/bouncer.h, MAX_DBNAME and MAX_USERNAME. */
const LONGEST_DATABASE = 63;
const LONGEST_USER = 127;

/** Throws ConfigError for a reserved or too long name, an unknown key or a bad value. */
export function databaseEntry(text: EntryText): DatabaseEntry {
  if (text.name === CONSOLE) {
    const expected = "another name: this one is the console's";
    throw new ConfigError({ at: text.at, name: "database", got: text.name, expected });
  }
  checkName(text, "database", LONGEST_DATABASE);
  return readEntry(DATABASE_KEYS, text, "database", DATABASE_ALIASES);
}

/** Throws ConfigError for a too long name, an unknown key or a bad value. */
export function userEntry(text: EntryText): UserEntry {
  checkName(text, "user", LONGEST_USER);
  return readEntry(USER_KEYS, text, "user");
}

/** Throws ConfigError for a name that is no number, an unknown key, a bad value or no host. */
export function peerEntry(text: EntryText): PeerEntry {
  const number = decimal(text.name);
  if (number === undefined || number < 1 || number > MOST_PEERS) {
    const expected = `a number from 1 to ${MOST_PEERS}`;
    throw new ConfigError({ at: text.at, name: "peer", got: text.name, expected });
  }
  const entry = readEntry(PEER_KEYS, text, "peer");
  if (entry.host === null) {
    const name = `host of peer ${text.name}`;
    throw new ConfigError({ at: text.at, name, expected: "host=NAME" });
  }
  return entry;
}

function checkName({ at, name }: EntryText, what: string, longest: number): void {
  if (name !== "" && new TextEncoder().encode(name).length <= longest) return;
  const expected = `a name of 1 to ${longest} bytes`;
  throw new ConfigError({ at, name: what, got: name, expected });
}

function readEntry<Table extends Settings>(
  table: Table,
  { at, name, pairs, friendly, tell, placeOf }: EntryText,
  what: string,
  aliases: Readonly<Record<string, string>> = {},
): Named & ValuesOf<Table> {
  const values: Record<string, unknown> = { ...presets(table) };
  for (const [written, value] of pairs) {
    const key = Object.hasOwn(aliases, written) ? (aliases[written] ?? written) : written;
    const place = placeOf?.(written) ?? at;
    const row = Object.hasOwn(table, key) ? table[key] : undefined;
    if (row === undefined)
      throw unknownName(place, written, `a key of a ${what}`, Object.keys(table));
    const full = `${written} of ${what} ${name}`;
    values[key] = friendly
      ? readFriendly(row.kind, place, full, value)
      : readValue(row.kind, place, full, String(value), tell);
  }
  return { ...values, name, at } as Named & ValuesOf<Table>; // Every key came from the table.
}
