/** How many server connections the pools of a run are meant to have: what the pool in use is a part of. */
import type { Run } from "./run.ts";

/** Sizes of all pools; the pools of a pooler that is gone, or being relieved, are not there twice. */
export function measurePools(run: Run): void {
  const pools = run.processes?.poolsAhead ?? run.core.pools;
  const size = pools.reduce((sum, pool) => sum + pool.size, 0);
  if (size > run.size) run.size = size;
}
