/** Connections that a live run may ask its database for, and what is said where it may have fewer, or more. */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf, poolsOf } from "../pools.ts";
import type { Cell, Played } from "./cell.ts";
import { processesOf } from "./several.ts";
import { isPrivate } from "./stand-names.ts";

/**
 * Connections that the pooler may open, with its reserve; two that relieve each other have twice as many.
 * Infinity: its pools have no limit.
 */
export function mostServerConnections(workload: Workload): number {
  const reserve = poolsOf(workload).reduce((sum, pool) => sum + pool.reserve_size, 0);
  const connections = connectionsOf(workload, Number.POSITIVE_INFINITY);
  const twice = workload.faults?.some(({ fault }) => fault === "pooler_takeover") ? 2 : 1;
  return twice * processesOf(workload) * (connections + reserve);
}

/** The pools may not have all their connections at once: they take them from each other. */
export function isContested(workload: Workload): boolean {
  const sizes = poolsOf(workload).map(({ size }) => size || Number.POSITIVE_INFINITY);
  const together = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.length > 1 && connectionsOf(workload, Number.POSITIVE_INFINITY) < together;
}

/** The pools may ask for more connections than the workload's database has. */
const mayBeRefused = (workload: Workload): boolean =>
  mostServerConnections(workload) > workload.server.max_connections;

/**
 * A database of its own for a configuration whose connections may be refused: it lets in as many as the
 * workload's does, whatever else the server has. undefined: there is none, or it is not ours to make.
 */
export function ownDatabase(workload: Workload, cell: Cell, database: Played): string | undefined {
  const limited = !cell.plain && isPrivate(database) && mayBeRefused(workload);
  return limited ? `limited_${cell.name}` : undefined;
}

/** Of somebody's own database, where the workload's limit would matter in one of its configurations. */
export const roomNotes = (configurations: readonly Workload[]): string[] =>
  configurations.some(mayBeRefused)
    ? ["server.max_connections is not played: the database has the room that it has"]
    : [];
