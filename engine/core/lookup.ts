/**
 * A client whose secret must be looked up in a database (auth_query): while it logs in it borrows a server
 * of another pool, in which it queues like any client. Limits of its own database and user are looked at
 * afterwards, by `startup`. Source: PgBouncer 1.25.2 src/client.c, start_auth_query().
 */
import { findServer, release } from "./matching.ts";
import { endClient, moveClient } from "./moves.ts";
import { REASON } from "./reasons.ts";
import { C, C_LOOKUP, CT, S, ST } from "./records.ts";
import { CLIENT, STATUS } from "./states.ts";
import type { World } from "./world.ts";

/** `client` is logging in; it asks for a server of the pool of `database` and `user`. */
export function lookup(world: World, client: number, database: number, user: number): void {
  const { ints, times } = world.clients;
  const at = client << 4;
  if (world.shutdown !== "none") {
    endClient(world, client, REASON.shutting_down);
    return;
  }
  if (world.connected > world.settings.max_client_conn) {
    endClient(world, client, REASON.max_client_conn);
    return;
  }
  const pool = world.pool(database, user, true);
  ints[at | C.database] = database;
  ints[at | C.user] = user;
  ints[at | C.pool] = pool.id;
  ints[at | C.flags] = C_LOOKUP;
  times[(client << 3) | CT.request] = world.now;
  moveClient(world, client, CLIENT.active);
  world.logins++; // It still logs in: client_login_timeout goes on.
  findServer(world, pool, client);
}

/** The answer has come: the server is released whatever the pool's mode, and the login goes on. */
export function lookedUp(world: World, client: number): void {
  const { ints } = world.clients;
  const at = client << 4;
  const server = ints[at | C.server] as number;
  world.servers.ints[(server << 4) | S.status] = STATUS.idle;
  world.servers.times[(server << 3) | ST.request] = world.now;
  ints[at | C.flags] = 0;
  moveClient(world, client, CLIENT.login);
  release(world, server, REASON.transaction_end);
}
