/** Variants of a workload: another pool size, more load, slower statements. */
import { connectionsOf } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { scaled } from "../../kernel/distributions.ts";

/** Connections that PostgreSQL keeps for superusers unless told. Source: superuser_reserved_connections. */
const RESERVED = 3;

/**
 * The workload with `default_pool_size = size`. Where every database that clients use has a `pool_size`
 * of its own, so that the global one would be nobody's, those give way.
 */
export function withPoolSize(workload: Workload, size: number): Workload {
  const { settings } = workload;
  const databases = everyEntrySized(workload)
    ? settings.databases.map(({ pool_size: _, ...entry }) => entry)
    : settings.databases;
  return { ...workload, settings: { ...settings, databases, default_pool_size: size } };
}

/** What a reader should know of entries with a size of their own. */
export function sizedByEntries(workload: Workload): string[] {
  const own = workload.settings.databases.filter((entry) => entry.pool_size !== undefined);
  if (own.length === 0) return [];
  if (everyEntrySized(workload))
    return [
      "every database has a pool_size of its own; here default_pool_size stands for all of them",
    ];
  return own.map(({ name, pool_size }) => `${name} keeps its own pool_size, ${pool_size}`);
}

function everyEntrySized({ settings, clients }: Workload): boolean {
  const used = new Set(clients.map((kind) => kind.database));
  return [...used].every(
    (name) => settings.databases.find((entry) => entry.name === name)?.pool_size !== undefined,
  );
}

/**
 * The largest pool worth a thought: a connection for each client, or as many as the database admits
 * beside those that it reserves, for all pools together, each in every process of the pooler.
 */
export function largestPool(workload: Workload): number {
  const { clients, server, pooler } = workload;
  const closed = clients.every((kind) => kind.count !== undefined);
  const count = clients.reduce((sum, kind) => sum + (kind.count ?? 0), 0);
  const room = Math.floor((server.max_connections - RESERVED) / (pooler?.processes ?? 1));
  let [low, high] = [1, closed ? count : room];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (opened(workload, middle) <= room) low = middle;
    else high = middle - 1;
  }
  return low;
}

const NO_END = Number.POSITIVE_INFINITY;

/** Server connections of a process at most with `default_pool_size = size`: a pool opens none for nobody. */
function opened(workload: Workload, size: number): number {
  const { clients, settings } = withPoolSize(workload, size);
  const pools = new Map<string, { clients: number; size: number }>();
  for (const kind of clients) {
    const { database, user } = kind;
    const connections = connectionsOf(kind, NO_END);
    const key = JSON.stringify([database, user]);
    const own = settings.databases.find((entry) => entry.name === database)?.pool_size;
    const ofUser = settings.users.find((entry) => entry.name === user)?.pool_size;
    const known = pools.get(key)?.clients ?? 0;
    pools.set(key, { clients: known + connections, size: (ofUser ?? own ?? size) || NO_END });
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
