/**
 * The end of a turn: what PgBouncer does for every pool after each batch of events. Waiters meet idle
 * servers, connections are opened, a PAUSE makes progress. Source: PgBouncer 1.25.2 src/janitor.c,
 * per_loop_maint(), per_loop_activate(), per_loop_pause(), per_loop_wait_close(), launch_recheck().
 */
import * as effects from "./effects.ts";
import { launch } from "./launching.ts";
import { activate, isDirty, isPaused, nextLook, release, test } from "./matching.ts";
import { closeServer, moveServer } from "./moves.ts";
import type { Pool } from "./pool.ts";
import * as reasons from "./reasons.ts";
import type { List } from "./records.ts";
import * as records from "./records.ts";
import { turnOf } from "./rousing.ts";
import * as states from "./states.ts";
import { NEVER, SECOND } from "./units.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { REASON } = reasons;
const { C, C_NOTIFIED, C_REPLICATION, CT, S, ST } = records;
const { CLIENT, SERVER } = states;

/**
 * Waiters that one call serves: a million clients that can log in at last would else make a million
 * effects, and their queue keeps its length.
 */
const PIECE = 16_384;

/** Ends the turn, or a piece of it: see `World.unfinished`. */
export function settle(world: World): void {
  world.unfinished = false;
  // What is done below, and whoever must be looked at again, clears it.
  world.calm_until = world.held === 0 && world.discipline === null ? NEVER : 0;
  if (world.waiters === 0 && world.held === 0 && world.releasable.length === 0) return;
  releaseCanceled(world);
  const pools = world.sorted;
  for (let i = 0; i < pools.length; i++) {
    const pool = pools[i] as Pool;
    if (isPaused(world, pool)) closeUnused(world, pool);
    else if (pool.waiting_cancel.length > 0) launchForCancel(world, pool, true);
    else if (pool.waiting.head >= 0) {
      const look = nextLook(world, pool, pool.waiting.head);
      if (look < world.calm_until) world.calm_until = look;
      if (world.now >= look && !serve(world, pool)) {
        world.unfinished = true;
        return;
      }
    }
  }
  for (const pool of world.peers)
    if (pool.waiting_cancel.length > 0) launchForCancel(world, pool, false);
  if (world.held > 0) report(world);
}

function launchForCancel(world: World, pool: Pool, evict: boolean): void {
  world.calm_until = 0;
  launch(world, pool, REASON.cancel, evict);
}

/** Servers kept back for a cancel that has ended since. */
function releaseCanceled(world: World): void {
  while (world.releasable.length > 0) {
    const server = world.releasable.pop() as number;
    if (world.servers.ints[server << 4] === SERVER.being_canceled) release(world, server, -1);
  }
}

/**
 * Walks the waiters, oldest first: an idle server serves one; a tested or used one is spoken for by one
 * waiter each; the first waiter beyond those opens a connection. One that wants a replication connection
 * opens one anyway. A queued cancel comes before all. False: it has stopped after a piece.
 */
function serve(world: World, pool: Pool): boolean {
  if (world.discipline !== null) {
    serveOtherwise(world, pool);
    return true;
  }
  let tested = pool.tested.length;
  let used = pool.used.length;
  let client = pool.waiting.head;
  let served = 0;
  while (client >= 0) {
    const ints = world.clients.ints;
    const next = ints[(client << 4) | C.next] as number;
    notify(world, client);
    if ((ints[(client << 4) | C.flags] as number) & C_REPLICATION)
      launch(world, pool, REASON.replication, true);
    else if (pool.idle.head >= 0) {
      const unknown = ints[client << 4] === CLIENT.waiting_login && !pool.welcome_known;
      if (unknown) launch(world, pool, REASON.welcome, true);
      else {
        activate(world, pool, client);
        if (++served === PIECE) return false;
      }
    } else if (tested > 0) tested--;
    else if (used > 0) {
      recheck(world, pool);
      used--;
    } else {
      launch(world, pool, pool.welcome_known ? REASON.demand : REASON.welcome, true);
      return true;
    }
    client = next;
  }
  return true;
}

/**
 * The same under another discipline. Where waiters look for themselves an idle server may stand beside
 * them: it is spoken for by one of them, like a tested or used one.
 */
function serveOtherwise(world: World, pool: Pool): void {
  while (pool.idle.head >= 0 && pool.waiting.head >= 0) {
    const client = turnOf(world, pool);
    if (client < 0) break;
    const login = world.clients.ints[client << 4] === CLIENT.waiting_login;
    if (login && !pool.welcome_known) {
      launch(world, pool, REASON.welcome, true);
      return;
    }
    activate(world, pool, client);
  }
  let waiting = pool.waiting.length - pool.idle.length - pool.tested.length;
  for (let used = pool.used.length; used > 0 && waiting > 0; used--, waiting--)
    recheck(world, pool);
  if (waiting > 0) launch(world, pool, pool.welcome_known ? REASON.demand : REASON.welcome, true);
}

/** A waiter needs a server and only unchecked ones are left: checks the head of the used list. */
function recheck(world: World, pool: Pool): void {
  let server = pool.used.head;
  while (server >= 0 && isDirty(world, server)) {
    closeServer(world, server, REASON.dirty);
    server = pool.used.head;
  }
  if (server < 0) return;
  const idle = world.now - (world.servers.times[(server << 3) | ST.request] as number);
  const { server_check_query, server_check_delay } = world.settings;
  if (!server_check_query || (server_check_delay > 0 && idle < server_check_delay)) {
    release(world, server, -1);
  } else {
    moveServer(world, server, SERVER.tested);
    test(world, server, EFFECT.check);
  }
}

/** Once per wait, after more than query_wait_notify whole seconds, to clients that are logged in. */
function notify(world: World, client: number): void {
  const limit = world.settings.query_wait_notify;
  if (limit === 0) return;
  const waited = world.now - (world.clients.times[(client << 3) | CT.request] as number);
  if (waited < limit + SECOND) return;
  const ints = world.clients.ints;
  const at = client << 4;
  const flags = ints[at | C.flags] as number;
  if (ints[at] !== CLIENT.waiting || flags & C_NOTIFIED) return;
  ints[at | C.flags] = flags | C_NOTIFIED;
  world.effects.push(EFFECT.notice, client, -1, -1);
}

/**
 * PAUSE: everything that is not at work is closed. A connection that is to carry a cancel request is left: what
 * it cancels is what the PAUSE waits for. PgBouncer closes it too, but one over a Unix socket, which connects
 * in the same instant, has carried the request by then.
 */
function closeUnused(world: World, pool: Pool): void {
  closeList(world, pool.idle);
  closeList(world, pool.used);
  if (pool.login > 0 && pool.waiting_cancel.length === 0) {
    for (let server = 0; server < world.servers.high; server++) {
      const ints = world.servers.ints;
      const at = server << 4;
      if (ints[at] === SERVER.login && ints[at | S.pool] === pool.id)
        closeServer(world, server, REASON.pause_mode);
    }
  }
}

function closeList(world: World, list: List): void {
  while (list.head >= 0) closeServer(world, list.head, REASON.pause_mode);
}

/** Says which PAUSE and which WAIT_CLOSE are complete, once each. */
function report(world: World): void {
  if (world.pausing && atWork(world, -1) === 0) {
    world.pausing = false;
    world.effects.push(EFFECT.paused, -1, -1, -1);
  }
  for (const database of world.entries) {
    if (database.pausing && atWork(world, database.id) === 0) {
      database.pausing = false;
      world.effects.push(EFFECT.paused, -1, -1, database.id);
    }
    if (database.wait_close && obsolete(world, database.id) === 0) {
      database.wait_close = false;
      world.held--;
      world.effects.push(EFFECT.reconnected, -1, -1, database.id);
    }
  }
}

function atWork(world: World, database: number): number {
  let count = 0;
  for (const pool of world.sorted)
    if (database < 0 || pool.database.id === database) count += pool.active + pool.tested.length;
  return count;
}

function obsolete(world: World, database: number): number {
  let count = 0;
  const ints = world.servers.ints;
  for (let at = 0; at < world.servers.high << 4; at += 16) {
    if (ints[at] === SERVER.free || ints[at | S.close_needed] === 0) continue;
    if ((world.pools[ints[at | S.pool] as number] as Pool).database.id === database) count++;
  }
  return count;
}
