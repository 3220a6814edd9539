/**
 * What the console can do to the scheduler: PAUSE, RESUME, RECONNECT, KILL, RELOAD, SHUTDOWN. A database
 * of -1 means all. Source: PgBouncer 1.25.2 src/admin.c, src/janitor.c, src/objects.c.
 */
import { EFFECT } from "./effects.ts";
import { dropClient } from "./leaving.ts";
import { closeServer } from "./moves.ts";
import { forgetPeers } from "./peers.ts";
import type { Database, Pool } from "./pool.ts";
import { REASON } from "./reasons.ts";
import { C, S } from "./records.ts";
import type { CoreSettings } from "./settings.ts";
import { CLIENT, SERVER } from "./states.ts";
import type { World } from "./world.ts";

/** No grants any more; effect `paused` when nothing is at work. False: it was paused already. */
export function pause(world: World, database: number): boolean {
  if (world.paused) return false;
  if (database < 0) {
    world.paused = true;
    world.pausing = true;
    world.held++;
    return true;
  }
  hold(world, world.databases[database] as Database, true);
  (world.databases[database] as Database).pausing = true;
  return true;
}

/** Lifts the pause of everything (not those of single entries), or of one entry. False: none was on. */
export function resume(world: World, database: number): boolean {
  if (database >= 0) {
    const entry = world.databases[database] as Database;
    const was = entry.paused;
    hold(world, entry, false);
    entry.pausing = false;
    return was;
  }
  if (!world.paused) return false;
  world.paused = false;
  world.pausing = false;
  world.held--;
  return true;
}

function hold(world: World, entry: Database, paused: boolean): void {
  if (entry.paused === paused) return;
  entry.paused = paused;
  world.held += paused ? 1 : -1;
}

/**
 * Forgets what is known of the servers and marks all of them to be closed: those that are connecting at
 * once, idle ones when they are met, the others on release.
 */
export function reconnect(world: World, database: number): void {
  for (const pool of world.sorted) {
    if (database >= 0 && pool.database.id !== database) continue;
    pool.welcome_known = false;
  }
  const ints = world.servers.ints;
  for (let server = 0; server < world.servers.high; server++) {
    if (!concerns(world, database, server)) continue;
    const state = ints[server << 4];
    if (state === SERVER.login) closeServer(world, server, REASON.reconnect);
    else if (state !== SERVER.being_canceled) ints[(server << 4) | S.close_needed] = 1;
  }
}

/**
 * Marks one server to be closed when it is met, or on release; what is known of its pool stays known. One that
 * still logs in is closed when it has. Source: PgBouncer 1.25.2 src/objects.c, tag_host_addr_dirty().
 */
export function obsolete(world: World, server: number): void {
  const at = server << 4;
  const { ints } = world.servers;
  const state = ints[at];
  if (state === SERVER.active_cancel || state === SERVER.being_canceled) return;
  if (state !== SERVER.free) ints[at | S.close_needed] = 1;
}

function concerns(world: World, database: number, server: number): boolean {
  const ints = world.servers.ints;
  const at = server << 4;
  if (ints[at] === SERVER.free) return false;
  const pool = world.pools[ints[at | S.pool] as number] as Pool;
  return database < 0 || pool.database.id === database;
}

/** Effect `reconnected` once no server of the entry is marked to be closed. */
export function waitClose(world: World, database: number): void {
  for (const entry of world.entries) {
    if (database >= 0 && entry.id !== database) continue;
    if (!entry.wait_close) world.held++;
    entry.wait_close = true;
  }
}

/**
 * Closes all clients and servers and forgets the pools, with their statistics, their welcome and what has
 * failed in them. An entry that is named, or has a pool, stays paused until RESUME. Clients that have not
 * finished their login go too: PgBouncer keeps them, with a pool that is not there any more.
 * Source: PgBouncer 1.25.2 src/admin.c, admin_cmd_kill(); src/janitor.c, kill_pool().
 */
export function kill(world: World, database: number): void {
  if (database >= 0) hold(world, world.databases[database] as Database, true);
  const pools = world.sorted.filter((pool) => database < 0 || pool.database.id === database);
  // Before anything is closed: a session's server that is released by it must not go to a waiter.
  for (const pool of pools) hold(world, pool.database, true);
  dropClients(world, database);
  for (let server = 0; server < world.servers.high; server++)
    if (concerns(world, database, server)) closeServer(world, server, REASON.killed);
  for (const pool of pools) world.forgetPool(pool);
}

function dropClients(world: World, database: number): void {
  const ints = world.clients.ints;
  for (let client = 0; client < world.clients.high; client++) {
    const at = client << 4;
    const pool = ints[at | C.pool] as number; // -1: no startup packet yet.
    if (ints[at] === CLIENT.free || pool < 0) continue;
    if (database < 0 || (world.pools[pool] as Pool).database.id === database)
      dropClient(world, client, REASON.killed);
  }
}

/** Drops one client. False: there is none of that handle. */
export function killClient(world: World, client: number): boolean {
  const { high, ints } = world.clients;
  const known = client >= 0 && client < high && ints[client << 4] !== CLIENT.free;
  if (known) dropClient(world, client, REASON.admin_kill);
  return known;
}

/** New clients are refused, and waiters dropped in one of the modes; `finishShutdown` ends it. */
export function shutdown(world: World, mode: "wait_for_servers" | "wait_for_clients"): void {
  if (mode === "wait_for_servers" && pause(world, -1)) world.pausing = false;
  if (world.shutdown === "none") world.held++;
  world.shutdown = mode;
}

/**
 * SUSPEND: servers that are reset or checked just now, and those that are to be checked before their next use,
 * cannot be handed to another process. Source: PgBouncer 1.25.2 src/janitor.c, per_loop_suspend().
 */
export function closeUnsafe(world: World, pool: Pool): void {
  for (const list of [pool.tested, pool.used])
    while (list.head >= 0) closeServer(world, list.head, REASON.suspend_unsafe);
}

/**
 * New settings, in force at once. An entry whose `target` changed reconnects, and so do all that are made
 * from `*` when anything of it changed. An entry that is gone is forgotten with all that belongs to it,
 * also if there is a `*`. But a `*` that is gone still holds, and what was made from it stays.
 * Source: PgBouncer 1.25.2 src/main.c, load_config(); src/loader.c, set_autodb(), parse_database();
 * src/objects.c, tag_autodb_dirty(); src/janitor.c, config_postprocess().
 */
export function reload(world: World, settings: CoreSettings): void {
  const written = new Set(settings.databases.map(({ name }) => name));
  const known = world.entries.map((entry) => ({ entry, target: entry.settings.target }));
  const autodb = settings.autodb ?? world.settings.autodb;
  const template = JSON.stringify(world.settings.autodb) !== JSON.stringify(autodb);
  world.adopt({ ...settings, autodb });
  forgetPeers(world, new Set(settings.peers?.map(({ id }) => id)));
  for (const { entry, target } of known) {
    if (!entry.automatic && !written.has(entry.settings.name)) forgetEntry(world, entry);
    else if (target !== entry.settings.target || (entry.automatic && template))
      reconnect(world, entry.id);
  }
}

/** Closes and forgets all of an entry. A PAUSE or WAIT_CLOSE of it is complete with that. */
export function forgetEntry(world: World, entry: Database): void {
  kill(world, entry.id);
  if (entry.pausing) world.effects.push(EFFECT.paused, -1, -1, entry.id);
  if (entry.wait_close) {
    world.effects.push(EFFECT.reconnected, -1, -1, entry.id);
    world.held--;
  }
  hold(world, entry, false);
  world.forgetDatabase(entry);
}
