/** From a config to what the scheduler obeys: `engine/core/settings.ts` has the types. */
import type {
  CoreSettings,
  DatabaseSettings,
  GlobalSettings,
  PeerSettings,
  UserSettings,
} from "../core/settings.ts";
import type { Nanos } from "../core/units.ts";
import type { DatabaseEntry, PeerEntry, UserEntry } from "./entries.ts";
import type { Config } from "./ini.ts";
import type { Values } from "./settings.ts";
import { configFrom, type WrittenKeys, type WrittenOptions } from "./written.ts";

/** The scheduler's settings of a config. */
export function coreSettings(config: Config): CoreSettings {
  return {
    ...globalSettings(config.values),
    databases: config.databases.map(databaseSettings),
    users: config.users.map(userSettings),
    ...(config.peers.length === 0 ? {} : { peers: config.peers.map(peerSettings) }),
    autodb: config.autodb && { ...databaseSettings(config.autodb), text: text(config.autodb) },
  };
}

/** The scheduler's settings in a workload's words, see `configFrom`. Throws ConfigError. */
export function coreSettingsFrom(
  settings: WrittenKeys,
  databases: Readonly<Record<string, WrittenKeys>> = {},
  users: Readonly<Record<string, WrittenKeys>> = {},
  options: WrittenOptions = {},
): CoreSettings {
  return coreSettings(configFrom(settings, databases, users, options));
}

function globalSettings(values: Values): GlobalSettings {
  return {
    pool_mode: values.pool_mode,
    default_pool_size: natural(values.default_pool_size),
    min_pool_size: natural(values.min_pool_size),
    reserve_pool_size: natural(values.reserve_pool_size),
    reserve_pool_timeout: exact(values.reserve_pool_timeout),
    max_client_conn: natural(values.max_client_conn),
    max_db_connections: natural(values.max_db_connections),
    max_user_connections: natural(values.max_user_connections),
    max_db_client_connections: natural(values.max_db_client_connections),
    max_user_client_connections: natural(values.max_user_client_connections),
    server_round_robin: values.server_round_robin,
    server_lifetime: exact(values.server_lifetime),
    server_idle_timeout: exact(values.server_idle_timeout),
    server_connect_timeout: exact(values.server_connect_timeout),
    server_login_retry: exact(values.server_login_retry),
    server_check_delay: exact(values.server_check_delay),
    server_check_query: values.server_check_query !== "",
    server_reset_query: values.server_reset_query !== "",
    server_reset_query_always: values.server_reset_query_always,
    server_fast_close: values.server_fast_close,
    query_wait_timeout: exact(values.query_wait_timeout),
    query_timeout: exact(values.query_timeout),
    transaction_timeout: exact(values.transaction_timeout),
    idle_transaction_timeout: exact(values.idle_transaction_timeout),
    client_idle_timeout: exact(values.client_idle_timeout),
    client_login_timeout: exact(values.client_login_timeout),
    cancel_wait_timeout: exact(values.cancel_wait_timeout),
    query_wait_notify: exact(natural(values.query_wait_notify)),
    pool_idle_timeout: exact(values.pool_idle_timeout),
    autodb_idle_timeout: exact(values.autodb_idle_timeout),
  };
}

const peerSettings = ({ name, pool_size }: PeerEntry): PeerSettings => ({
  id: Number(name),
  pool_size: pool_size ?? undefined,
});

function databaseSettings(entry: DatabaseEntry): DatabaseSettings {
  return {
    name: entry.name,
    forced_user: entry.user ?? undefined,
    pool_mode: entry.pool_mode ?? undefined,
    pool_size: entry.pool_size ?? undefined,
    min_pool_size: entry.min_pool_size ?? undefined,
    reserve_pool_size: entry.reserve_pool_size ?? undefined,
    query_wait_timeout: time(entry.query_wait_timeout),
    max_db_connections: unlessZero(entry.max_db_connections),
    max_db_client_connections: unlessZero(entry.max_db_client_connections),
    server_lifetime: unlessZero(time(entry.server_lifetime)),
    target: target(entry),
  };
}

function userSettings(entry: UserEntry): UserSettings {
  return {
    name: entry.name,
    pool_mode: entry.pool_mode ?? undefined,
    pool_size: entry.pool_size ?? undefined,
    reserve_pool_size: entry.reserve_pool_size ?? undefined,
    max_user_connections: unlessZero(entry.max_user_connections),
    max_user_client_connections: unlessZero(entry.max_user_client_connections),
    query_timeout: unlessZero(time(entry.query_timeout)),
    query_wait_timeout: time(entry.query_wait_timeout),
    idle_transaction_timeout: unlessZero(time(entry.idle_transaction_timeout)),
    transaction_timeout: unlessZero(time(entry.transaction_timeout)),
    client_idle_timeout: unlessZero(time(entry.client_idle_timeout)),
  };
}

/**
 * All that makes RELOAD reconnect an entry when it changes, and nothing else.
 * Source: PgBouncer 1.25.2 src/loader.c, parse_database().
 */
function target(entry: DatabaseEntry): string {
  const { dbname, host, port, user, connect_query, auth_dbname, auth_query } = entry;
  const order = entry.load_balance_hosts;
  return JSON.stringify([
    dbname === entry.name ? null : dbname,
    host,
    port,
    user,
    connect_query,
    auth_dbname,
    auth_query,
    order,
  ]);
}

/**
 * All of `*`, of which every change counts; but no password, which would stand in journals.
 * Source: PgBouncer 1.25.2 src/loader.c, set_autodb().
 */
function text({ at: _at, password: _password, ...entry }: DatabaseEntry): string {
  return JSON.stringify(entry);
}

/** Where 0 means "as the global setting says", not "off". Source: src/server.c, src/janitor.c. */
function unlessZero(value: number | null | undefined): number | undefined {
  return value === null || value === 0 ? undefined : value;
}

function time(value: Nanos | null): Nanos | undefined {
  return value === null ? undefined : exact(value);
}

/** Below 0 is as 0. Source: PgBouncer 1.25.2 src/objects.c, src/client.c, src/janitor.c. */
const natural = (value: number): number => Math.max(0, value);

/** The core's ns are integers below 2^53, 104 days; whatever is longer never comes. */
function exact(value: Nanos): Nanos {
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}
