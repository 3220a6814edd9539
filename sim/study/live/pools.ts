/** Modes and sizes of a workload's pools. */
import { ConfigError } from "../../../engine/config/index.ts";
import type { PoolMode } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";

/** Mode and size of the pool of `database`, as user, database and global settings have it. */
export function effectivePool(
  { settings, clients }: Workload,
  database: string,
): { mode: PoolMode; size: number } {
  const login = clients.find((kind) => kind.database === database)?.user;
  const user = settings.users.find((entry) => entry.name === login);
  const own = settings.databases.find((entry) => entry.name === database);
  return {
    mode: user?.pool_mode ?? own?.pool_mode ?? settings.pool_mode,
    size: user?.pool_size ?? own?.pool_size ?? settings.default_pool_size,
  };
}

/** The pools that the clients use, by database. */
export function poolsOf(workload: Workload): { database: string; mode: PoolMode; size: number }[] {
  const databases = new Set(workload.clients.map((kind) => kind.database));
  return [...databases].map((database) => ({ database, ...effectivePool(workload, database) }));
}

/** Whether a database or a user has a mode or a size of its own. */
export function hasOwnPools({ settings: { databases, users } }: Workload): boolean {
  return [...databases, ...users].some(
    (entry) => (entry.pool_mode ?? entry.pool_size) !== undefined,
  );
}

/**
 * The mode and the size by which a configuration goes in which each pool keeps its own, and the connections of
 * them all. Errors: ConfigError where statement mode stands beside another, for the driver either plays
 * transactions or does not.
 */
export function ownPools(workload: Workload): {
  pool_mode: PoolMode;
  pool_size: number;
  connections: number;
} {
  const pools = poolsOf(workload);
  const modes = new Set(pools.map((pool) => pool.mode));
  if (modes.size > 1 && modes.has("statement"))
    throw new ConfigError({
      at: workload.file,
      name: "pool_mode",
      got: [...modes].join(", "),
      expected: "statement mode for all databases of the workload, or for none",
    });
  const { pool_mode, default_pool_size } = workload.settings;
  const [only = pool_mode] = modes;
  return {
    pool_mode: modes.size === 1 ? only : pool_mode,
    pool_size: default_pool_size,
    connections: pools.reduce((sum, { size }) => sum + size, 0),
  };
}

/** The workload with every pool in this mode and of this size. */
export function withPool(workload: Workload, pool_mode: PoolMode, pool_size: number): Workload {
  const settings = {
    ...workload.settings,
    pool_mode,
    default_pool_size: pool_size,
    databases: workload.settings.databases.map((entry) => ({ ...entry, pool_mode, pool_size })),
  };
  return { ...workload, settings };
}
