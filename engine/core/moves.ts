/**
 * The one place where a client and the one place where a server changes its state, with the lists and
 * counts that go with it; and how both end. Source: PgBouncer 1.25.2 src/objects.c,
 * change_client_state(), change_server_state(), disconnect_client(), disconnect_server().
 */
import * as effects from "./effects.ts";
import * as errors from "./errors.ts";
import type { Database, Pool, User } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import * as states from "./states.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const invariant: typeof errors.invariant = errors.invariant;
const { REASON } = reasons;
const { C, C_COUNTED, C_LOOKUP, C_REPLICATION, S, ST } = records;
const { CLIENT, LEGAL_CLIENT, LEGAL_SERVER, SERVER, STATUS } = states;

/** Moves a client to `state`. Its pool must be set, unless it leaves `login` for good. */
export function moveClient(world: World, client: number, state: number): void {
  const ints = world.clients.ints;
  const at = client << 4;
  const from = ints[at] as number;
  invariant(LEGAL_CLIENT[from * 8 + state] === 1, "moveClient: illegal move");
  ints[at] = state;
  world.calm_until = 0;
  if (from === CLIENT.free) {
    world.logins++;
    return;
  }
  if (from === CLIENT.login) world.logins--;
  if (from === CLIENT.login && state === CLIENT.free) return;
  const pool = world.pools[ints[at | C.pool] as number] as Pool;
  leaveClients(world, pool, client, from);
  enterClients(world, pool, client, state);
}

function leaveClients(world: World, pool: Pool, client: number, from: number): void {
  const ints = world.clients.ints;
  switch (from) {
    case CLIENT.active:
      pool.clients--;
      break;
    case CLIENT.waiting:
    case CLIENT.waiting_login:
      pool.waiting.remove(ints, client);
      world.waiters--;
      break;
    case CLIENT.waiting_cancel:
      pool.waiting_cancel.remove(ints, client);
      world.waiters--;
      break;
    case CLIENT.active_cancel:
      pool.clients_active_cancel--;
  }
}

function enterClients(world: World, pool: Pool, client: number, state: number): void {
  const ints = world.clients.ints;
  switch (state) {
    case CLIENT.active:
      pool.clients++;
      break;
    case CLIENT.waiting:
    case CLIENT.waiting_login:
      pool.waiting.append(ints, client);
      world.waiters++;
      break;
    case CLIENT.waiting_cancel:
      pool.waiting_cancel.append(ints, client);
      world.waiters++;
      break;
    case CLIENT.active_cancel:
      pool.clients_active_cancel++;
  }
}

/**
 * Moves a server to `state`. An idle server goes to the head of its list, from where it is taken (last
 * in, first out); with server_round_robin, or when it is to be closed, to the tail.
 */
export function moveServer(world: World, server: number, state: number): void {
  const ints = world.servers.ints;
  const at = server << 4;
  const from = ints[at] as number;
  invariant(LEGAL_SERVER[from * 8 + state] === 1, "moveServer: illegal move");
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  leave(pool, ints, server, from);
  ints[at] = state;
  world.calm_until = 0;
  switch (state) {
    case SERVER.free:
      pool.servers--;
      break;
    case SERVER.login:
      pool.servers++;
      pool.login++;
      break;
    case SERVER.idle:
      if (ints[at | S.close_needed] === 1 || world.settings.server_round_robin)
        pool.idle.append(ints, server);
      else pool.idle.prepend(ints, server);
      break;
    case SERVER.active:
      pool.active++;
      break;
    case SERVER.used:
      pool.used.prepend(ints, server);
      break;
    case SERVER.tested:
      pool.tested.append(ints, server);
      break;
    case SERVER.being_canceled:
      pool.being_canceled++;
      break;
    case SERVER.active_cancel:
      pool.active_cancel++;
  }
}

/** A new server of `pool`, as yet without a login; its handle. */
export function enterServer(world: World, pool: Pool, status: number): number {
  const server = world.servers.take();
  const { ints, times } = world.servers;
  ints[(server << 4) | S.pool] = pool.id;
  ints[(server << 4) | S.status] = status;
  times[(server << 3) | ST.connect] = world.now;
  times[(server << 3) | ST.request] = world.now;
  pool.database.connections++;
  pool.user.connections++;
  moveServer(world, server, SERVER.login);
  return server;
}

function leave(pool: Pool, ints: Int32Array, server: number, from: number): void {
  switch (from) {
    case SERVER.login:
      pool.login--;
      break;
    case SERVER.idle:
      pool.idle.remove(ints, server);
      break;
    case SERVER.active:
      pool.active--;
      break;
    case SERVER.used:
      pool.used.remove(ints, server);
      break;
    case SERVER.tested:
      pool.tested.remove(ints, server);
      break;
    case SERVER.being_canceled:
      pool.being_canceled--;
      break;
    case SERVER.active_cancel:
      pool.active_cancel--;
  }
}

// The moves that happen for every transaction, written out: the same as `moveClient` and `moveServer`.

/** A client that asked joins the queue. */
export function activeToWaiting(world: World, pool: Pool, client: number): void {
  const ints = world.clients.ints;
  invariant(ints[client << 4] === CLIENT.active, "activeToWaiting: client is not active");
  ints[client << 4] = CLIENT.waiting;
  pool.clients--;
  pool.waiting.append(ints, client);
  world.waiters++;
}

/** Links an idle server to an active client. */
export function idleToActive(world: World, pool: Pool, client: number, server: number): void {
  const ints = world.servers.ints;
  const at = server << 4;
  invariant(ints[at] === SERVER.idle, "idleToActive: server is not idle");
  world.clients.ints[(client << 4) | C.server] = server | 0;
  pool.idle.remove(ints, server);
  ints[at] = SERVER.active;
  ints[at | S.client] = client | 0;
  ints[at | S.status] = STATUS.busy;
  pool.active++;
}

/** A server without a client any more is free for the next. See `moveServer` for its place. */
export function activeToIdle(world: World, pool: Pool, server: number): void {
  const ints = world.servers.ints;
  const at = server << 4;
  invariant(ints[at] === SERVER.active, "activeToIdle: server is not active");
  ints[at] = SERVER.idle;
  pool.active--;
  world.calm_until = 0;
  if (ints[at | S.close_needed] === 1 || world.settings.server_round_robin)
    pool.idle.append(ints, server);
  else pool.idle.prepend(ints, server);
}

/** The first waiter has the server that another client has just given back: it stays active. */
export function handOver(world: World, pool: Pool, client: number, server: number): void {
  const clients = world.clients.ints;
  const ints = world.servers.ints;
  invariant(clients[client << 4] === CLIENT.waiting, "handOver: client is not waiting");
  clients[client << 4] = CLIENT.active;
  clients[(client << 4) | C.server] = server | 0;
  pool.waiting.remove(clients, client);
  pool.clients++;
  world.waiters--;
  ints[(server << 4) | S.client] = client | 0;
  ints[(server << 4) | S.status] = STATUS.busy;
}

/**
 * Ends a client: uncounts it, frees its handle and says so, unless its socket ended by itself. A server
 * that is dedicated to it, logged in or not, ends with it.
 */
export function endClient(world: World, client: number, reason: number): void {
  const ints = world.clients.ints;
  const at = client << 4;
  const flags = ints[at | C.flags] as number;
  if (flags & C_COUNTED) {
    (world.databases[ints[at | C.database] as number] as Database).clients--;
    (world.users[ints[at | C.user] as number] as User).clients--;
  }
  if (flags & C_LOOKUP) {
    ints[at | C.flags] = 0;
    world.logins--;
  }
  if (flags & C_REPLICATION) endReplication(world, client);
  moveClient(world, client, CLIENT.free);
  world.clients.give(client);
  if (reason >= 0) world.effects.push(EFFECT.drop, client, -1, reason);
}

function endReplication(world: World, client: number): void {
  const at = (client << 4) | C.server;
  const server = world.clients.ints[at] as number;
  world.replications--;
  world.held--;
  if (server < 0) return;
  world.clients.ints[at] = -1;
  world.servers.ints[(server << 4) | S.client] = -1;
  world.effects.push(EFFECT.unlink, client, server, REASON.replication_closed);
  closeServer(world, server, REASON.replication_closed);
}

/**
 * A login that we have cut short ourselves is no failed one. PgBouncer takes it for one, and sends away who
 * asks after RESUME: "server login has been failing, cached error: pause mode". We do not; that the next
 * attempt waits for server_login_retry we have in common.
 */
function isOurs(reason: number): boolean {
  return reason === REASON.pause_mode || reason === REASON.reconnect || reason === REASON.killed;
}

/**
 * Closes a server for `reason` (-1: its socket ended by itself, nothing to close). A linked client goes
 * down with it and is told `told`, or the same reason. A server that closes during its login marks the
 * pool: no further attempt before server_login_retry.
 */
export function closeServer(world: World, server: number, reason: number, told = reason): void {
  const ints = world.servers.ints;
  const at = server << 4;
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  const state = ints[at] as number;
  const client = ints[at | S.client] as number;
  // A replication client that leaves says nothing of the server that was being opened for it.
  if (state === SERVER.login && reason !== REASON.replication_closed) {
    if (!isOurs(reason)) pool.last_login_failed = true;
    pool.last_connect_failed = true;
  }
  ints[at | S.client] = -1;
  if ((state === SERVER.active || state === SERVER.login) && client >= 0) {
    world.clients.ints[(client << 4) | C.server] = -1;
    world.effects.push(EFFECT.unlink, client, server, told);
    endClient(world, client, told);
  }
  forgetCancels(world, pool, server, true);
  pool.database.connections--;
  pool.user.connections--;
  moveServer(world, server, SERVER.free);
  world.servers.give(server);
  if (reason >= 0) world.effects.push(EFFECT.close, -1, server, reason);
  if (state === SERVER.active_cancel && client >= 0) endCancel(world, client, REASON.cancel_done);
}

/**
 * Ends a cancel request. A server that was kept back until no cancel for it is under way any more is
 * released at the end of the turn.
 */
export function endCancel(world: World, client: number, reason: number): void {
  const target = world.clients.ints[(client << 4) | C.server] as number;
  const carried = world.clients.ints[client << 4] === CLIENT.active_cancel;
  endClient(world, client, reason);
  if (target < 0 || !carried) return;
  const servers = world.servers.ints;
  const left = (servers[(target << 4) | S.cancels] as number) - 1;
  servers[(target << 4) | S.cancels] = left;
  if (left === 0 && servers[target << 4] === SERVER.being_canceled) world.releasable.push(target);
}

/**
 * Cancel requests for `server` lose their aim: those that still wait for a connection, or `all`.
 * Source: PgBouncer 1.25.2 release_server() and disconnect_server().
 */
export function forgetCancels(world: World, pool: Pool, server: number, all: boolean): void {
  if (pool.waiting_cancel.length === 0 && pool.clients_active_cancel === 0) return;
  const ints = world.clients.ints;
  for (let at = 0; at < world.clients.high << 4; at += 16) {
    if (ints[at | C.server] !== server) continue;
    const state = ints[at];
    if (state === CLIENT.waiting_cancel || (all && state === CLIENT.active_cancel))
      ints[at | C.server] = -1;
  }
}
