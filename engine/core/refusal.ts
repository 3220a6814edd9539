/**
 * Who is not let in. Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(), set_pool(); src/objects.c,
 * finish_client_login().
 */
import type { Database, User } from "./pool.ts";
import { REASON } from "./reasons.ts";
import type { World } from "./world.ts";

/** Which limit refuses a client of this database and user, before it must prove anything; -1: none. */
export function refusal(world: World, database: number, user: number): number {
  const settings = world.settings;
  const entry = world.databases[database] as Database;
  const login = world.users[user] as User;
  const per_database =
    entry.settings.max_db_client_connections || settings.max_db_client_connections;
  const per_user =
    login.settings.max_user_client_connections || settings.max_user_client_connections;
  if (world.connected > settings.max_client_conn) return REASON.max_client_conn;
  if (per_database > 0 && entry.clients >= per_database) return REASON.max_db_client_connections;
  if (per_user > 0 && login.clients >= per_user) return REASON.max_user_client_connections;
  return -1;
}

/** Why a client that has proved who it is does not come in; -1: it does. */
export function closedTo(world: World, { disabled }: Database): number {
  if (disabled) return REASON.disabled;
  return world.shutdown === "none" ? -1 : REASON.shutting_down;
}
