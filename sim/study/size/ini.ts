/** The lines of a pgbouncer.ini that say what was recommended. */
import { type CoreSettings, DEFAULTS, SECOND } from "../../../engine/core/index.ts";

/** Sizes and timeouts beside the pool's size that a workload sets otherwise than PgBouncer does. */
const NUMBERS = [
  "min_pool_size",
  "reserve_pool_size",
  "max_db_connections",
  "max_user_connections",
] as const;
const SECONDS = ["reserve_pool_timeout", "query_wait_timeout", "idle_transaction_timeout"] as const;

/** Mode and size, `max_client_conn`, and whatever else of sizes and timeouts is not the default. */
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
  return `${lines.join("\n")}\n`;
}
