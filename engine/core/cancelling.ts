/**
 * Cancel requests wait for a connection of their own, and a connection that stands is first used for one of
 * them, whatever it was opened for. Source: PgBouncer 1.25.2 src/server.c, handle_connect(); src/objects.c,
 * accept_cancel_request(), forward_cancel_request().
 */
import * as effects from "./effects.ts";
import { launch } from "./launching.ts";
import { poolOfServer } from "./matching.ts";
import { closeServer, endCancel, endClient, moveClient, moveServer } from "./moves.ts";
import type { Pool } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import * as states from "./states.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { REASON } = reasons;
const { C, C_CANCEL, CT, S } = records;
const { CLIENT, SERVER } = states;

/** `client`, fresh from `accept`, asks to cancel the query of `target` (-1: no such key). */
export function cancel(world: World, client: number, target: number): void {
  const ints = world.clients.ints;
  const server = target < 0 ? -1 : (ints[(target << 4) | C.server] as number);
  if (server < 0 || ints[target << 4] !== CLIENT.active) {
    endClient(world, client, REASON.cancel_idle);
    return;
  }
  queueCancel(world, client, poolOfServer(world, server), server);
}

/** The request of `client` waits for a connection of `pool`. `server`: whose query it is for, -1: a peer's. */
export function queueCancel(world: World, client: number, pool: Pool, server: number): void {
  const { ints, times } = world.clients;
  ints[(client << 4) | C.pool] = pool.id;
  ints[(client << 4) | C.server] = server;
  ints[(client << 4) | C.flags] = C_CANCEL;
  times[(client << 3) | CT.request] = world.now;
  moveClient(world, client, CLIENT.waiting_cancel);
  launch(world, pool, REASON.cancel, server >= 0);
}

/** True: `server` carries a cancel request, or has gone because there is none for it any more. */
export function carryCancel(world: World, pool: Pool, server: number): boolean {
  const client = pool.waiting_cancel.head;
  if (client < 0) {
    if (pool.peer > 0) giveUp(world, pool, server);
    return pool.peer > 0;
  }
  const target = world.clients.ints[(client << 4) | C.server] as number;
  if (target < 0 && pool.peer === 0) {
    endCancel(world, client, REASON.cancel_late);
    giveUp(world, pool, server);
    return true;
  }
  const servers = world.servers.ints;
  moveClient(world, client, CLIENT.active_cancel);
  moveServer(world, server, SERVER.active_cancel);
  servers[(server << 4) | S.client] = client;
  if (target >= 0)
    servers[(target << 4) | S.cancels] = (servers[(target << 4) | S.cancels] as number) + 1;
  world.effects.push(EFFECT.cancel, client, server, target);
  return true;
}

/** No cancel request is left for a new connection: it goes, and is no failed login. */
function giveUp(world: World, pool: Pool, server: number): void {
  const failed = pool.last_login_failed;
  closeServer(world, server, REASON.cancel_given_up);
  pool.last_login_failed = failed;
  pool.last_connect_failed = false;
}
