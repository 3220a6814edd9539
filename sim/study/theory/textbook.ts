/** Workloads of the textbook: the pool is warm and its upkeep adds nothing. Times in milliseconds. */
import { type CoreSettings, DEFAULTS } from "../../../engine/core/index.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import type { DistributionSpec } from "../../kernel/distributions.ts";

/** Nanoseconds of a millisecond: the formulas of this folder work in milliseconds. */
export const MS = 1e6;
export const SECOND = 1e9;

export const constant = (ms: number): DistributionSpec => ({ kind: "constant", value: ms * MS });
export const exponential = (ms: number): DistributionSpec => ({
  kind: "exponential",
  mean: ms * MS,
});
/** A plain number: of statements, of transactions. */
export const times = (value: number): DistributionSpec => ({ kind: "constant", value });

/** Sessions from outside that each bring one transaction and go: the open pools of theory. */
export function openKind(gap: DistributionSpec, service: DistributionSpec): ClientKind {
  return {
    name: "clients",
    database: "app",
    user: "app",
    arrivals: { gap },
    session: { transactions: times(1), away: constant(0) },
    think: constant(0),
    transaction: { statements: times(1), service, gap: constant(0) },
  };
}

/** Clients who are always connected: they think, then need a server. */
export function closedKind(
  count: number,
  think: DistributionSpec,
  service: DistributionSpec,
): ClientKind {
  const { arrivals: _, ...kind } = openKind(constant(0), service);
  return { ...kind, count, session: { transactions: "forever", away: constant(0) }, think };
}

/** Closed clients who connect for one transaction and are away in between. */
export function visitingKind(
  count: number,
  away: DistributionSpec,
  service: DistributionSpec,
): ClientKind {
  const kind = closedKind(count, constant(0), service);
  return { ...kind, session: { transactions: times(1), away } };
}

/** Connections are opened early, kept for ever and never checked; nobody gives up or is refused. */
const CALM: Partial<CoreSettings> = {
  pool_mode: "transaction",
  max_client_conn: 10_000_000,
  server_lifetime: 1e6 * SECOND,
  server_idle_timeout: 0,
  server_check_query: false,
  query_wait_timeout: 0,
};

/** `servers` connections for the kinds in transaction mode, without network or connection time. */
export function textbook(
  kinds: readonly ClientKind[],
  servers: number,
  settings: Partial<CoreSettings> = {},
): Workload {
  const pool = { default_pool_size: servers, min_pool_size: servers };
  return {
    name: "textbook",
    description: "",
    file: "textbook",
    settings: {
      ...DEFAULTS,
      databases: [{ name: "app" }],
      users: [],
      ...CALM,
      ...pool,
      ...settings,
    },
    clients: [...kinds],
    server: {
      max_connections: 1_000_000,
      connect_time: constant(0),
      memory_per_connection: 10_000_000,
      cpu_share: 1,
    },
    network: { client: 0, server: 0 },
    schedule: [],
    slo: {},
    run: { duration: 60 * SECOND, warmup: "auto", seed: 1, precision: 0.05 },
  };
}
