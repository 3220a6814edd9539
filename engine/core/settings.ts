/**
 * The settings that the scheduler obeys, under PgBouncer's names. Durations are in nanoseconds here
 * (a pgbouncer.ini has seconds; `engine/config` converts). Zero means "off" or "no limit" wherever
 * PgBouncer says so.
 */
import { type Nanos, SECOND } from "./units.ts";

/** PgBouncer's three pool modes. */
export const POOL_MODES = ["session", "transaction", "statement"] as const;
export type PoolMode = (typeof POOL_MODES)[number];

/** The `[pgbouncer]` section, as far as it moves the scheduler. */
export interface GlobalSettings {
  pool_mode: PoolMode;
  /** Server connections per (database, user) pool; 0 = unlimited. */
  default_pool_size: number;
  min_pool_size: number;
  reserve_pool_size: number;
  reserve_pool_timeout: Nanos;
  /** Cap on client sockets of the process. */
  max_client_conn: number;
  max_db_connections: number;
  max_user_connections: number;
  max_db_client_connections: number;
  max_user_client_connections: number;
  server_round_robin: boolean;
  server_lifetime: Nanos;
  server_idle_timeout: Nanos;
  server_connect_timeout: Nanos;
  server_login_retry: Nanos;
  server_check_delay: Nanos;
  /** False when `server_check_query` is empty: idle servers are then never checked. */
  server_check_query: boolean;
  /** False when `server_reset_query` is empty. */
  server_reset_query: boolean;
  server_reset_query_always: boolean;
  server_fast_close: boolean;
  query_wait_timeout: Nanos;
  query_timeout: Nanos;
  transaction_timeout: Nanos;
  idle_transaction_timeout: Nanos;
  client_idle_timeout: Nanos;
  client_login_timeout: Nanos;
  cancel_wait_timeout: Nanos;
  query_wait_notify: Nanos;
  /** A pool without clients and servers is forgotten after that long; 0 = never. */
  pool_idle_timeout: Nanos;
  /** The same for a database made from the `*` entry. */
  autodb_idle_timeout: Nanos;
}

/** An entry of `[databases]`; what is left out comes from the global settings. */
export interface DatabaseSettings {
  name: string;
  /** `user=` of the entry: all clients of the entry share one pool under this name. */
  forced_user?: string | undefined;
  pool_size?: number | undefined;
  min_pool_size?: number | undefined;
  reserve_pool_size?: number | undefined;
  pool_mode?: PoolMode | undefined;
  query_wait_timeout?: Nanos | undefined;
  max_db_connections?: number | undefined;
  max_db_client_connections?: number | undefined;
  server_lifetime?: Nanos | undefined;
  /** Where its servers are, as one opaque text: when RELOAD changes it, the entry reconnects. */
  target?: string | undefined;
  /** Of the `*` entry: all of it as one opaque text. A change of anything reconnects what it has made. */
  text?: string | undefined;
}

/** An entry of `[users]`. */
export interface UserSettings {
  name: string;
  pool_mode?: PoolMode | undefined;
  pool_size?: number | undefined;
  reserve_pool_size?: number | undefined;
  max_user_connections?: number | undefined;
  max_user_client_connections?: number | undefined;
  query_timeout?: Nanos | undefined;
  query_wait_timeout?: Nanos | undefined;
  idle_transaction_timeout?: Nanos | undefined;
  transaction_timeout?: Nanos | undefined;
  client_idle_timeout?: Nanos | undefined;
}

/** An entry of `[peers]`. */
export interface PeerSettings {
  id: number;
  /** Most connections for cancel requests to it; left out: default_pool_size. */
  pool_size?: number | undefined;
}

export interface CoreSettings extends GlobalSettings {
  databases: readonly DatabaseSettings[];
  users: readonly UserSettings[];
  /** The `*` entry: settings for databases that no entry names. */
  autodb?: DatabaseSettings | undefined;
  peers?: readonly PeerSettings[] | undefined;
}

/** PgBouncer 1.25.2's defaults. Source: its doc/config.md. */
export const DEFAULTS: GlobalSettings = {
  pool_mode: "session",
  default_pool_size: 20,
  min_pool_size: 0,
  reserve_pool_size: 0,
  reserve_pool_timeout: 5 * SECOND,
  max_client_conn: 100,
  max_db_connections: 0,
  max_user_connections: 0,
  max_db_client_connections: 0,
  max_user_client_connections: 0,
  server_round_robin: false,
  server_lifetime: 3600 * SECOND,
  server_idle_timeout: 600 * SECOND,
  server_connect_timeout: 15 * SECOND,
  server_login_retry: 15 * SECOND,
  server_check_delay: 30 * SECOND,
  server_check_query: true,
  server_reset_query: true,
  server_reset_query_always: false,
  server_fast_close: false,
  query_wait_timeout: 120 * SECOND,
  query_timeout: 0,
  transaction_timeout: 0,
  idle_transaction_timeout: 0,
  client_idle_timeout: 0,
  client_login_timeout: 60 * SECOND,
  cancel_wait_timeout: 10 * SECOND,
  query_wait_notify: 5 * SECOND,
  pool_idle_timeout: 0,
  autodb_idle_timeout: 3600 * SECOND,
};
