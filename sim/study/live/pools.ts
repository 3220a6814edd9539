/** Modes and sizes of a workload's pools. */
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
