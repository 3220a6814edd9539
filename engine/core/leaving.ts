/**
 * A client leaves, by itself or because the console says so, and what becomes of its server. Source:
 * PgBouncer 1.25.2 src/objects.c, disconnect_client_sqlstate().
 */
import * as effects from "./effects.ts";
import { isReplication, release } from "./matching.ts";
import { closeServer, endCancel, endClient } from "./moves.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import * as states from "./states.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { REASON } = reasons;
const { C, S } = records;
const { CLIENT, SERVER, STATUS } = states;

/**
 * Ends a client wherever it stands, for `reason` (-1: its socket ended by itself). Its server is released
 * if it is ready for the next client, closed otherwise.
 */
export function dropClient(world: World, client: number, reason: number): void {
  const ints = world.clients.ints;
  const state = ints[client << 4] as number;
  if (state === CLIENT.waiting_cancel) endCancel(world, client, reason);
  else if (state === CLIENT.active_cancel) closeCarrier(world, client);
  else {
    const server = ints[(client << 4) | C.server] as number;
    if (server >= 0 && !isReplication(world, client)) giveBack(world, client, server);
    endClient(world, client, reason);
  }
}

function giveBack(world: World, client: number, server: number): void {
  if (world.servers.ints[(server << 4) | S.status] === STATUS.idle) {
    release(world, server, REASON.session_end);
    return;
  }
  detach(world, client, server);
  closeServer(world, server, REASON.not_ready);
}

/** Cuts the link, so that closing the server does not end the client once more. */
function detach(world: World, client: number, server: number): void {
  world.effects.push(EFFECT.unlink, client, server, REASON.not_ready);
  world.servers.ints[(server << 4) | S.client] = -1;
  world.servers.ints[(server << 4) | S.status] = STATUS.busy;
  world.clients.ints[(client << 4) | C.server] = -1;
}

/** Closes the connection that carries a cancel request; the request ends with it. */
function closeCarrier(world: World, client: number): void {
  const ints = world.servers.ints;
  for (let server = 0; server < world.servers.high; server++) {
    const at = server << 4;
    if (ints[at] === SERVER.active_cancel && ints[at | S.client] === client) {
      closeServer(world, server, REASON.cancel_given_up);
      return;
    }
  }
}
