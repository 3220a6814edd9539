/** Whether a client may come in. Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(). */
import type { Database, User } from "./pool.ts";
import * as reasons from "./reasons.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { REASON } = reasons;

/** Why a client, counted among all but not among those of its database and user, is refused; -1: it is not. */
export function refusal(world: World, database: number, user: number): number {
  const settings = world.settings;
  const entry = world.databases[database] as Database;
  const login = world.users[user] as User;
  const per_database =
    entry.settings.max_db_client_connections || settings.max_db_client_connections;
  const per_user =
    login.settings.max_user_client_connections || settings.max_user_client_connections;
  if (world.shutdown !== "none") return REASON.shutting_down;
  if (world.clients.used > settings.max_client_conn) return REASON.max_client_conn;
  if (entry.disabled) return REASON.disabled;
  if (per_database > 0 && entry.clients >= per_database) return REASON.max_db_client_connections;
  if (per_user > 0 && login.clients >= per_user) return REASON.max_user_client_connections;
  return -1;
}
