/**
 * Keys of the entries of `[databases]`, `[users]` and `[peers]`. A number left out is null: the
 * setting of `[pgbouncer]` holds. Source: PgBouncer 1.25.2 src/loader.c and doc/config.md.
 */
import { POOL_MODES } from "../core/settings.ts";
import {
  count,
  inherited,
  inheritedChoice,
  inheritedTime,
  type Kind,
  optionalText,
  text,
} from "./kinds.ts";
import { beginning, decimal } from "./numbers.ts";
import { type PoolerSupport, setting } from "./setting.ts";

/**
 * Largest number of a peer: a key has two bytes for it. The manual says 16383, which nobody holds it to.
 * Source: PgBouncer 1.25.2 src/loader.c, parse_peer().
 */
export const MOST_PEERS = 65_535;

/** Connection strings have decimal numbers only: C's `atoi`, and 0 is no port. */
const port: Kind<number> = { ...count(1, 65_535), read: readPort, salvage: beginning };
const poolMode = inheritedChoice(...POOL_MODES);
const LOAD_BALANCE = ["round-robin", "disable"] as const;

const someHost: { pooler: PoolerSupport } = {
  pooler: { is: "refused", unless: /^[^,]*$|^[^,]+(,[^,]+)+$/, allowed: "names between commas" },
};

export const DATABASE_KEYS = {
  dbname: setting(
    optionalText,
    null,
    "Name of the database on the server; left out: the entry's own name.",
  ),
  host: setting(
    optionalText,
    null,
    "Host of the server, or several between commas; a directory is one of a Unix socket, and left out: unix_socket_dir.",
    someHost,
  ),
  port: setting(port, "5432", "Port of the server."),
  user: setting(optionalText, null, "User of all server connections; left out: the client's own."),
  password: setting(text, "", "Password of that user; left out: the one in auth_file."),
  auth_user: setting(optionalText, null, "As auth_user of [pgbouncer], for this database."),
  auth_dbname: setting(optionalText, null, "As auth_dbname of [pgbouncer], for this database."),
  auth_query: setting(optionalText, null, "As auth_query of [pgbouncer], for this database."),
  pool_mode: setting(poolMode, null, "Pool mode of this database."),
  pool_size: setting(inherited, null, "Size of this database's pools; 0 = no limit."),
  min_pool_size: setting(inherited, null, "Server connections kept open in each of its pools."),
  reserve_pool_size: setting(inherited, null, "Reserve of each of its pools."),
  max_db_connections: setting(inherited, null, "Most server connections over all its pools."),
  max_db_client_connections: setting(inherited, null, "Most client connections."),
  server_lifetime: setting(inheritedTime, null, "Age at which its server connections are closed."),
  query_wait_timeout: setting(inheritedTime, null, "Longest wait for a server; 0 = no limit."),
  connect_query: setting(optionalText, null, "Query sent on each new server connection."),
  load_balance_hosts: setting(
    inheritedChoice(...LOAD_BALANCE),
    null,
    "Whether connections go to the hosts of a list in turn, or to the next one after a failure.",
  ),
  client_encoding: setting(optionalText, null, "client_encoding of its server connections."),
  datestyle: setting(optionalText, null, "DateStyle of its server connections."),
  timezone: setting(optionalText, null, "TimeZone of its server connections."),
  application_name: setting(optionalText, null, "application_name of its server connections."),
};

/** Old names of keys, still accepted. */
export const DATABASE_ALIASES = { reserve_pool: "reserve_pool_size" } as const;

export const USER_KEYS = {
  pool_mode: setting(poolMode, null, "Pool mode of this user's pools."),
  pool_size: setting(inherited, null, "Size of this user's pools; 0 = no limit."),
  reserve_pool_size: setting(inherited, null, "Reserve of this user's pools."),
  max_user_connections: setting(inherited, null, "Most server connections of this user."),
  max_user_client_connections: setting(inherited, null, "Most client connections of this user."),
  query_timeout: setting(inheritedTime, null, "Longest query of this user."),
  query_wait_timeout: setting(inheritedTime, null, "Longest wait of this user; 0 = no limit."),
  idle_transaction_timeout: setting(inheritedTime, null, "Longest idle time inside a transaction."),
  transaction_timeout: setting(inheritedTime, null, "Longest transaction of this user."),
  client_idle_timeout: setting(inheritedTime, null, "Longest silence of this user's clients."),
};

export const PEER_KEYS = {
  host: setting(optionalText, null, "Host of the peer, or the directory of its Unix socket."),
  port: setting(port, "6432", "Port of the peer."),
  pool_size: setting(inherited, null, "Most cancel requests under way to the peer."),
};

function readPort(written: string): number | undefined {
  const number = decimal(written);
  return number !== undefined && number >= 1 && number <= 65_535 ? number : undefined;
}
