/**
 * When a server connection may be opened, and what is closed to make room for it. Source: PgBouncer
 * 1.25.2 src/objects.c, launch_new_connection(), evict_connection(), evict_user_connection().
 */
import * as effects from "./effects.ts";
import { closeServer, enterServer } from "./moves.ts";
import type { Pool } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import * as states from "./states.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { REASON } = reasons;
const { C, C_REPLICATION, CT, ST } = records;
const { STATUS } = states;

/** What keeps `launch` from opening a connection. */
export const OBSTACLE = { none: 0, login: 1, retry: 2, full: 3, database: 4, user: 5 } as const;

/**
 * What would keep `launch` from opening one for the waiters of `pool`, whatever it closes to make room. For who
 * asks why they wait: it changes nothing.
 */
export function obstacle(world: World, pool: Pool): number {
  if (pool.login > 0) return OBSTACLE.login;
  if (retryTooSoon(world, pool)) return OBSTACLE.retry;
  if (isFull(pool) && !reserveAllows(world, pool, pool.servers)) return OBSTACLE.full;
  const { database, user } = pool;
  if (!isBelow(database.connections, pool.max_db_connections))
    if (oldestIdle(world, pool, ofDatabase(pool)) < 0) return OBSTACLE.database;
  if (!isBelow(user.connections, pool.max_user_connections))
    if (oldestIdle(world, pool, ofUser(pool)) < 0) return OBSTACLE.user;
  return OBSTACLE.none;
}

/**
 * Opens one server connection for `pool` if every rule allows it. Without `evict` (min_pool_size) no
 * idle server of another pool is closed for it.
 */
export function launch(world: World, pool: Pool, reason: number, evict: boolean): void {
  if (pool.login > 0) return; // One login at a time: a pool grows by one connect time after the other.
  if (retryTooSoon(world, pool)) return;
  const servers = pool.servers;
  if (pool.peer > 0) {
    if (servers < pool.size) open(world, pool, REASON.cancel);
    return;
  }
  if (pool.waiting_cancel.length > 0 && servers < 2 * pool.size) {
    open(world, pool, REASON.cancel);
    return;
  }
  let why = reason;
  if (isFull(pool)) {
    if (reserveAllows(world, pool, servers)) why = REASON.reserve;
    else if (!evict || !makesRoom(world, pool)) return;
  }
  if (!roomInDatabase(world, pool, evict) || !roomForUser(world, pool, evict)) return;
  open(world, pool, why);
}

/** It has as many servers as it may without its reserve; until one has logged in it has not. */
function isFull({ size, servers, welcome_known }: Pool): boolean {
  return size > 0 && servers >= size && welcome_known;
}

/** A limit of 0 is none. */
const isBelow = (count: number, limit: number): boolean => limit === 0 || count < limit;

/** After a failed connect: not before server_login_retry after the start of that attempt. */
function retryTooSoon(world: World, pool: Pool): boolean {
  if (!pool.last_connect_failed) return false;
  return world.now - pool.last_connect_time < world.settings.server_login_retry;
}

/** The oldest waiter has waited for reserve_pool_timeout (inclusive) and the reserve is not used up. */
function reserveAllows(world: World, pool: Pool, servers: number): boolean {
  const timeout = world.settings.reserve_pool_timeout;
  const oldest = pool.waiting.head;
  if (timeout === 0 || pool.reserve_size === 0 || oldest < 0) return false;
  const waited = world.now - (world.clients.times[(oldest << 3) | CT.request] as number);
  return waited >= timeout && servers < pool.size + pool.reserve_size;
}

/** The oldest waiter wants a replication connection, which no idle server can be. */
function wantsItsOwn(world: World, pool: Pool): boolean {
  const oldest = pool.waiting.head;
  if (oldest < 0) return false;
  return ((world.clients.ints[(oldest << 4) | C.flags] as number) & C_REPLICATION) !== 0;
}

/**
 * For a replication connection as many of the full pool are closed as it takes. PgBouncer 1.25.2 closes all idle ones (issue 1596), and none that has idled for
 * so long that it must be checked: the client would wait for server_idle_timeout.
 * Source: launch_new_connection(), evict_pool_connection().
 */
function makesRoom(world: World, pool: Pool): boolean {
  if (!wantsItsOwn(world, pool)) return false;
  while (pool.servers >= pool.size) {
    const server = pool.used.tail >= 0 ? pool.used.tail : pool.idle.tail;
    if (server < 0) return false;
    closeServer(world, server, REASON.evicted);
  }
  return true;
}

function roomInDatabase(world: World, pool: Pool, evict: boolean): boolean {
  const limit = pool.max_db_connections;
  const { database } = pool;
  while (evict && !isBelow(database.connections, limit))
    if (!evictOldest(world, pool, ofDatabase(pool))) break;
  return isBelow(database.connections, limit);
}

function roomForUser(world: World, pool: Pool, evict: boolean): boolean {
  const limit = pool.max_user_connections;
  const { user } = pool;
  while (evict && !isBelow(user.connections, limit))
    if (!evictOldest(world, pool, ofUser(pool))) break;
  return isBelow(user.connections, limit);
}

/** Which pools make room for a pool. */
type Concerns = (other: Pool) => boolean;

const ofDatabase =
  (pool: Pool): Concerns =>
  (other) =>
    other.database === pool.database;

/**
 * The limit counts all servers of a user, but room is only made by pools that log in with the very same
 * credentials: those of an entry with `user=` are its own, also where the name is another pool's.
 * Source: PgBouncer 1.25.2 evict_user_connection(), force_user_credentials().
 */
const ofUser =
  (pool: Pool): Concerns =>
  (other) =>
    pool === other || (pool.user === other.user && !pool.forced && !other.forced);

/** Closes the server that is the oldest to be had for `pool`. False: there is none. */
function evictOldest(world: World, pool: Pool, concerns: Concerns): boolean {
  const oldest = oldestIdle(world, pool, concerns);
  if (oldest < 0) return false;
  closeServer(world, oldest, REASON.evicted);
  return true;
}

/**
 * The server with the oldest last packet among the tails of the idle lists, and of the used and tested lists
 * where nobody waits for them: as in `makesRoom`, who wants a replication connection from `asking` does not.
 * Active servers are never touched. -1: there is none.
 */
function oldestIdle(world: World, asking: Pool, concerns: Concerns): number {
  let oldest = -1;
  for (const pool of world.sorted) {
    if (!concerns(pool)) continue;
    oldest = older(world, oldest, pool.idle.tail);
    if (pool.waiting.length > 0 && !(pool === asking && wantsItsOwn(world, pool))) continue;
    oldest = older(world, oldest, pool.used.tail);
    oldest = older(world, oldest, pool.tested.tail);
  }
  return oldest;
}

function older(world: World, a: number, b: number): number {
  if (a < 0) return b;
  if (b < 0) return a;
  const times = world.servers.times;
  return (times[(b << 3) + ST.request] as number) < (times[(a << 3) + ST.request] as number)
    ? b
    : a;
}

function open(world: World, pool: Pool, reason: number): void {
  const server = enterServer(world, pool, STATUS.busy);
  pool.last_connect_time = world.now;
  pool.last_active = world.now;
  world.effects.push(EFFECT.open, -1, server, reason);
}
