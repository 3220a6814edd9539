/** What follows from a kind of clients, wherever it is asked. */
import type { ClientKind } from "./workload.ts";

/** Its transactions can be tried again, or given up by the client. */
export function isImpatient({ timeout, retry }: Pick<ClientKind, "timeout" | "retry">): boolean {
  return (timeout ?? retry) !== undefined;
}

/** Its clients are more than a textbook's: they have patience, retries or a pool of their own. */
export function isDemanding(kind: ClientKind): boolean {
  return kind.app_pool !== undefined || isImpatient(kind);
}

/** Connections to the pooler that it has at most; `open` where its clients come from outside. */
export function mostConnected({ app_pool, count }: ClientKind, open: number): number {
  return app_pool === undefined ? (count ?? open) : app_pool.instances * app_pool.size;
}

/** Connections to the pooler that are there all the time. */
export function staying(clients: readonly ClientKind[]): number {
  return clients.reduce((sum, kind) => sum + mostConnected(kind, 0), 0);
}
