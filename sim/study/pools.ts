/** The pools that the clients of a workload use, with the mode and size that hold in each. */
import type { PoolMode } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import type { Run } from "./results.ts";

/** A pool: a database, and the user whose connections they are. */
export interface UsedPool {
  database: string;
  user: string;
  pool_mode: PoolMode;
  pool_size: number;
}

/** Each once. Source of the order (user, database, global): PgBouncer 1.25.2 src/objects.c, pool_pool_size(). */
export function usedPools({ settings, clients }: Workload): UsedPool[] {
  const pools = new Map<string, UsedPool>();
  for (const { database, user: login } of clients) {
    const entry = settings.databases.find((each) => each.name === database) ?? settings.autodb;
    const user = entry?.forced_user ?? login;
    const own = settings.users.find((each) => each.name === user);
    pools.set(JSON.stringify([database, user]), {
      database,
      user,
      pool_mode: own?.pool_mode ?? entry?.pool_mode ?? settings.pool_mode,
      pool_size: own?.pool_size ?? entry?.pool_size ?? settings.default_pool_size,
    });
  }
  return [...pools.values()];
}

/** What a result says of them: their mode and size where all agree, else the global ones; and each of several. */
export function configured(workload: Workload): Pick<Run, "pool_mode" | "pool_size" | "pools"> {
  const pools = usedPools(workload);
  const { settings } = workload;
  const modes = new Set(pools.map((pool) => pool.pool_mode));
  const sizes = new Set(pools.map((pool) => pool.pool_size));
  const [mode = settings.pool_mode] = modes;
  const [size = settings.default_pool_size] = sizes;
  return {
    pool_mode: modes.size === 1 ? mode : settings.pool_mode,
    pool_size: sizes.size === 1 ? size : settings.default_pool_size,
    ...(pools.length > 1 && { pools }),
  };
}
