/**
 * Clients and servers that another process had and hands over: they come in past login and launch.
 * Source: PgBouncer 1.25.2 src/objects.c, use_client_socket(), use_server_socket().
 */
import { poolOfClient } from "./matching.ts";
import { enterServer, idleToActive, moveClient, moveServer } from "./moves.ts";
import type { Database, Pool, User } from "./pool.ts";
import { CT } from "./records.ts";
import { CLIENT, SERVER, STATUS } from "./states.ts";
import type { World } from "./world.ts";

/** `client`, which has named its database and user, is in: without a welcome, for it has had one. */
export function adoptClient(world: World, client: number): void {
  world.clients.times[(client << 3) | CT.request] = world.now;
  moveClient(world, client, CLIENT.active);
  poolOfClient(world, client).last_active = world.now;
}

/**
 * A server of the pool of `database` and `user`, logged in; its handle. Linked to `client`, with an answer
 * due, or idle if that is -1. No limit keeps it away: it is there.
 */
export function adoptServer(world: World, client: number, database: number, user: number): number {
  const pool = client >= 0 ? poolOfClient(world, client) : poolOf(world, database, user);
  const server = enterServer(world, pool, STATUS.idle);
  pool.welcome_known = true;
  moveServer(world, server, SERVER.idle);
  if (client < 0) return server;
  idleToActive(world, pool, client, server);
  const { times } = world.clients;
  times[(client << 3) | CT.query] = world.now;
  times[(client << 3) | CT.xact] = world.now;
  return server;
}

/** `user` is the pool's, whether the entry forces it or not. */
function poolOf(world: World, database: number, user: number): Pool {
  const forced = (world.databases[database] as Database).settings.forced_user;
  const { name } = (world.users[user] as User).settings;
  return world.pool(database, user, forced !== name);
}
