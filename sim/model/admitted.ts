/** Which of the pooler's connections the database has a backend for. */
import type { Run } from "./run.ts";

/** Connections that have, or ask for, a slot of max_connections; a cancel request needs none. */
export const backends = (run: Run): number => run.connections.value - (run.cancels?.slotless ?? 0);

/**
 * Keeps the most backends since the window began. Who is refused counts for the pooler, as a server in login,
 * but has never been a backend. Source: PostgreSQL 17 InitProcess(), before authentication.
 */
export function countBackends(run: Run): void {
  const { max_connections } = run.workload.server;
  run.backendsMost = Math.max(run.backendsMost, Math.min(backends(run), max_connections));
}
