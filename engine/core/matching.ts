/**
 * Who gets which server: a client asks, waits, is granted; a server is released, reset, handed on.
 * Source: PgBouncer 1.25.2 src/objects.c, find_server(), activate_client(), release_server(),
 * reuse_on_release(), check_fast_fail(), life_over().
 */
import * as effects from "./effects.ts";
import { launch } from "./launching.ts";
import * as lifetimes from "./lifetime.ts";
import * as moves from "./moves.ts";
import type { Pool } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import { rouse, rouseFirst, turnOf } from "./rousing.ts";
import * as states from "./states.ts";
import * as statistics from "./statistics.ts";
import type { Nanos } from "./units.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { REASON } = reasons;
const { C, C_NOTIFIED, C_REPLICATION, CT, S, ST } = records;
const { CLIENT, SERVER, STATUS } = states;
const { STAT } = statistics;
const { lifeOver, retire } = lifetimes;
const { activeToIdle, activeToWaiting, handOver, idleToActive } = moves;
const { closeServer, endClient, forgetCancels, moveClient, moveServer } = moves;

/** The pool of a client that has passed `startup`. */
export const poolOfClient = (world: World, client: number): Pool =>
  world.pools[world.clients.ints[(client << 4) | C.pool] as number] as Pool;

export const poolOfServer = (world: World, server: number): Pool =>
  world.pools[world.servers.ints[(server << 4) | S.pool] as number] as Pool;

/** No client of this pool is served: PAUSE of everything, or of its database. */
export function isPaused(world: World, pool: Pool): boolean {
  return world.held > 0 && (world.paused || pool.database.paused);
}

/** The client wants a replication connection. */
export function isReplication(world: World, client: number): boolean {
  if (world.held === 0) return false;
  return ((world.clients.ints[(client << 4) | C.flags] as number) & C_REPLICATION) !== 0;
}

/**
 * When `settle` must look at a pool with a waiter, the oldest being `client`: at once, unless all its
 * servers are at work and no further one may be opened yet.
 */
export function nextLook(world: World, pool: Pool, client: number): Nanos {
  if (!pool.full) return world.now;
  return (world.clients.times[(client << 3) | CT.request] as number) + pool.look_again;
}

/**
 * The first packet of a query: counts it, and finds a server unless one is linked, which it returns.
 * Both counters move at arrival, before a server is found.
 */
export function request(world: World, client: number): number {
  const { ints, times } = world.clients;
  const at = client << 4;
  const time = client << 3;
  const now = world.now;
  const pool = world.pools[ints[at | C.pool] as number] as Pool;
  const stats = pool.stats;
  times[time | CT.request] = now;
  if ((times[time | CT.query] as number) < 0) {
    times[time | CT.query] = now;
    stats[STAT.query_count] = (stats[STAT.query_count] as number) + 1;
  }
  if ((times[time | CT.xact] as number) < 0) {
    times[time | CT.xact] = now;
    stats[STAT.xact_count] = (stats[STAT.xact_count] as number) + 1;
  }
  const server = ints[at | C.server] as number;
  if (server >= 0) world.servers.ints[(server << 4) | S.status] = STATUS.busy;
  else findServer(world, pool, client);
  return server;
}

/**
 * The head of the idle list, or a place at the end of the queue. A replication client always waits: a
 * server is opened for it at the end of the turn.
 */
export function findServer(world: World, pool: Pool, client: number): void {
  const barred = world.held > 0 && (isReplication(world, client) || isPaused(world, pool));
  const server = barred ? -1 : firstIdle(world, pool);
  if (server >= 0) grant(world, pool, client, server);
  else if (world.held > 0 && world.shutdown === "wait_for_servers")
    endClient(world, client, REASON.server_shutting_down);
  else if (!barred && failsFast(pool)) {
    endClient(world, client, REASON.server_login_retry);
    launch(world, pool, REASON.retry, true);
  } else queue(world, pool, client);
}

/** The client takes a place at the end of the queue. */
function queue(world: World, pool: Pool, client: number): void {
  const { ints, times } = world.clients;
  const behind = pool.waiting.tail;
  if (
    behind >= 0 &&
    (times[(behind << 3) | CT.query] as number) > (times[(client << 3) | CT.query] as number)
  )
    pool.ordered = false;
  const flags = (client << 4) | C.flags;
  ints[flags] = (ints[flags] as number) & ~C_NOTIFIED;
  activeToWaiting(world, pool, client);
  const look = nextLook(world, pool, client);
  if (look < world.calm_until) world.calm_until = look;
  const reason = isPaused(world, pool) ? REASON.paused : REASON.no_idle_server;
  world.effects.push(EFFECT.wait, client, -1, reason);
  if (world.discipline !== null && world.discipline.rouses === "each") rouse(world, client);
}

/** The idle server to use next; obsolete and dirty ones in front of it are closed. -1: none. */
export function firstIdle(world: World, pool: Pool): number {
  const { ints } = world.servers;
  for (;;) {
    const server = pool.idle.head;
    if (server < 0) return -1;
    const at = server << 4;
    const obsolete = ints[at | S.close_needed] !== 0;
    if (!obsolete && ints[at | S.status] === STATUS.idle) return server;
    closeServer(world, server, obsolete ? REASON.obsolete : REASON.dirty);
  }
}

/** An unlinked server has said something unasked, and may be about to go. */
export const isDirty = (world: World, server: number): boolean =>
  world.servers.ints[(server << 4) | S.status] !== STATUS.idle;

function grant(world: World, pool: Pool, client: number, server: number): void {
  const stats = pool.stats;
  stats[STAT.server_assignment_count] = (stats[STAT.server_assignment_count] as number) + 1;
  idleToActive(world, pool, client, server);
  world.effects.push(EFFECT.grant, client, server, -1);
}

/** The last login failed and there is nothing else to hope for. */
function failsFast(pool: Pool): boolean {
  return pool.servers === pool.login && pool.last_login_failed;
}

/**
 * Serves a waiter: its waiting counts from now on as time waited (waiting that ends otherwise never
 * does), and it takes the head of the idle list. A client that waited to log in only gets its welcome.
 */
export function activate(world: World, pool: Pool, client: number): void {
  countWait(world, pool, client);
  const login = world.clients.ints[client << 4] === CLIENT.waiting_login;
  moveClient(world, client, CLIENT.active);
  if (pool.waiting.length === 0) pool.ordered = true;
  if (login) welcome(world, client);
  else findServer(world, pool, client);
}

function countWait(world: World, pool: Pool, client: number): void {
  const times = world.clients.times;
  const time = (client << 3) | CT.request;
  const stats = pool.stats;
  stats[STAT.wait_time] = (stats[STAT.wait_time] as number) + (world.now - (times[time] as number));
  times[time] = world.now; // Its packet is read again at this moment.
}

/** A client has proved who it is. */
export function countLogin(pool: Pool): void {
  const stats = pool.stats;
  stats[STAT.client_login_count] = (stats[STAT.client_login_count] as number) + 1;
}

/** The login is complete, unless DISABLE has come meanwhile. */
export function welcome(world: World, client: number): void {
  const pool = poolOfClient(world, client);
  pool.last_active = world.now;
  if (pool.database.disabled) endClient(world, client, REASON.disabled);
  else world.effects.push(EFFECT.welcome, client, -1, -1);
}

/**
 * ReadyForQuery with every answer given: ends the query's and the transaction's time, and releases the
 * server as the pool mode says. Source: PgBouncer 1.25.2 src/server.c, handle_server_work().
 */
export function ready(world: World, server: number, status: number): void {
  const ints = world.servers.ints;
  const at = server << 4;
  world.servers.times[(server << 3) | ST.request] = world.now;
  ints[at | S.status] = status | 0;
  if (ints[at] !== SERVER.active) {
    readyAlone(world, server, status);
    return;
  }
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  const client = ints[at | S.client] as number;
  const ended = isReplication(world, client) ? -1 : pool.release_reason;
  if (ended === REASON.statement_end && status !== STATUS.idle) {
    closeServer(world, server, REASON.statement_mode);
    return;
  }
  account(world, pool, client, status);
  if (ended >= 0 && status === STATUS.idle) giveBack(world, pool, server, ended);
}

function account(world: World, pool: Pool, client: number, status: number): void {
  const times = world.clients.times;
  const time = client << 3;
  const stats = pool.stats;
  const query = times[time | CT.query] as number;
  if (query >= 0) {
    stats[STAT.query_time] = (stats[STAT.query_time] as number) + (world.now - query);
    times[time | CT.query] = -1;
  }
  const xact = times[time | CT.xact] as number;
  if (status === STATUS.idle && xact >= 0) {
    stats[STAT.xact_time] = (stats[STAT.xact_time] as number) + (world.now - xact);
    times[time | CT.xact] = -1;
  }
}

/**
 * The answer to a reset or a check. What else an unlinked server says is a matter of its status only: with
 * another than `idle` it is dirty, and closed when it is met or at the next tick.
 */
function readyAlone(world: World, server: number, status: number): void {
  if (world.servers.ints[server << 4] !== SERVER.tested) return;
  if (status === STATUS.idle) release(world, server, -1);
  else closeServer(world, server, REASON.check_failed);
}

/**
 * Takes `server` back from its client, or from its login, reset or check. It is closed if its time is
 * over, reset in session mode, and otherwise idle: then the oldest waiter of its pool has it at once.
 */
export function release(world: World, server: number, reason: number): void {
  const ints = world.servers.ints;
  const at = server << 4;
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  const state = ints[at] as number;
  if (state === SERVER.active) giveBack(world, pool, server, reason);
  else if (state === SERVER.login && (ints[at | S.client] as number) >= 0)
    beginReplication(world, pool, ints[at | S.client] as number, server);
  else {
    if (state === SERVER.being_canceled) unlink(world, server, reason);
    const next = state === SERVER.being_canceled ? pool.after_use : SERVER.idle;
    if (!setAside(world, pool, server)) park(world, pool, server, next);
  }
}

/** An active server has served its client. */
function giveBack(world: World, pool: Pool, server: number, reason: number): void {
  unlink(world, server, reason);
  if (setAside(world, pool, server)) return;
  if (pool.after_use === SERVER.idle) handOn(world, pool, server);
  else park(world, pool, server, pool.after_use);
}

/** Closes a server that nobody uses, or keeps it back, if it must not be used again. False: it may. */
function setAside(world: World, pool: Pool, server: number): boolean {
  const ints = world.servers.ints;
  const at = server << 4;
  forgetCancels(world, pool, server, false);
  if (ints[at] !== SERVER.login && lifeOver(world, pool, server)) retire(world, pool, server);
  else if (ints[at | S.close_needed] === 1) closeServer(world, server, REASON.close_needed);
  else if ((ints[at | S.cancels] as number) > 0) moveServer(world, server, SERVER.being_canceled);
  else return false;
  return true;
}

/** It is reset first, checked first, or idle. */
function park(world: World, pool: Pool, server: number, state: number): void {
  moveServer(world, server, state);
  if (state === SERVER.tested) test(world, server, EFFECT.reset);
  else if (state === SERVER.idle && waitsForIdle(world, pool)) serveNext(world, pool);
}

/**
 * The oldest waiter may be served by a server that becomes idle: not if it waits for one of its own. During
 * a PAUSE it is asked all the same, and goes to the end of the queue. Source: PgBouncer 1.25.2
 * src/objects.c, reuse_on_release().
 */
function waitsForIdle(world: World, pool: Pool): boolean {
  const client = pool.waiting.head;
  return client >= 0 && !isReplication(world, client);
}

/**
 * An active server is free for the next client. Where the idle list is empty it would go there only to
 * be taken out again for the oldest waiter: that waiter has it directly.
 */
function handOn(world: World, pool: Pool, server: number): void {
  const client = pool.waiting.head;
  if (!waitsForIdle(world, pool)) {
    activeToIdle(world, pool, server);
    return;
  }
  if (
    pool.idle.head >= 0 ||
    world.clients.ints[client << 4] !== CLIENT.waiting ||
    world.discipline !== null ||
    isPaused(world, pool) // Then it goes to the end of the queue, as in PgBouncer.
  ) {
    activeToIdle(world, pool, server);
    serveNext(world, pool);
    return;
  }
  countWait(world, pool, client);
  const stats = pool.stats;
  stats[STAT.server_assignment_count] = (stats[STAT.server_assignment_count] as number) + 1;
  handOver(world, pool, client, server);
  if (pool.waiting.length === 0) pool.ordered = true;
  if (pool.ordered === false) world.calm_until = 0; // Who is next may have waited for longer.
  world.effects.pass(client, server); // After the `unlink` of its last client.
}

/**
 * A connected socket of `pool` is about to log in. If the oldest waiter wants a replication connection, it
 * becomes that: linked from now on. Returns the client, or -1.
 */
export function dedicate(world: World, pool: Pool, server: number): number {
  const client = pool.waiting.head;
  if (client < 0 || !isReplication(world, client)) return -1;
  world.clients.ints[(client << 4) | C.server] = server;
  world.servers.ints[(server << 4) | S.client] = client;
  return client;
}

/** A replication connection is logged in: its client goes on, or is welcomed, with its server at once. */
function beginReplication(world: World, pool: Pool, client: number, server: number): void {
  const login = world.clients.ints[client << 4] === CLIENT.waiting_login;
  countWait(world, pool, client);
  moveServer(world, server, SERVER.active);
  moveClient(world, client, CLIENT.active);
  if (pool.waiting.length === 0) pool.ordered = true;
  if (!login) world.servers.ints[(server << 4) | S.status] = STATUS.busy;
  else welcome(world, client);
  if (world.servers.ints[server << 4] === SERVER.active)
    world.effects.push(EFFECT.grant, client, server, -1);
}

/** A server has become idle and somebody waits. */
function serveNext(world: World, pool: Pool): void {
  const client = turnOf(world, pool);
  if (client >= 0) activate(world, pool, client);
  else if (world.discipline?.rouses === "first") rouseFirst(world, pool);
}

function unlink(world: World, server: number, reason: number): void {
  const at = (server << 4) | S.client;
  const client = world.servers.ints[at] as number;
  if (client < 0) return;
  world.servers.ints[at] = -1;
  world.clients.ints[(client << 4) | C.server] = -1;
  world.effects.push(EFFECT.unlink, client, server, reason);
}

/** Has an idle server reset or checked. */
export function test(world: World, server: number, effect: number): void {
  world.servers.ints[(server << 4) | S.status] = STATUS.busy;
  world.effects.push(effect, -1, server, -1);
}

/**
 * A granted client turns out to have gone while it waited: its server was never used, so it is idle
 * again without a reset, and the next waiter is served at the end of the turn.
 */
export function abandon(world: World, client: number): void {
  if (isReplication(world, client)) {
    endClient(world, client, -1);
    return;
  }
  const at = (client << 4) | C.server;
  const server = world.clients.ints[at] as number;
  const stats = poolOfClient(world, client).stats;
  stats[STAT.server_assignment_count] = (stats[STAT.server_assignment_count] as number) - 1;
  unlink(world, server, REASON.client_gone);
  world.servers.ints[(server << 4) | S.status] = STATUS.idle;
  moveServer(world, server, SERVER.idle);
  endClient(world, client, -1);
}
