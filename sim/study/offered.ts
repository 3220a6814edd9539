/** How much work clients bring, before anything is simulated. Where a schedule changes it, at its peak. */
import type { Pool } from "../../engine/core/index.ts";
import { peakFactor } from "../../workloads/schema/courses.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";
import { speedOf, topSpeed } from "../model/index.ts";
import { type Pace, paceOf, rateOf, throughApplication } from "./pace.ts";
import { connectionsOf, keyOf, poolOf } from "./pools.ts";

/** What is asked of something, over what it can give. */
interface Bottleneck {
  load: number;
  /** Of what: `the pool`. */
  what: string;
}

/** The load of what `bottleneck` finds. */
export const offeredLoad = (workload: Workload): number => bottleneck(workload).load;

/**
 * What sessions from outside ask for, over what can be had of it: connections of the application's own pool,
 * server connections of their pools, of their databases and users where these have limits, and the database's
 * cores. From 1 on the queue grows until a timeout or a limit ends it. The highest of all.
 * Clients of a fixed number count nothing: they cannot ask again before they are served. Of a session that ends
 * by time only the one transaction counts that it has however long it waits.
 */
export function bottleneck(workload: Workload): Bottleneck {
  const found = new Map<string, Bottleneck>();
  const add = (key: string, what: string, load: number): void => {
    found.set(key, { what, load: (found.get(key)?.load ?? 0) + load });
  };
  for (const kind of workload.clients) {
    if (kind.arrivals === undefined) continue;
    const pool = poolOf(workload, kind);
    const sessions = peakFactor(workload, kind.name) / mean(kind.arrivals.gap);
    const { asked, through, busy } = demandOf(workload, kind, pool, sessions);
    const most = throughApplication(kind, paceOf(workload, kind));
    if (kind.app_pool !== undefined)
      add(`application ${kind.name}`, `the application's own pool of ${kind.name}`, asked / most);
    for (const { key, what, size } of limitsOf(workload, pool)) add(key, what, busy / size);
    const cores = capacity(workload, allPools(workload));
    if (cores < Number.POSITIVE_INFINITY)
      add("cores", "the cores", (through * workOf(workload, kind)) / cores);
  }
  const none: Bottleneck = { load: 0, what: "the pool" };
  // Sessions that never end and bring nothing have a load that is no number: it stays one.
  const higher = (a: Bottleneck, b: Bottleneck) => (b.load <= a.load ? a : b);
  return [...found.values()].reduce((a, b) => (Number.isNaN(a.load) ? a : higher(a, b)), none);
}

/** What sessions of a kind from outside ask for. */
interface Demand {
  /** Transactions a nanosecond, and those of them that come through the application's own pool. */
  asked: number;
  through: number;
  /** Server connections that they hold. */
  busy: number;
}

/** `sessions`: that begin in a nanosecond. */
function demandOf(workload: Workload, kind: ClientKind, pool: Pool, sessions: number): Demand {
  const pace = paceOf(workload, kind);
  const asked = pace.least * sessions;
  const through = Math.min(asked, throughApplication(kind, pace));
  // Connections that the application keeps are there for whoever comes next.
  const busy =
    kind.app_pool === undefined
      ? heldBySession(workload, kind, pool) * sessions
      : heldByTransaction(pace, pool) * through;
  return { asked, through, busy };
}

/** What limits the connections of a pool, and how many they may be: its size, its database, its user. */
function limitsOf(workload: Workload, pool: Pool): { key: string; what: string; size: number }[] {
  const { database, user, max_db_connections, max_user_connections } = pool;
  const processes = workload.pooler?.processes ?? 1;
  const [db, owner] = [`database ${database.settings.name}`, `user ${user.settings.name}`];
  const limits = [
    { key: keyOf(pool), what: "the pool", size: sizeOf(workload, pool) },
    { key: db, what: `the connections of ${db}`, size: max_db_connections * processes },
    { key: owner, what: `the connections of ${owner}`, size: max_user_connections * processes },
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
      const { app_pool } = kind;
      const own = app_pool === undefined ? [] : [app_pool.instances * app_pool.size];
      const sizes = [...own, ...limitsOf(workload, pool).map(({ size }) => size)];
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
    const rate = rateOf(kind, paceOf(workload, kind), peakFactor(workload, kind.name));
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

/** Mean time for which one session has a server at least: see `bottleneck`. */
function heldBySession(workload: Workload, kind: ClientKind, pool: Pool): number {
  const pace = paceOf(workload, kind);
  const held = pace.least * heldByTransaction(pace, pool);
  const keeps = pool.mode === "session" && kind.app_pool === undefined;
  return keeps ? held + (pace.least - 1) * pace.idle : held;
}

const heldByTransaction = ({ work, pauses }: Pace, { mode }: Pool): number =>
  work + (mode === "statement" ? 0 : pauses);
