/** The pools that the clients of a workload use, with the mode and size that hold in each. */
import { configuredPool, type Pool } from "../../engine/core/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { sizeTogether } from "../model/index.ts";
import type { Run } from "./results/index.ts";

/** A pool as results name it: a database, and the user whose connections they are. */
type UsedPool = NonNullable<Run["pools"]>[number];

/** The pool of a kind of clients, as the scheduler has it. */
export const poolOf = ({ settings }: Workload, { database, user }: ClientKind): Pool =>
  configuredPool(settings, database, user);

/** Two kinds of clients that share a pool have the same. */
export const keyOf = ({ database, user }: Pool): string =>
  JSON.stringify([database.settings.name, user.settings.name]);

/** Each pool once. */
export function poolsOf(workload: Workload): Pool[] {
  const pools = workload.clients.map((kind) => poolOf(workload, kind));
  return [...new Map(pools.map((pool) => [keyOf(pool), pool])).values()];
}

/**
 * Connections of all pools together in one process of the pooler, as far as max_db_connections and
 * max_user_connections let them; a pool without a size counts as `unsized`, and its reserve never.
 */
export function connectionsOf(workload: Workload, unsized = 0): number {
  const pools = poolsOf(workload).map((pool) => {
    if (pool.size === 0) pool.size = unsized;
    return pool;
  });
  return sizeTogether(pools, namesOf);
}

const namesOf = ({ database, user }: Pool): { database: unknown; user: unknown } => ({
  database: database.settings.name,
  user: user.settings.name,
});

/** Each pool once, as results name it. */
export function usedPools(workload: Workload): UsedPool[] {
  return poolsOf(workload).map(({ database, user, mode, size }) => ({
    database: database.settings.name,
    user: user.settings.name,
    pool_mode: mode,
    pool_size: size,
  }));
}

/** Whether each has a mode, or a size, of its own: the global one would then be nobody's. */
export function allHaveOwn(workload: Workload, name: "pool_mode" | "pool_size"): boolean {
  return poolsOf(workload).every((pool) => pool.ownerOf(name) !== undefined);
}

/** Their mode and size where all agree, else the global ones; and each of several. */
export type Configuration = Pick<Run, "pool_mode" | "pool_size" | "pools">;

/** What a result says of the pools. */
export function configured(workload: Workload): Configuration {
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
