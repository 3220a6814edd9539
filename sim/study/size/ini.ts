/** The lines of a pgbouncer.ini that say what was recommended. */

import { type CoreSettings, DEFAULTS, SECOND } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { poolsOf } from "../pools.ts";
import { withPoolSize } from "./variants.ts";

/** What a workload may set otherwise than PgBouncer does, beside mode, size and `max_client_conn`. */
const NUMBERS = [
  ...(["min_pool_size", "reserve_pool_size", "max_db_connections"] as const),
  ...(["max_user_connections", "max_db_client_connections"] as const),
  "max_user_client_connections",
] as const;
const SECONDS = [
  ...(["reserve_pool_timeout", "query_wait_timeout", "idle_transaction_timeout"] as const),
  ...(["query_timeout", "transaction_timeout", "client_idle_timeout"] as const),
  ...(["client_login_timeout", "cancel_wait_timeout", "server_lifetime"] as const),
  ...(["server_idle_timeout", "server_connect_timeout", "server_login_retry"] as const),
  "server_check_delay",
] as const;
const SWITCHES = ["server_round_robin", "server_reset_query_always", "server_fast_close"] as const;
/** Queries that are either as they are or empty, which turns them off. */
const QUERIES = ["server_check_query", "server_reset_query"] as const;

/** Mode and size, `max_client_conn`, and whatever else moves the simulation and is not the default. */
export function iniOf(settings: CoreSettings): string {
  const lines = [
    "[pgbouncer]",
    `pool_mode = ${settings.pool_mode}`,
    `default_pool_size = ${settings.default_pool_size}`,
    `max_client_conn = ${settings.max_client_conn}`,
  ];
  for (const name of NUMBERS)
    if (settings[name] !== DEFAULTS[name]) lines.push(`${name} = ${settings[name]}`);
  for (const name of SECONDS)
    if (settings[name] !== DEFAULTS[name]) lines.push(`${name} = ${settings[name] / SECOND}`);
  for (const name of SWITCHES)
    if (settings[name] !== DEFAULTS[name]) lines.push(`${name} = ${settings[name] ? 1 : 0}`);
  for (const name of QUERIES) if (settings[name] !== DEFAULTS[name]) lines.push(`${name} =`);
  return `${lines.join("\n")}\n`;
}

/** The ini of a workload with pools of `size`, and in comments what of its entries goes before those lines. */
export function iniWithSize(workload: Workload, size: number): string {
  const sized = withPoolSize(workload, size);
  const kept = ownOf(sized, "pool_size").map(
    ([entry, own]) => `; ${entry} keeps pool_size = ${own}`,
  );
  const given = kept.length > 0 ? [] : ownOf(workload, "pool_size");
  const comments = [
    ...ownOf(sized, "pool_mode").map(([entry, mode]) => `; ${entry} keeps pool_mode = ${mode}`),
    ...kept,
    ...given.map(
      ([entry, own]) =>
        `; take pool_size = ${own} out of ${entry}: it would go before default_pool_size`,
    ),
  ];
  return `${iniOf(sized.settings)}${comments.map((line) => `${line}\n`).join("")}`;
}

/** Entries of the pools that clients use which have a setting of their own, each once: `[databases] shop`. */
function ownOf(
  workload: Workload,
  name: "pool_mode" | "pool_size",
): [entry: string, own: string][] {
  const found = poolsOf(workload).flatMap((pool): [string, string][] => {
    const owner = pool.ownerOf(name);
    if (owner === undefined) return [];
    const section = owner === pool.user ? "users" : "databases";
    return [[`[${section}] ${owner.settings.name}`, `${owner.settings[name]}`]];
  });
  return [...new Map(found)];
}
