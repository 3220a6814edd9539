/** Who is not let in. Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(), finish_set_pool(). */
import type { Database, User } from "./pool.ts";
import { REASON } from "./reasons.ts";
import type { World } from "./world.ts";

/**
 * Why a client of this database and user is refused before it has proved who it is; -1: it is not. That the
 * database is disabled, or that all is to end, is told only to who has.
 */
export function refusal(world: World, database: number, user: number): number {
  const settings = world.settings;
  const entry = world.databases[database] as Database;
  const login = world.users[user] as User;
  const per_database =
    entry.settings.max_db_client_connections || settings.max_db_client_connections;
  const per_user =
    login.settings.max_user_client_connections || settings.max_user_client_connections;
  if (world.clients.used > settings.max_client_conn) return REASON.max_client_conn;
  if (per_database > 0 && entry.clients >= per_database) return REASON.max_db_client_connections;
  if (per_user > 0 && login.clients >= per_user) return REASON.max_user_client_connections;
  return -1;
}
