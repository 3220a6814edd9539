/**
 * Who is not let in. Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(), set_pool(); src/objects.c,
 * finish_client_login().
 */
import type { Database, User } from "./pool.ts";
import { REASON } from "./reasons.ts";
import type { World } from "./world.ts";

/**
 * Which limit refuses a client of this database and user, before it must prove anything; -1: none. A database
 * or a user of -1 does not exist, and nobody has come for it yet.
 */
export function refusal(world: World, database: number, user: number): number {
  const { max_client_conn, max_db_client_connections, max_user_client_connections } =
    world.settings;
  const entry = world.databases[database];
  const login = world.users[user];
  if (world.connected > max_client_conn) return REASON.max_client_conn;
  if (isFull(entry, entry?.settings.max_db_client_connections || max_db_client_connections))
    return REASON.max_db_client_connections;
  if (isFull(login, login?.settings.max_user_client_connections || max_user_client_connections))
    return REASON.max_user_client_connections;
  return -1;
}

/** At a limit of 0 there is none. */
const isFull = (whose: Database | User | undefined, most: number): boolean =>
  whose !== undefined && most > 0 && whose.clients >= most;

/** Why a client that has proved who it is does not come in; -1: it does. */
export function closedTo(world: World, { disabled }: Database): number {
  if (disabled) return REASON.disabled;
  return world.shutdown === "none" ? -1 : REASON.shutting_down;
}
