/**
 * What the databases and users of a workload are called in the pooler of a live run. Every configuration has
 * entries of its own, and in a private database users of its own, so that what a user may have is each
 * configuration's. In somebody's own database nobody is made: all clients log in as the one user that is known.
 */
import { ConfigError } from "../../../engine/config/index.ts";
import type { Pool, UserSettings } from "../../../engine/core/index.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { keyOf, poolOf, poolsOf } from "../pools.ts";
import type { Cell, Played } from "./cell.ts";

/** Names of one configuration. */
export interface Names {
  /** Kinds of clients -> the entry that they come to. */
  readonly entries: Readonly<Record<string, string>>;
  /** The workload's users -> as whom they log in. */
  readonly users: Readonly<Record<string, string>>;
}

/** Whether users can be made in it. */
export const isPrivate = ({ server }: Played): boolean => server !== undefined;

/** See `Names`. `database`: what the run is played against. */
export function namesOf(workload: Workload, cell: Cell, database: Played): Names {
  const own = isPrivate(database);
  // Where the machine is measured nobody has limits.
  const whose = cell.plain ? "plain" : cell.name;
  const databases = [...new Set(workload.clients.map((kind) => kind.database))];
  const entryOf = (kind: ClientKind): string =>
    own
      ? named(cell.name, kind.database, databases.indexOf(kind.database))
      : entryOfPool(workload, cell, kind);
  return {
    entries: Object.fromEntries(workload.clients.map((kind) => [kind.name, entryOf(kind)])),
    users: Object.fromEntries(
      usersOf(workload).map((user, i) => [user, own ? named(whose, user, i) : database.user]),
    ),
  };
}

/** PostgreSQL cuts longer names. Source: src/include/pg_config_manual.h, NAMEDATALEN. */
const LONGEST = 63;

/** The name with that of its configuration; a number where an ini could not have it. */
function named(whose: string, name: string, number: number): string {
  const full = `${whose}_${name}`;
  return /^[\w-]+$/.test(full) && full.length <= LONGEST ? full : `${whose}.${number + 1}`;
}

/** Who logs in, and whose servers they get where an entry says so. */
export function usersOf(workload: Workload): string[] {
  const logins = workload.clients.map((kind) => kind.user);
  const owners = poolsOf(workload).map((pool) => pool.user.settings.name);
  return [...new Set([...logins, ...owners])];
}

/** An entry for each pool: where all log in as one user, two users of a database would share one. */
function entryOfPool(workload: Workload, cell: Cell, kind: ClientKind): string {
  const key = keyOf(poolOf(workload, kind));
  const name = `${cell.name}_${kind.database}`;
  const own = poolsOf(workload).filter((pool) => pool.database.settings.name === kind.database);
  const at = own.findIndex((pool) => keyOf(pool) === key);
  return at === 0 ? name : `${name}_${at + 1}`;
}

/** What is counted for a user, and for a database. */
export const USER_COUNTS = ["max_user_connections", "max_user_client_connections"] as const;
export const DATABASE_COUNTS = ["max_db_connections", "max_db_client_connections"] as const;

/** What is a user's and no pool's. */
const OF_USERS = [
  ...USER_COUNTS,
  "query_timeout",
  "idle_transaction_timeout",
  "transaction_timeout",
  "client_idle_timeout",
] as const satisfies readonly (keyof UserSettings)[];

/**
 * Refuses limits that need more users than somebody's own database has. Errors: ConfigError. `several`: the run
 * has several configurations, with which the one user would share what it may have.
 */
export function checkUsers(workload: Workload, database: Played, several: boolean): void {
  if (isPrivate(database)) return;
  const { settings } = workload;
  const users = usersOf(workload);
  const entries = settings.users.filter(({ name }) => users.includes(name));
  for (const key of users.length > 1 ? OF_USERS : several ? USER_COUNTS : []) {
    const owner = entries.find((user) => user[key] !== undefined);
    const global = USER_COUNTS.some((each) => each === key) && settings[key] > 0;
    if (owner !== undefined) throw refusal(workload, database, `users.${owner.name}.${key}`);
    if (global) throw refusal(workload, database, key);
  }
  for (const [name, key] of sharedLimits(poolsOf(workload), workload))
    throw refusal(workload, database, `databases.${name}.${key}`);
}

/** Limits of databases in which several users have pools. */
function sharedLimits(pools: readonly Pool[], { settings }: Workload): [string, string][] {
  return DATABASE_COUNTS.flatMap((key) =>
    pools
      .map((pool) => pool.database.settings)
      .filter(({ name }, i, all) => all.findIndex((entry) => entry.name === name) !== i)
      .filter((entry) => (entry[key] || settings[key]) > 0)
      .map(({ name }): [string, string] => [name, key]),
  );
}

function refusal({ file }: Workload, { user }: Played, name: string): ConfigError {
  return new ConfigError({
    at: file,
    name,
    problem: `cannot be played in somebody's own database, where all clients log in as ${user}`,
    expected: "the private database, in which each of the workload's users is made",
    fix: "leave out --dsn (and DATABASE_URL), or remove the setting",
  });
}
