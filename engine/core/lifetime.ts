/** The end of a server's lifetime. Source: PgBouncer 1.25.2 src/objects.c, life_over(). */
import { closeServer } from "./moves.ts";
import type { Pool } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import type { World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { REASON } = reasons;
const { ST } = records;

/**
 * server_lifetime is over, and the last such close of the pool is at least lifetime / pool_size ago, so
 * that they never go all together. Inclusive at both ends.
 */
export function lifeOver(world: World, pool: Pool, server: number): boolean {
  const lifetime = pool.server_lifetime;
  if (world.now - (world.servers.times[(server << 3) | ST.connect] as number) < lifetime)
    return false;
  const gap = pool.size > 0 ? Math.floor(lifetime / pool.size) : 0;
  return world.now - pool.last_lifetime_close >= gap;
}

/** Closes a server at the end of its lifetime. */
export function retire(world: World, pool: Pool, server: number): void {
  closeServer(world, server, REASON.server_lifetime);
  pool.last_lifetime_close = world.now;
}
