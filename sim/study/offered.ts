/** How much work arrivals bring, before anything is simulated. */
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";

/**
 * Server connections that sessions from outside would keep busy, over those that their pools have:
 * from 1 on the queue grows until a timeout or a limit ends it. The highest of all pools. Clients of a
 * fixed number count nothing: they cannot ask again before they are served.
 */
export function offeredLoad(workload: Workload): number {
  const pools = new Map<string, number>();
  for (const kind of workload.clients) {
    if (kind.arrivals === undefined) continue;
    const pool = JSON.stringify([kind.database, kind.user]);
    const busy = heldBySession(workload, kind) / mean(kind.arrivals.gap);
    pools.set(pool, (pools.get(pool) ?? 0) + busy / poolSize(workload, kind));
  }
  return Math.max(0, ...pools.values());
}

function poolSize({ settings }: Workload, { database }: ClientKind): number {
  const own = settings.databases.find((each) => each.name === database);
  return own?.pool_size ?? settings.default_pool_size;
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
