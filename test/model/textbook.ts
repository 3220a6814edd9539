/** Workloads of the textbook: the pool is warm and its upkeep adds nothing. Times in milliseconds. */
import type { CoreSettings } from "../../engine/core/index.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { closedWorkload, kindOf } from "../study/workload.ts";

export const MS = 1e6;
export const SECOND = 1e9;

export const constant = (ms: number): DistributionSpec => ({ kind: "constant", value: ms * MS });
export const exponential = (ms: number): DistributionSpec => ({
  kind: "exponential",
  mean: ms * MS,
});

/** Sessions from outside that each bring one transaction and go: the open pools of theory. */
export function openKind(gap: DistributionSpec, service: DistributionSpec): ClientKind {
  const kind = kindOf(0, 0, 0);
  return {
    ...kind,
    count: undefined,
    arrivals: { gap },
    session: { transactions: { kind: "constant", value: 1 }, away: constant(0) },
    think: constant(0),
    transaction: { ...kind.transaction, service },
  };
}

/** Changes to a closed population. */
export function closedKind(
  count: number,
  think: DistributionSpec,
  service: DistributionSpec,
): ClientKind {
  const kind = kindOf(count, 1, 1);
  return { ...kind, think, transaction: { ...kind.transaction, service } };
}

/** Connections that are opened early, kept for ever, never checked, and nobody gives up. */
const CALM: Partial<CoreSettings> = {
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
  const plain = closedWorkload(kindOf(1, 1, 1), servers);
  return {
    ...plain,
    clients: [...kinds],
    settings: { ...plain.settings, min_pool_size: servers, ...CALM, ...settings },
  };
}
