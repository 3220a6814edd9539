/** Connections that a live run may ask its database for, and what is said where it may have fewer, or more. */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf, poolsOf } from "../pools.ts";
import { processesOf } from "./several.ts";

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

/** Of somebody's own database, where the workload's would matter. */
export const ownRoomNotes = (workload: Workload): string[] =>
  mayBeRefused(workload)
    ? ["server.max_connections is not played: the database has the room that it has"]
    : [];

/** Of a validation, where it would matter in one of its configurations. */
export const sharedRoomNotes = (configurations: readonly Workload[]): string[] =>
  configurations.some(mayBeRefused)
    ? [
        "server.max_connections is not played: there is one database for the pools of all configurations, and " +
          "it is predicted to have room for them",
      ]
    : [];
