/** Variants of a workload: another pool size, more load, slower statements. */
import { mostConnected } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { scaled } from "../../kernel/distributions.ts";
import { allHaveOwn, keyOf, poolOf, poolsOf } from "../pools.ts";

/** Connections that PostgreSQL keeps for superusers unless told. Source: superuser_reserved_connections. */
const RESERVED = 3;

/**
 * The workload with `default_pool_size = size`. Where every pool that clients use has a `pool_size` of its
 * database or user, so that the global one would be nobody's, those give way.
 */
export function withPoolSize(workload: Workload, size: number): Workload {
  const { settings } = workload;
  if (!allHaveOwn(workload, "pool_size"))
    return { ...workload, settings: { ...settings, default_pool_size: size } };
  const databases = settings.databases.map(({ pool_size: _, ...entry }) => entry);
  const users = settings.users.map(({ pool_size: _, ...entry }) => entry);
  const autodb = settings.autodb && { ...settings.autodb, pool_size: undefined };
  return {
    ...workload,
    settings: { ...settings, databases, users, autodb, default_pool_size: size },
  };
}

/** What a reader should know of pools with a size of their own. */
export function sizedByEntries(workload: Workload): string[] {
  const owners = poolsOf(workload).flatMap((pool) => pool.ownerOf("pool_size")?.settings ?? []);
  if (owners.length > 0 && allHaveOwn(workload, "pool_size"))
    return ["every pool has a pool_size of its own; here default_pool_size stands for all of them"];
  const told = owners.map(({ name, pool_size }) => `${name} keeps its own pool_size, ${pool_size}`);
  return [...new Set(told)];
}

/** Connections that the database admits beside those that it reserves. */
export const admittedBy = ({ max_connections }: Workload["server"]): number =>
  max_connections - RESERVED;

/**
 * The largest pool worth a thought: a connection for each client, or as many as the database admits
 * beside those that it reserves, for all pools together, each in every process of the pooler.
 */
export function largestPool(workload: Workload): number {
  const { clients, server, pooler } = workload;
  const closed = clients.every((kind) => kind.count !== undefined);
  const count = clients.reduce((sum, kind) => sum + (kind.count ?? 0), 0);
  const room = Math.floor(admittedBy(server) / (pooler?.processes ?? 1));
  let [low, high] = [1, closed ? count : room];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (opened(workload, middle) <= room) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Pools that share max_db_connections or max_user_connections. */
export interface Shared {
  /** Connections of each if all have as many, under the tightest limit. */
  even: number;
  /** A pool that is larger has no more; Infinity where one has no limit. */
  most: number;
}

/**
 * undefined where no pools share a limit. Where some do, larger pools keep each other's connections from being
 * opened.
 */
export function sharedLimit(workload: Workload): Shared | undefined {
  const limits = new Map<string, { most: number; pools: number }>();
  let most = 0;
  for (const { database, user, max_db_connections, max_user_connections } of poolsOf(workload)) {
    for (const [name, limit] of [
      [`database ${database.settings.name}`, max_db_connections],
      [`user ${user.settings.name}`, max_user_connections],
    ] as const)
      if (limit > 0) limits.set(name, { most: limit, pools: (limits.get(name)?.pools ?? 0) + 1 });
    most = Math.max(most, Math.min(max_db_connections || NO_END, max_user_connections || NO_END));
  }
  const shared = [...limits.values()].filter(({ pools }) => pools > 1);
  if (shared.length === 0) return undefined;
  const evenly = shared.map((limit) => Math.max(1, Math.floor(limit.most / limit.pools)));
  return { even: Math.min(...evenly), most };
}

const NO_END = Number.POSITIVE_INFINITY;

/** Server connections of a process at most with `default_pool_size = size`: a pool opens none for nobody. */
function opened(workload: Workload, size: number): number {
  const sized = withPoolSize(workload, size);
  const pools = new Map<string, { clients: number; size: number }>();
  for (const kind of sized.clients) {
    const pool = poolOf(sized, kind);
    const known = pools.get(keyOf(pool))?.clients ?? 0;
    const clients = known + mostConnected(kind, NO_END);
    pools.set(keyOf(pool), { clients, size: pool.size || NO_END });
  }
  return [...pools.values()].reduce((sum, pool) => sum + Math.min(pool.clients, pool.size), 0);
}

/** `factor` times the clients, and `factor` times the arrivals from outside. */
export function withLoad(workload: Workload, factor: number): Workload {
  return {
    ...workload,
    clients: workload.clients.map((kind) => ({
      ...kind,
      count: kind.count === undefined ? undefined : Math.round(kind.count * factor),
      arrivals: kind.arrivals && { gap: scaled(kind.arrivals.gap, 1 / factor) },
    })),
  };
}

/** `factor` times the cores, and `factor` times what was measured of their speed. */
export function withCores(workload: Workload, factor: number): Workload {
  const { cores, speed } = workload.server;
  const server = {
    ...workload.server,
    cores: cores === undefined ? undefined : cores * factor,
    speed: speed && { ...speed, cap: speed.cap * factor },
  };
  return { ...workload, server };
}

/** Every statement takes `factor` times as long, draw for draw. */
export function withService(workload: Workload, factor: number): Workload {
  return {
    ...workload,
    clients: workload.clients.map((kind) => ({
      ...kind,
      transaction: { ...kind.transaction, service: scaled(kind.transaction.service, factor) },
    })),
  };
}
