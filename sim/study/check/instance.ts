/**
 * A pgbouncer.ini as the pools that it can come to have. Each setting of a pool is the one that holds
 * there (user, then database, then global) with the place where it was written.
 * Source of the order: PgBouncer 1.25.2 src/objects.c, pool_pool_size() and its neighbours.
 */
import type {
  Config,
  ConfigError,
  DatabaseEntry,
  SettingName,
  UserEntry,
} from "../../../engine/config/index.ts";
import type { PoolMode } from "../../../engine/core/index.ts";
import type { Surroundings } from "./surroundings.ts";

/** A value and where it was written: `file:line`, or the file where a default holds. */
export interface Placed<T> {
  value: T;
  at: string;
}

/** Equal pools: those of one entry for one user, or for so many users about whom nothing is said. */
export interface Pool {
  entry: DatabaseEntry;
  /** Databases behind the entry: more than one only for `*`. */
  entries: number;
  /** Whose connections to the server they are; empty for users without a name. */
  user: string;
  users: number;
  /** `shop/ann`, for messages. */
  label: string;
  pool_mode: Placed<PoolMode>;
  /** 0: no limit of its own. */
  pool_size: Placed<number>;
  min_pool_size: Placed<number>;
  reserve_pool_size: Placed<number>;
  /** Of the reserve, what can open at all: none with reserve_pool_timeout 0. */
  reserve: number;
  /** 0: no limit. */
  max_db_connections: Placed<number>;
  max_user_connections: Placed<number>;
  /** Clients that can be in it at once, and the limit that says so. */
  clients: Placed<number> & { name: string };
  /** ns; 0: for ever. */
  query_wait_timeout: Placed<number>;
  server_lifetime: Placed<number>;
  query_timeout: Placed<number>;
  transaction_timeout: Placed<number>;
  idle_transaction_timeout: Placed<number>;
}

/** What there is of auth_file. */
export type Logins =
  | { is: "read"; names: readonly string[] }
  | { is: "not named" }
  | { is: "not readable"; why: string }
  | { is: "broken"; error: ConfigError };

/** What there is of auth_hba_file, where auth_type asks for it. */
export type LoginRules =
  | { is: "not asked for" }
  | { is: "not named" }
  | { is: "not readable"; why: string }
  /** `broken`: lines that are left out; a line that PgBouncer obeys and we cannot counts as a rule. */
  | { is: "read"; rules: number; broken: readonly ConfigError[] };

/** One file, and how many processes run it. */
export interface Instance {
  config: Config;
  copies: number;
  logins: Logins;
  loginRules: LoginRules;
  /** The databases, the template last. */
  entries: readonly DatabaseEntry[];
  pools: readonly Pool[];
  /** False: nobody says how many log in, and one is counted beside those with a name. */
  usersKnown: boolean;
}

/** The pools of a file. */
export function instanceOf(
  config: Config,
  copies: number,
  { logins, loginRules }: Pick<Instance, "logins" | "loginRules">,
  around: Surroundings,
): Instance {
  const entries = config.autodb ? [...config.databases, config.autodb] : [...config.databases];
  const names = logins.is === "read" ? logins.names : [];
  const groups = loginGroups(config, entries, names, around.users);
  const pools = entries.flatMap((entry) => {
    const forced = entry.user === null ? undefined : { name: entry.user, count: 1 };
    const asker = askerOf(config, entries, entry);
    const own = forced ? [forced] : groups.list;
    const extra = asker === undefined || own.some(({ name }) => name === asker) ? [] : [asker];
    const all = [...own, ...extra.map((name) => ({ name, count: 1 }))];
    return all.map((group) => poolOf(config, entry, group, around));
  });
  return { config, copies, logins, loginRules, entries, pools, usersKnown: groups.known };
}

/** Where a setting of `[pgbouncer]` was written; the file when its default holds. */
export function placeOf({ config }: Instance, ...names: SettingName[]): string {
  const written = names.find((name) => config.given.has(name));
  return (written && config.given.get(written)) ?? config.file;
}

interface Group {
  name: string;
  count: number;
}

/** Users that log in: each with a name that matters has a group of its own, the others share one. */
function loginGroups(
  config: Config,
  entries: readonly DatabaseEntry[],
  logins: readonly string[],
  users: number | undefined,
): { list: Group[]; known: boolean } {
  const names = new Set([...logins, ...config.users.map((user) => user.name)]);
  const askers = [config.values.auth_user, ...entries.map((entry) => entry.auth_user)];
  // auth_query lets in users whom no file names.
  const known = users !== undefined || (names.size > 0 && askers.every((name) => name === null));
  const total = users ?? names.size + (known ? 0 : 1);
  const special = new Set([...askers, ...entries.map((entry) => entry.user)]);
  for (const { name } of config.users) special.add(name);
  const named = [...names].filter((name) => special.has(name)).slice(0, total);
  const list = named.map((name) => ({ name, count: 1 }));
  if (total > list.length) list.push({ name: "", count: total - list.length });
  return { list, known };
}

/** The user who runs auth_query in this database, if any does: that is a pool too. */
function askerOf(
  { values }: Config,
  entries: readonly DatabaseEntry[],
  entry: DatabaseEntry,
): string | undefined {
  const asking = entries.find((other) => {
    const user = other.auth_user ?? values.auth_user;
    const database = other.auth_dbname ?? values.auth_dbname ?? other.name;
    return user !== null && database === entry.name;
  });
  return asking && (asking.auth_user ?? values.auth_user ?? undefined);
}

function poolOf(config: Config, entry: DatabaseEntry, group: Group, around: Surroundings): Pool {
  const user = config.users.find(({ name }) => name === group.name);
  const global = <Name extends SettingName>(name: Name) => ({
    value: config.values[name],
    at: config.given.get(name) ?? config.file,
  });
  const reserve_pool_size =
    written(user, "reserve_pool_size") ??
    written(entry, "reserve_pool_size") ??
    global("reserve_pool_size");
  const who = group.name || (group.count > 1 ? `each of ${group.count} users` : "any user");
  return {
    entry,
    entries: entry.name === "*" ? (around.databases ?? 1) : 1,
    user: group.name,
    users: group.count,
    label: `${entry.name}/${who}`,
    pool_mode: written(user, "pool_mode") ?? written(entry, "pool_mode") ?? global("pool_mode"),
    pool_size:
      written(user, "pool_size") ?? written(entry, "pool_size") ?? global("default_pool_size"),
    min_pool_size: written(entry, "min_pool_size") ?? global("min_pool_size"),
    reserve_pool_size,
    reserve: config.values.reserve_pool_timeout === 0 ? 0 : reserve_pool_size.value,
    max_db_connections:
      above0(written(entry, "max_db_connections")) ?? global("max_db_connections"),
    max_user_connections:
      above0(written(user, "max_user_connections")) ?? global("max_user_connections"),
    clients: clientsOf(entry, user, global),
    query_wait_timeout:
      written(user, "query_wait_timeout") ??
      written(entry, "query_wait_timeout") ??
      global("query_wait_timeout"),
    server_lifetime: above0(written(entry, "server_lifetime")) ?? global("server_lifetime"),
    query_timeout: above0(written(user, "query_timeout")) ?? global("query_timeout"),
    transaction_timeout:
      above0(written(user, "transaction_timeout")) ?? global("transaction_timeout"),
    idle_transaction_timeout:
      above0(written(user, "idle_transaction_timeout")) ?? global("idle_transaction_timeout"),
  };
}

/** What an entry says itself; undefined when it leaves that to others. */
function written<Entry extends { at: string }, Key extends keyof Entry>(
  entry: Entry | undefined,
  key: Key,
): Placed<NonNullable<Entry[Key]>> | undefined {
  const value = entry?.[key];
  return entry === undefined || value === null || value === undefined
    ? undefined
    : { value, at: entry.at };
}

/** For keys where 0 means that the global setting holds. */
function above0(placed: Placed<number> | undefined): Placed<number> | undefined {
  return placed?.value === 0 ? undefined : placed;
}

type ClientLimit = "max_client_conn" | "max_db_client_connections" | "max_user_client_connections";

/** The tightest of the limits on clients; of those that are off only max_client_conn never is. */
function clientsOf(
  entry: DatabaseEntry,
  user: UserEntry | undefined,
  global: (name: ClientLimit) => Placed<number>,
): Pool["clients"] {
  const limits = {
    max_client_conn: global("max_client_conn"),
    max_db_client_connections:
      above0(written(entry, "max_db_client_connections")) ??
      above0(global("max_db_client_connections")),
    // A forced user is not who logs in, and the limit is on logins.
    max_user_client_connections:
      entry.user === null
        ? (above0(written(user, "max_user_client_connections")) ??
          above0(global("max_user_client_connections")))
        : undefined,
  };
  const set = Object.entries(limits).flatMap(([name, limit]) =>
    limit ? [{ name, ...limit }] : [],
  );
  return set.reduce((least, limit) => (limit.value < least.value ? limit : least));
}
