/** The textbook's closed pool as a study would have it: PgBouncer's defaults, and a database with an end. */
import { DEFAULTS } from "../../engine/core/index.ts";
import { closedKind, exponential, textbook } from "../../sim/study/theory/textbook.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

/** Clients who think and are served for exponential times. */
export const kindOf = (count: number, think_ms: number, service_ms: number): ClientKind =>
  closedKind(count, exponential(think_ms), exponential(service_ms));

/** M/M/c//N without network or connection time: `servers` connections, transaction mode. */
export function closedWorkload(kind: ClientKind, servers: number): Workload {
  const { server, settings, ...rest } = textbook([kind], servers);
  const { pool_mode, default_pool_size, databases, users } = settings;
  return {
    ...rest,
    name: "closed",
    file: "closed.yaml",
    settings: {
      ...{ ...DEFAULTS, pool_mode, default_pool_size, databases, users },
      max_client_conn: 100_000,
    },
    server: { ...server, max_connections: 10_000 },
  };
}

/** Milliseconds for a study or a search: so long that a busy machine changes no answer. */
export const timeLimit = 600_000;
