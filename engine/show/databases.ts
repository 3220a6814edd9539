/** SHOW DATABASES. Source: PgBouncer 1.25.2 src/admin.c, admin_show_databases(). */
import { type CoreSettings, type Database, SECOND } from "../core/index.ts";
import { columns, type Value } from "./table.ts";

/** Its columns. */
export const DATABASE_COLUMNS = columns(
  "name t, host t, port i, database t, force_user t, pool_size i, min_pool_size i, " +
    "reserve_pool_size i, server_lifetime i, pool_mode t, load_balance_hosts t, max_connections i, " +
    "current_connections i, max_client_connections i, current_client_connections i, paused i, disabled i",
);

/** Where a database is, which the scheduler does not know. */
export interface DatabasePlace {
  host: Value;
  port: Value;
  /** Its name at the server. */
  database: Value;
  load_balance: Value;
}

/** The row of one database. */
export function databaseRow(
  global: CoreSettings,
  database: Database,
  place: DatabasePlace,
): Value[] {
  const { settings } = database;
  const lifetime = settings.server_lifetime || global.server_lifetime;
  return [
    settings.name,
    place.host,
    place.port,
    place.database,
    settings.forced_user ?? null,
    settings.pool_size ?? global.default_pool_size,
    settings.min_pool_size ?? global.min_pool_size,
    settings.reserve_pool_size ?? global.reserve_pool_size,
    Math.floor(lifetime / SECOND),
    settings.pool_mode ?? null,
    place.load_balance,
    settings.max_db_connections || global.max_db_connections,
    database.connections,
    settings.max_db_client_connections || global.max_db_client_connections,
    database.clients,
    database.paused ? 1 : 0,
    database.disabled ? 1 : 0,
  ];
}
