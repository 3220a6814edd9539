/**
 * Peers: further poolers behind the same address. A cancel request may reach any of them; one that is
 * meant for a peer is handed on to it over a connection of a pool that carries nothing else.
 * Source: PgBouncer 1.25.2 src/objects.c, accept_cancel_request_for_peer(), launch_new_connection().
 */
import { queueCancel } from "./cancelling.ts";
import { closeServer, endCancel, endClient } from "./moves.ts";
import type { Pool } from "./pool.ts";
import { REASON } from "./reasons.ts";
import { S } from "./records.ts";
import { SERVER } from "./states.ts";
import type { World } from "./world.ts";

/** `client`, fresh from `accept`, asks to cancel a query at `peer`, a number of `[peers]`. */
export function cancelAtPeer(world: World, client: number, peer: number): void {
  const pool = world.peers.find((one) => one.peer === peer);
  if (pool === undefined) endClient(world, client, REASON.cancel_no_peer);
  else queueCancel(world, client, pool, -1);
}

/** RELOAD: closes and forgets the peers that are not in `[peers]` any more. */
export function forgetPeers(world: World, kept: ReadonlySet<number>): void {
  for (const pool of world.peers.filter(({ peer }) => !kept.has(peer))) {
    closePool(world, pool);
    world.forgetPeer(pool);
  }
}

/** Requests first: one that is under way has not been sent successfully. */
function closePool(world: World, pool: Pool): void {
  while (pool.waiting_cancel.head >= 0)
    endCancel(world, pool.waiting_cancel.head, REASON.peer_removed);
  const { ints } = world.servers;
  for (let at = 0; at < world.servers.high << 4; at += 16) {
    if (ints[at] === SERVER.free || ints[at | S.pool] !== pool.id) continue;
    const request = ints[at | S.client] as number;
    ints[at | S.client] = -1;
    if (request >= 0) endCancel(world, request, REASON.peer_removed);
    closeServer(world, at >> 4, REASON.peer_removed);
  }
}
