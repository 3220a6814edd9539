/** Modes and sizes of a workload's pools. */
import { ConfigError } from "../../../engine/config/index.ts";
import type { PoolMode } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf, poolsOf } from "../pools.ts";
import type { Cell } from "./cell.ts";

/** Whether a pool of the clients has a mode or a size that is not the global one's. */
export function hasOwnPools(workload: Workload): boolean {
  return poolsOf(workload).some(
    (pool) => (pool.ownerOf("pool_mode") ?? pool.ownerOf("pool_size")) !== undefined,
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
  const modes = new Set(poolsOf(workload).map((pool) => pool.mode));
  if (modes.size > 1 && modes.has("statement"))
    throw new ConfigError({
      at: workload.file,
      name: "pool_mode",
      got: [...modes].join(", "),
      expected: "statement mode for all pools of the workload, or for none",
    });
  const { pool_mode, default_pool_size } = workload.settings;
  const [only = pool_mode] = modes;
  return {
    pool_mode: modes.size === 1 ? only : pool_mode,
    pool_size: default_pool_size,
    connections: connectionsOf(workload),
  };
}

/** The workload with every pool in this mode and of this size. */
export function withPool(workload: Workload, pool_mode: PoolMode, pool_size: number): Workload {
  const { settings } = workload;
  const all = <Entry>(entry: Entry) => ({ ...entry, pool_mode, pool_size });
  const own = {
    databases: settings.databases.map(all),
    users: settings.users.map(all),
    autodb: settings.autodb && all(settings.autodb),
  };
  return {
    ...workload,
    settings: { ...settings, ...own, pool_mode, default_pool_size: pool_size },
  };
}

/** The workload as a configuration has it. */
export const workloadOf = (workload: Workload, cell: Cell): Workload =>
  cell.own ? workload : withPool(workload, cell.pool_mode, cell.pool_size);
