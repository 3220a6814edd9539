/** How much work clients bring, before anything is simulated. Where a schedule changes it, at its peak. */
import { peakFactor } from "../../workloads/schema/courses.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";
import { speedOf, topSpeed } from "../model/index.ts";

/**
 * What sessions from outside ask for, over what can be had of it: server connections of their pools, and
 * the database's cores. From 1 on the queue grows until a timeout or a limit ends it. The highest of all.
 * Clients of a fixed number count nothing: they cannot ask again before they are served.
 */
export function offeredLoad(workload: Workload): number {
  const pools = new Map<string, number>();
  let work = 0;
  for (const kind of workload.clients) {
    if (kind.arrivals === undefined) continue;
    const rate = peakFactor(workload, kind.name) / mean(kind.arrivals.gap);
    const pool = poolOf(kind);
    const busy = heldBySession(workload, kind) * rate;
    pools.set(pool, (pools.get(pool) ?? 0) + busy / poolSize(workload, kind));
    work += transactionsOf(kind) * workOf(workload, kind) * rate;
  }
  return Math.max(0, work / capacity(workload, allPools(workload)), ...pools.values());
}

/**
 * Nanoseconds in which a queue of clients from outside settles, from an empty pool: four relaxation times,
 * after which its length is within 2 % of the steady one. The longest of all pools; 0 where nobody comes
 * from outside, and where the load has no steady state. Source: A. R. Odoni and E. Roth, "An empirical
 * investigation of the transient behavior of stationary queueing systems", Operations Research 31 (1983):
 * (Ca^2 + Cs^2) / (2.8 mu (1 - sqrt(load))^2), here with exponential gaps and services, of all servers.
 */
export function settlingTime(workload: Workload): number {
  const load = offeredLoad(workload);
  if (!(load < 1)) return 0; // Nor has it where sessions that never end come on: infinite or no number.
  const relaxations = workload.clients
    .filter((kind) => kind.arrivals !== undefined)
    .map((kind) => heldBySession(workload, kind) / poolSize(workload, kind))
    .map((service) => (2 * service) / (2.8 * (1 - Math.sqrt(load)) ** 2));
  return Math.max(0, ...relaxations.map((relaxation) => 4 * relaxation));
}

/** What statements want of the cores, and what these do at most; in cores. */
export interface Work {
  /** When nobody waits and nothing is shared. */
  offered: number;
  /** With as many connections as the database admits, or the best number of them. */
  capacity: number;
}

/** The work of all clients; undefined: the database's cores are not modelled. */
export function workOnCores(workload: Workload): Work | undefined {
  if (speedOf(workload.server) === undefined) return undefined;
  const offered = workload.clients.map((kind) => {
    const rate = transactionRate(kind) * peakFactor(workload, kind.name);
    return rate * workOf(workload, kind);
  });
  const most = capacity(workload, workload.server.max_connections);
  return { offered: offered.reduce((sum, each) => sum + each, 0), capacity: most };
}

/** Transactions a nanosecond that all clients together ask for when nobody waits. */
export function offeredRate({ clients }: Workload): number {
  return clients.reduce((sum, kind) => sum + transactionRate(kind), 0);
}

/** Transactions a nanosecond when nobody waits, at a load factor of 1. */
function transactionRate(kind: ClientKind): number {
  const { arrivals, count = 0, think, transaction } = kind;
  if (arrivals !== undefined) return transactionsOf(kind) / mean(arrivals.gap);
  const { statements, service, gap } = transaction;
  const cycle = mean(think) + mean(statements) * (mean(service) + mean(gap));
  return count / Math.max(1, cycle);
}

function transactionsOf({ session: { transactions } }: ClientKind): number {
  return transactions === "forever" ? Number.POSITIVE_INFINITY : mean(transactions);
}

/** Time on a core that one transaction needs. */
function workOf({ server }: Workload, { transaction }: ClientKind): number {
  return mean(transaction.statements) * mean(transaction.service) * server.cpu_share;
}

/** Work that the database gets done with so many connections, in cores; Infinity: without limit. */
function capacity({ server }: Workload, connections: number): number {
  const speed = speedOf(server);
  if (speed === undefined) return Number.POSITIVE_INFINITY;
  return topSpeed(speed, Math.max(1, Math.min(connections, server.max_connections)));
}

/** Connections of all pools together. */
function allPools(workload: Workload): number {
  const sizes = new Map(workload.clients.map((kind) => [poolOf(kind), poolSize(workload, kind)]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

const poolOf = ({ database, user }: ClientKind): string => JSON.stringify([database, user]);

/** Of all the pooler's processes together; a size of 0 stands for as many as the database admits. */
function poolSize({ settings, server, pooler }: Workload, { database }: ClientKind): number {
  const own = settings.databases.find((each) => each.name === database);
  const size = own?.pool_size ?? settings.default_pool_size;
  return size * (pooler?.processes ?? 1) || server.max_connections;
}

/** Mean time for which one session has a server. */
function heldBySession(workload: Workload, kind: ClientKind): number {
  const { session, think } = kind;
  if (session.transactions === "forever") return Number.POSITIVE_INFINITY;
  const { settings, network } = workload;
  const own = settings.databases.find((each) => each.name === kind.database)?.pool_mode;
  const mode = own ?? settings.pool_mode;
  const transactions = mean(session.transactions);
  const { statements, service, gap } = kind.transaction;
  const asked = mean(statements) * (mean(service) + network.server);
  const between = mode === "statement" ? 0 : (mean(statements) - 1) * (mean(gap) + network.client);
  const idle = mode === "session" ? (transactions - 1) * (mean(think) + network.client) : 0;
  return transactions * (asked + between) + idle;
}
