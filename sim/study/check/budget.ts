/**
 * How many connections the poolers can open to each database server: databases x users x instances x
 * (pool + reserve), as far as max_db_connections and max_user_connections let them.
 */
import { Flow } from "../../kernel/flow.ts";
import type { Instance, Pool } from "./instance.ts";
import type { Surroundings } from "./surroundings.ts";

/** One database server. */
export interface Budget {
  /** `host:port`; loopback addresses are one host, and so is every Unix socket: of a port they lead to one server. */
  server: string;
  /** The first entry that leads there. */
  at: string;
  pools: number;
  /** Most that all instances can have open at once. */
  connections: number;
  /** What ordinary users may have there; undefined: not known. */
  available: number | undefined;
  /** The most of each instance that reaches it, all its copies. */
  parts: { file: string; copies: number; connections: number }[];
}

/** The servers, in the order in which the files name them. */
export function budgetsOf(instances: readonly Instance[], around: Surroundings): Budget[] {
  const { max_connections, reserved } = around;
  const available =
    max_connections === undefined ? undefined : Math.max(0, max_connections - reserved);
  const servers = new Map<string, string>();
  for (const { entries } of instances)
    for (const entry of entries)
      for (const server of serversOf(entry))
        if (!servers.has(server)) servers.set(server, entry.at);
  return [...servers].map(([server, at]) => {
    const parts = instances.flatMap(({ config, copies, pools }) => {
      const there = pools.filter(({ entry }) => serversOf(entry).includes(server));
      const connections = copies * mostConnections(there);
      return there.length === 0 ? [] : [{ file: config.file, copies, connections, there }];
    });
    const count = ({ copies, there }: (typeof parts)[number]): number =>
      there.reduce((sum, pool) => sum + copies * pool.entries * pool.users, 0);
    return {
      server,
      at,
      pools: parts.reduce((sum, part) => sum + count(part), 0),
      connections: parts.reduce((sum, part) => sum + part.connections, 0),
      available,
      parts: parts.map(({ file, copies, connections }) => ({ file, copies, connections })),
    };
  });
}

const HERE = "localhost";
const LOOPBACK = ["127.0.0.1", "::1", HERE];

/** With a list of hosts each of them may come to have all the connections. */
function serversOf({ host, port }: Pool["entry"]): string[] {
  const names = (host ?? HERE).split(",").map((name) => name.trim().toLowerCase());
  const isHere = (name: string): boolean => name.startsWith("/") || LOOPBACK.includes(name);
  return [...new Set(names.map((name) => `${isHere(name) ? HERE : name}:${port}`))];
}

/** Most servers that one such pool can have: no more than its clients can ask for, or its minimum. */
function poolMost({ pool_size, reserve, min_pool_size, clients }: Pool): number {
  const size = pool_size.value === 0 ? Infinity : pool_size.value + reserve;
  return Math.min(size, Math.max(clients.value, min_pool_size.value));
}

/**
 * Most connections that these pools can have at once. Each is limited by itself, all of an entry by
 * max_db_connections, all of a user by max_user_connections: the largest flow from entries to users.
 * Equal users are one node with so many times the limit, which changes nothing in the answer.
 */
export function mostConnections(pools: readonly Pool[]): number {
  const flow = new Flow<string, string>();
  for (const pool of pools) {
    const { entry, entries, user, users } = pool;
    const database = limit(pool.max_db_connections.value, entries);
    flow.offer(entry.name, database, user, limit(pool.max_user_connections.value, users));
    flow.join(entry.name, user, poolMost(pool) * entries * users);
  }
  return flow.most();
}

function limit(value: number, times: number): number {
  return value === 0 ? Infinity : value * times;
}
