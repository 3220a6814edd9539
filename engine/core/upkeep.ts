/**
 * The maintenance tick, every 333 333 microseconds: each timeout is looked at here and only here, so it
 * fires at the first tick after its limit is exceeded (strictly), up to 333 ms late. Source: PgBouncer
 * 1.25.2 src/janitor.c, do_full_maint(), pool_server_maint(), pool_client_maint().
 */

import { EFFECT } from "./effects.ts";
import { forgetIdle } from "./idle.ts";
import { launch } from "./launching.ts";
import { dropClient } from "./leaving.ts";
import { lifeOver, retire } from "./lifetime.ts";
import { isDirty, isReplication } from "./matching.ts";
import { closeServer, endCancel, endClient, moveServer } from "./moves.ts";
import type { Pool, User } from "./pool.ts";
import { REASON } from "./reasons.ts";
import { C, C_LOOKUP, CT, type List, S, ST } from "./records.ts";
import { CLIENT, SERVER, STATUS } from "./states.ts";
import type { World } from "./world.ts";

/** One maintenance tick over everything. */
export function upkeep(world: World): void {
  createMinimalPools(world);
  watchServers(world);
  for (const pool of world.sorted) {
    closeUnused(world, pool, pool.used, false);
    closeUnused(world, pool, pool.tested, false);
    closeUnused(world, pool, pool.idle, true);
    keepSize(world, pool);
  }
  dropIdleClients(world);
  for (const pool of world.sorted) {
    if (pool.waiting.length > 0) dropWaiters(world, pool);
    if (pool.waiting_cancel.length > 0) dropCancels(world, pool);
  }
  for (const pool of world.peers) if (pool.waiting_cancel.length > 0) dropCancels(world, pool);
  forgetIdle(world);
  if (world.logins > 0) dropLogins(world);
  if (world.shutdown !== "none") finishShutdown(world);
}

/** Entries with a forced user have their pool even if no client ever came. */
function createMinimalPools(world: World): void {
  for (const database of world.entries) {
    const { forced_user, min_pool_size } = database.settings;
    if (forced_user === undefined) continue;
    if ((min_pool_size ?? world.settings.min_pool_size) > 0)
      world.pool(database.id, world.user(forced_user));
  }
}

/** Servers that are not linked and have idled or lived too long. Idle ones must be checked later. */
function closeUnused(world: World, pool: Pool, list: List, idle_list: boolean): void {
  const { server_check_query, server_check_delay, server_idle_timeout } = world.settings;
  let server = list.head;
  while (server >= 0) {
    const at = server << 4;
    const next = world.servers.ints[at | S.next] as number;
    const idle = world.now - (world.servers.times[(server << 3) | ST.request] as number);
    if (world.servers.ints[at | S.close_needed] === 1) {
      closeServer(world, server, REASON.changed);
    } else if (list !== pool.tested && isDirty(world, server)) {
      closeServer(world, server, idle_list ? REASON.idle_dirty : REASON.used_dirty);
    } else if (server_idle_timeout > 0 && idle > server_idle_timeout && aboveMinimum(pool)) {
      closeServer(world, server, REASON.server_idle_timeout);
    } else if (lifeOver(world, pool, server)) {
      retire(world, pool, server);
    } else if (world.paused && !aged(world, pool, server)) {
      closeServer(world, server, REASON.pause_mode);
    } else if (
      idle_list &&
      server_check_query &&
      idle > server_check_delay &&
      !aged(world, pool, server)
    ) {
      moveServer(world, server, SERVER.used);
    }
    server = next;
  }
}

/** min_pool_size protects from server_idle_timeout. */
const aboveMinimum = (pool: Pool): boolean => pool.min_size === 0 || pool.connected > pool.min_size;

/** Its lifetime is over, but another of the pool was closed for that too recently: it stays as it is. */
const aged = (world: World, pool: Pool, server: number): boolean =>
  world.now - (world.servers.times[(server << 3) | ST.connect] as number) >= pool.server_lifetime;

/** After pool_size was lowered: closes what is too much. Below min_pool_size: opens one. */
function keepSize(world: World, pool: Pool): void {
  let connected = pool.connected;
  let excess = connected - pool.size - pool.reserve_size;
  while (pool.size > 0 && excess > 0) {
    const server = pool.used.head >= 0 ? pool.used.head : pool.idle.head;
    if (server < 0) break;
    closeServer(world, server, REASON.too_many);
    excess--;
    connected--;
  }
  if (connected >= pool.min_size || connected >= pool.size || world.paused) return;
  if (pool.all_clients > 0 || pool.database.settings.forced_user !== undefined)
    launch(world, pool, REASON.min_pool_size, false);
}

/** Timeouts of servers at work and of servers that are connecting. */
function watchServers(world: World): void {
  const { server_fast_close } = world.settings;
  const timeouts = hasServerTimeouts(world);
  let login = 0;
  for (const pool of world.sorted) login += pool.login;
  for (const pool of world.peers) login += pool.login;
  const fast = server_fast_close || world.replications > 0;
  if (!timeouts && !fast && login === 0) return;
  for (let server = 0; server < world.servers.high; server++) {
    const state = world.servers.ints[server << 4];
    if (state === SERVER.active) {
      if (fast && closesFast(world, server)) closeServer(world, server, REASON.changed);
      else if (timeouts) watchActive(world, server);
    } else if (state === SERVER.login) watchLogin(world, server);
  }
}

/** One to a peer is there for a cancel request, and is waited for no longer than that may wait. */
function watchLogin(world: World, server: number): void {
  const { server_connect_timeout, cancel_wait_timeout } = world.settings;
  const { ints, times } = world.servers;
  const age = world.now - (times[(server << 3) | ST.connect] as number);
  const { peer } = world.pools[ints[(server << 4) | S.pool] as number] as Pool;
  if (server_connect_timeout > 0 && age > server_connect_timeout)
    closeServer(world, server, REASON.connect_timeout);
  else if (peer > 0 && cancel_wait_timeout > 0 && age > cancel_wait_timeout)
    closeServer(world, server, REASON.cancel_wait_timeout);
}

function hasServerTimeouts(world: World): boolean {
  const { query_timeout, transaction_timeout, idle_transaction_timeout } = world.settings;
  return (
    world.user_timeouts ||
    query_timeout > 0 ||
    transaction_timeout > 0 ||
    idle_transaction_timeout > 0
  );
}

/** An obsolete server need not wait for its release: it is ready, or would hardly ever be released. */
function closesFast(world: World, server: number): boolean {
  const at = server << 4;
  const ints = world.servers.ints;
  if (ints[at | S.close_needed] === 0) return false;
  if (isReplication(world, ints[at | S.client] as number)) return true;
  return world.settings.server_fast_close && ints[at | S.status] === STATUS.idle;
}

/** query_timeout and transaction_timeout count queueing too; the idle one counts from the last answer. */
function watchActive(world: World, server: number): void {
  const at = server << 4;
  const ints = world.servers.ints;
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  const status = ints[at | S.status] as number;
  if (status === STATUS.idle) return;
  const time = (ints[at | S.client] as number) << 3;
  const query = world.clients.times[time | CT.query] as number;
  const xact = world.clients.times[time | CT.xact] as number;
  const silent = world.now - (world.servers.times[(server << 3) | ST.request] as number);
  const in_transaction = status === STATUS.transaction || status === STATUS.failed;
  if (pool.query_timeout > 0 && query >= 0 && world.now - query > pool.query_timeout)
    closeServer(world, server, REASON.query_timeout);
  else if (
    pool.idle_transaction_timeout > 0 &&
    in_transaction &&
    silent > pool.idle_transaction_timeout
  )
    closeServer(world, server, REASON.idle_transaction_timeout);
  else if (pool.transaction_timeout > 0 && xact >= 0 && world.now - xact > pool.transaction_timeout)
    closeServer(world, server, REASON.transaction_timeout);
}

/** client_idle_timeout: logged in, not linked and silent for longer. */
function dropIdleClients(world: World): void {
  const global = world.settings.client_idle_timeout;
  if (global === 0 && !world.user_idle_timeouts) return;
  const { ints, times } = world.clients;
  for (let client = 0; client < world.clients.high; client++) {
    const at = client << 4;
    if (ints[at] !== CLIENT.active || (ints[at | C.server] as number) >= 0) continue;
    const user = world.users[ints[at | C.user] as number] as User;
    const timeout = user.settings.client_idle_timeout || global;
    if (timeout > 0 && world.now - (times[(client << 3) | CT.request] as number) > timeout)
      endClient(world, client, REASON.client_idle_timeout);
  }
}

/**
 * query_wait_timeout and query_timeout of waiters, client_login_timeout of those that wait for the first
 * server. Ages fall along the queue, so the walk ends at the first waiter that is young enough.
 */
function dropWaiters(world: World, pool: Pool): void {
  const ordered = pool.ordered && !world.user_wait_timeouts && pool.welcome_known;
  let client = pool.waiting.head;
  while (client >= 0) {
    const next = world.clients.ints[(client << 4) | C.next] as number;
    const reason = overdue(world, pool, client);
    if (reason >= 0) endClient(world, client, reason);
    else if (ordered) return;
    client = next;
  }
}

/** Why a waiter is dropped; -1: it is not. */
function overdue(world: World, pool: Pool, client: number): number {
  const { ints, times } = world.clients;
  const time = client << 3;
  const query = times[time | CT.query] as number;
  const age = world.now - (query >= 0 ? query : (times[time | CT.request] as number));
  const user = world.users[ints[(client << 4) | C.user] as number] as User;
  const limit = user.settings.query_wait_timeout ?? pool.query_wait_timeout;
  const { query_timeout, client_login_timeout } = world.settings;
  if (world.shutdown === "wait_for_servers") return REASON.server_shutting_down;
  if (query_timeout > 0 && age > query_timeout) return REASON.waiting_query_timeout;
  if (limit > 0 && age > limit) return REASON.query_wait_timeout;
  if (client_login_timeout === 0 || pool.welcome_known) return -1;
  if (ints[client << 4] !== CLIENT.waiting_login) return -1;
  const since_accept = world.now - (times[time | CT.connect] as number);
  return since_accept > client_login_timeout ? REASON.login_server_down : -1;
}

function dropCancels(world: World, pool: Pool): void {
  const limit = world.settings.cancel_wait_timeout;
  if (limit === 0) return;
  let client = pool.waiting_cancel.head;
  while (client >= 0) {
    const next = world.clients.ints[(client << 4) | C.next] as number;
    if (world.now - (world.clients.times[(client << 3) | CT.request] as number) > limit)
      endCancel(world, client, REASON.cancel_wait_timeout);
    client = next;
  }
}

/** client_login_timeout counts from the accept. */
function dropLogins(world: World): void {
  const limit = world.settings.client_login_timeout;
  if (limit === 0) return;
  for (let client = 0; client < world.clients.high; client++) {
    const { ints, times } = world.clients;
    const looking = ((ints[(client << 4) | C.flags] as number) & C_LOOKUP) !== 0;
    if (ints[client << 4] !== CLIENT.login && !looking) continue;
    if (world.now - (times[(client << 3) | CT.connect] as number) > limit)
      dropClient(world, client, REASON.client_login_timeout);
  }
}

/** A graceful shutdown ends when the last server, or the last client, is gone. */
function finishShutdown(world: World): void {
  const left = world.shutdown === "wait_for_servers" ? world.servers.used : world.connected;
  if (world.shutdown === "stopped" || left > 0) return;
  world.shutdown = "stopped";
  world.effects.push(EFFECT.stopped, -1, -1, -1);
}
