/**
 * What the console can do to the scheduler: PAUSE, RESUME, RECONNECT, KILL, RELOAD, SHUTDOWN. A database
 * of -1 means all. Source: PgBouncer 1.25.2 src/admin.c, src/janitor.c, src/objects.c.
 */
import { EFFECT } from "./effects.ts";
import { closeServer, endCancel, endClient } from "./moves.ts";
import type { Database, Pool } from "./pool.ts";
import { REASON } from "./reasons.ts";
import { C, S } from "./records.ts";
import type { CoreSettings } from "./settings.ts";
import { CLIENT, SERVER, STATUS } from "./states.ts";
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
    else if (state !== SERVER.being_canceled) ints[(server << 4) + S.close_needed] = 1;
  }
}

function concerns(world: World, database: number, server: number): boolean {
  const ints = world.servers.ints;
  const at = server << 4;
  if (ints[at] === SERVER.free) return false;
  const pool = world.pools[ints[at + S.pool] as number] as Pool;
  return database < 0 || pool.database.id === database;
}

/** Effect `reconnected` once no server of the entry is marked to be closed. */
export function waitClose(world: World, database: number): void {
  for (const entry of world.databases) {
    if (database >= 0 && entry.id !== database) continue;
    if (!entry.wait_close) world.held++;
    entry.wait_close = true;
  }
}

/** Closes all clients and servers; an entry that is named, or has a pool, stays paused until RESUME. */
export function kill(world: World, database: number): void {
  for (const entry of world.databases)
    if (database < 0 ? hasPool(world, entry) : entry.id === database) hold(world, entry, true);
  const ints = world.clients.ints;
  for (let client = 0; client < world.clients.high; client++) {
    const at = client << 4;
    if (ints[at] === CLIENT.free || ints[at] === CLIENT.login) continue;
    const pool = world.pools[ints[at + C.pool] as number] as Pool;
    if (database < 0 || pool.database.id === database) dropClient(world, client, REASON.killed);
  }
  for (let server = 0; server < world.servers.high; server++)
    if (concerns(world, database, server)) closeServer(world, server, REASON.killed);
}

const hasPool = (world: World, entry: Database): boolean =>
  world.sorted.some((pool) => pool.database === entry);

/** Ends a client wherever it stands; a linked server goes with it unless it is ready for the next. */
export function dropClient(world: World, client: number, reason: number): void {
  const ints = world.clients.ints;
  const state = ints[client << 4] as number;
  if (state === CLIENT.waiting_cancel) endCancel(world, client, reason);
  else if (state === CLIENT.active_cancel) closeCarrier(world, client);
  else {
    const server = ints[(client << 4) + C.server] as number;
    if (server >= 0) {
      detach(world, client, server);
      closeServer(world, server, reason);
    }
    endClient(world, client, reason);
  }
}

/** Closes the connection that carries a cancel request; the request ends with it. */
export function closeCarrier(world: World, client: number): void {
  const ints = world.servers.ints;
  for (let server = 0; server < world.servers.high; server++) {
    const at = server << 4;
    if (ints[at] === SERVER.active_cancel && ints[at + S.client] === client) {
      closeServer(world, server, REASON.cancel_given_up);
      return;
    }
  }
}

/** Cuts the link, so that closing the server does not end the client once more. */
export function detach(world: World, client: number, server: number): void {
  world.effects.push(EFFECT.unlink, client, server, REASON.not_ready);
  world.servers.ints[(server << 4) + S.client] = -1;
  world.servers.ints[(server << 4) + S.status] = STATUS.busy;
  world.clients.ints[(client << 4) + C.server] = -1;
}

/**
 * New settings, in force at once. An entry whose `target` changed reconnects; the clients and servers of
 * an entry that is gone are closed.
 */
export function reload(world: World, settings: CoreSettings): void {
  const old = world.databases.map((database) => database.settings);
  const names = new Set(settings.databases.map((entry) => entry.name));
  world.adopt(settings);
  for (const database of world.databases) {
    const before = old[database.id];
    if (before === undefined) continue;
    if (!names.has(before.name) && settings.autodb === undefined) kill(world, database.id);
    else if (before.target !== database.settings.target) reconnect(world, database.id);
  }
}
