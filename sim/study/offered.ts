/** How much work clients bring, before anything is simulated. Where a schedule changes it, at its peak. */
import type { Pool } from "../../engine/core/index.ts";
import { peakFactor } from "../../workloads/schema/courses.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";
import { speedOf, topSpeed } from "../model/index.ts";
import { paceOf, rateOf } from "./pace.ts";
import { connectionsOf, keyOf, poolOf } from "./pools.ts";

/**
 * What sessions from outside ask for, over what can be had of it: server connections of their pools, of their
 * databases and users where these have limits, and the database's cores; the highest of all. From 1 on the
 * queue grows until a timeout or a limit ends it. Clients of a fixed number count nothing: they cannot ask
 * again before they are served. Of a session that ends by time only the one transaction counts that it has
 * however long it waits.
 */
export function offeredLoad(workload: Workload): number {
  const bottlenecks = new Map<string, number>();
  let work = 0;
  for (const kind of workload.clients) {
    if (kind.arrivals === undefined) continue;
    const rate = peakFactor(workload, kind.name) / mean(kind.arrivals.gap);
    const pool = poolOf(workload, kind);
    const busy = heldBySession(workload, kind, pool) * rate;
    for (const { key, size } of bottlenecksOf(workload, pool))
      bottlenecks.set(key, (bottlenecks.get(key) ?? 0) + busy / size);
    work += paceOf(workload, kind).least * workOf(workload, kind) * rate;
  }
  const most = capacity(workload, allPools(workload));
  const onCores = most === Number.POSITIVE_INFINITY ? 0 : work / most;
  return Math.max(onCores, ...bottlenecks.values());
}

/** What limits the connections of a pool, and how many they may be: its size, its database, its user. */
function bottlenecksOf(workload: Workload, pool: Pool): { key: string; size: number }[] {
  const { database, user, max_db_connections, max_user_connections } = pool;
  const processes = workload.pooler?.processes ?? 1;
  const limits = [
    { key: keyOf(pool), size: sizeOf(workload, pool) },
    { key: `database ${database.settings.name}`, size: max_db_connections * processes },
    { key: `user ${user.settings.name}`, size: max_user_connections * processes },
  ];
  return limits.filter(({ size }) => size > 0);
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
  if (!(load < 1)) return 0; // Nor is there one for sessions that never end and bring nothing: no number.
  const relaxations = workload.clients
    .filter((kind) => kind.arrivals !== undefined)
    .map((kind) => {
      const pool = poolOf(workload, kind);
      const sizes = bottlenecksOf(workload, pool).map(({ size }) => size);
      return heldBySession(workload, kind, pool) / Math.min(...sizes);
    })
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
    const rate = rateOf(kind, paceOf(workload, kind)) * peakFactor(workload, kind.name);
    return rate * workOf(workload, kind);
  });
  const most = capacity(workload, workload.server.max_connections);
  return { offered: offered.reduce((sum, each) => sum + each, 0), capacity: most };
}

/** Transactions a nanosecond that all clients together ask for when nobody waits. */
export function offeredRate(workload: Workload): number {
  return workload.clients.reduce((sum, kind) => sum + rateOf(kind, paceOf(workload, kind)), 0);
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

/** Connections of all pools of all processes together. */
function allPools(workload: Workload): number {
  const { server, pooler } = workload;
  return connectionsOf(workload, server.max_connections) * (pooler?.processes ?? 1);
}

/** Of all the pooler's processes together; a size of 0 stands for as many as the database admits. */
const sizeOf = ({ server, pooler }: Workload, { size }: Pool): number =>
  size * (pooler?.processes ?? 1) || server.max_connections;

/** Mean time for which one session has a server at least: see `offeredLoad`. */
function heldBySession(workload: Workload, kind: ClientKind, { mode }: Pool): number {
  const { work, pauses, idle, least } = paceOf(workload, kind);
  const held = least * (work + (mode === "statement" ? 0 : pauses));
  return mode === "session" ? held + (least - 1) * idle : held;
}
