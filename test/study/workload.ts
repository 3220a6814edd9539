/** A workload built in code: the textbook's closed pool, to which a test changes what it is about. */
import { DEFAULTS } from "../../engine/core/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

const MILLISECOND = 1e6;
const SECOND = 1e9;

/** Clients who think and are served for exponential times. */
export function kindOf(count: number, think_ms: number, service_ms: number): ClientKind {
  return {
    name: "clients",
    database: "app",
    user: "app",
    count,
    session: { transactions: "forever", away: { kind: "constant", value: 0 } },
    think: { kind: "exponential", mean: think_ms * MILLISECOND },
    transaction: {
      statements: { kind: "constant", value: 1 },
      service: { kind: "exponential", mean: service_ms * MILLISECOND },
      gap: { kind: "constant", value: 0 },
    },
  };
}

/** M/M/c//N without network or connection time: `servers` connections, transaction mode. */
export function closedWorkload(kind: ClientKind, servers: number): Workload {
  return {
    name: "closed",
    description: "",
    file: "closed.yaml",
    settings: {
      ...DEFAULTS,
      pool_mode: "transaction",
      default_pool_size: servers,
      max_client_conn: 100_000,
      databases: [{ name: "app" }],
      users: [],
    },
    clients: [kind],
    server: {
      max_connections: 10_000,
      connect_time: { kind: "constant", value: 0 },
      memory_per_connection: 10_000_000,
      cpu_share: 1,
    },
    network: { client: 0, server: 0 },
    schedule: [],
    slo: {},
    run: { duration: 60 * SECOND, warmup: "auto", seed: 1, precision: 0.05 },
  };
}
