/** SHOW POOLS. Source: PgBouncer 1.25.2 src/admin.c, admin_show_pools(). */
import type { Nanos, Pool } from "../core/index.ts";
import { columns, type Value } from "./table.ts";

/** Its columns. */
export const POOL_COLUMNS = columns(
  "database t, user t, cl_active i, cl_waiting i, cl_active_cancel_req i, cl_waiting_cancel_req i, " +
    "sv_active i, sv_active_cancel i, sv_being_canceled i, sv_idle i, sv_used i, sv_tested i, " +
    "sv_login i, maxwait i, maxwait_us i, pool_mode t, load_balance_hosts t",
);

/** What a row asks the core. */
interface Queries {
  /** When a client's running query began to wait or run; -1: it has none. */
  queryStart(client: number): Nanos;
}

/** The row of one pool. `maxwait` is that of the head of the queue, and 0 before its first query. */
export function poolRow(core: Queries, now: Nanos, pool: Pool, load_balance: Value): Value[] {
  const since = pool.waiting.head < 0 ? -1 : core.queryStart(pool.waiting.head);
  const micros = since < 0 ? 0 : Math.floor((now - since) / 1_000);
  return [
    pool.database.settings.name,
    pool.user.settings.name,
    pool.clients,
    pool.waiting.length,
    pool.clients_active_cancel,
    pool.waiting_cancel.length,
    pool.active,
    pool.active_cancel,
    pool.being_canceled,
    pool.idle.length,
    pool.used.length,
    pool.tested.length,
    pool.login,
    Math.floor(micros / 1_000_000),
    micros % 1_000_000,
    pool.mode,
    load_balance,
  ];
}
