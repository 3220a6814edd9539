/**
 * What nobody has used for long is forgotten, with its statistics: pools (pool_idle_timeout) and
 * databases made from the `*` entry (autodb_idle_timeout). Looked at on each maintenance tick. Source:
 * PgBouncer 1.25.2 src/janitor.c, cleanup_inactive_autodatabases(), and what came after it (pull request
 * 1491), cleanup_inactive_pools().
 */
import { forgetEntry } from "./control.ts";
import { EFFECT } from "./effects.ts";
import type { Database, Pool } from "./pool.ts";
import { C } from "./records.ts";
import { CLIENT } from "./states.ts";
import type { World } from "./world.ts";

/** Forgets the pools and automatic databases whose time is over (strictly). */
export function forgetIdle(world: World): void {
  const { pool_idle_timeout, autodb_idle_timeout } = world.settings;
  if (pool_idle_timeout > 0) {
    // From the end on: what is forgotten leaves its list.
    for (let i = world.sorted.length - 1; i >= 0; i--) {
      const pool = world.sorted[i] as Pool;
      if (isIdlePool(world, pool)) forgetPool(world, pool);
    }
  }
  if (autodb_idle_timeout > 0) {
    for (let i = world.entries.length - 1; i >= 0; i--) {
      const entry = world.entries[i] as Database;
      if (entry.automatic && isIdleEntry(world, entry)) forgetDatabase(world, entry);
    }
  }
}

/** A pool that min_pool_size would make anew at once is kept. */
function isIdlePool(world: World, pool: Pool): boolean {
  if (pool.min_size > 0 && pool.database.settings.forced_user !== undefined) return false;
  if (pool.all_clients > 0 || pool.connected > 0) {
    pool.last_active = world.now;
    return false;
  }
  if (world.now - pool.last_active <= world.settings.pool_idle_timeout) return false;
  return pool.servers === 0 && !isNamed(world, pool);
}

/** A client that logs in, or a cancel request, belongs to it. Rarely looked for. */
function isNamed(world: World, pool: Pool): boolean {
  const { ints } = world.clients;
  for (let at = 0; at < world.clients.high << 4; at += 16)
    if (ints[at] !== CLIENT.free && ints[at | C.pool] === pool.id) return true;
  return false;
}

function forgetPool(world: World, pool: Pool): void {
  world.forgetPool(pool);
  world.effects.push(EFFECT.forgotten_pool, -1, -1, pool.id);
}

/** Counts from the first tick at which nobody uses it. One that is paused stays. */
function isIdleEntry(world: World, entry: Database): boolean {
  const used = world.sorted.some(
    (pool) => pool.database === entry && (pool.all_clients > 0 || pool.servers > 0),
  );
  if (used || entry.clients > 0) entry.unused_since = -1;
  else if (entry.unused_since < 0) entry.unused_since = world.now;
  if (entry.unused_since < 0 || entry.paused) return false;
  return world.now - entry.unused_since > world.settings.autodb_idle_timeout;
}

function forgetDatabase(world: World, entry: Database): void {
  world.effects.push(EFFECT.forgotten_database, -1, -1, entry.id);
  forgetEntry(world, entry);
}
