/** How many server connections the pools of a run are meant to have: what the pool in use is a part of. */
import type { Pool } from "../../engine/core/index.ts";
import { Flow } from "../kernel/flow.ts";
import type { Run } from "./run.ts";

/** Sizes of all pools; the pools of a pooler that is gone, or being relieved, are not there twice. */
export function measurePools(run: Run): void {
  const pools = run.processes?.poolsAhead ?? run.core.pools;
  const size = sizeTogether(pools, (pool) => pool);
  if (size > run.size) run.size = size;
}

/** Whose limits bind a pool, as keys. */
type Owners = (pool: Pool) => { database: unknown; user: unknown };

/**
 * Connections that pools can have at once without their reserve: max_db_connections limits those of a database,
 * max_user_connections those of a user. A pool without a size counts as far as one of these limits it.
 */
export function sizeTogether(pools: readonly Pool[], ownersOf: Owners): number {
  const isLimited = (pool: Pool): boolean =>
    pool.max_db_connections > 0 || pool.max_user_connections > 0;
  if (!pools.some(isLimited)) return pools.reduce((sum, pool) => sum + pool.size, 0);
  const flow = new Flow<unknown, unknown>();
  for (const pool of pools) {
    if (pool.size === 0 && !isLimited(pool)) continue;
    const { database, user } = ownersOf(pool);
    flow.offer(database, most(pool.max_db_connections), user, most(pool.max_user_connections));
    flow.join(database, user, most(pool.size));
  }
  return flow.most();
}

/** At a limit of 0 there is none. */
const most = (limit: number): number => limit || Number.POSITIVE_INFINITY;
