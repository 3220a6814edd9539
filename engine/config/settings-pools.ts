/** Settings of `[pgbouncer]` for the pools: mode, sizes, limits, care of servers, timeouts. */
import { POOL_MODES } from "../core/settings.ts";
import { choice, flag, quota, quotaTime, text, time } from "./kinds.ts";
import { setting } from "./setting.ts";

const main = "PgBouncer's main branch of 2026-07-10; not in 1.25.2";

export const POOL_SETTINGS = {
  pool_mode: setting(
    choice(...POOL_MODES),
    "session",
    "When a server connection goes back to its pool: after the session, transaction or statement.",
  ),

  default_pool_size: setting(
    quota(),
    "20",
    "Most server connections of a pool, which is one database and user; 0 = no limit.",
  ),
  min_pool_size: setting(
    quota(),
    "0",
    "Server connections kept open in a pool that is in use, even when idle.",
  ),
  reserve_pool_size: setting(
    quota(),
    "0",
    "Extra server connections of a pool whose clients wait too long.",
  ),
  reserve_pool_timeout: setting(
    time,
    "5",
    "Wait of the oldest client after which the reserve opens; 0 = never.",
  ),

  max_client_conn: setting(
    quota(),
    "100",
    "Most client connections of the whole pooler; one more is refused.",
  ),
  max_db_client_connections: setting(
    quota(),
    "0",
    "Most client connections of one database; 0 = no limit.",
  ),
  max_db_connections: setting(
    quota(),
    "0",
    "Most server connections of one database over all its pools; 0 = no limit.",
  ),
  max_user_client_connections: setting(
    quota(),
    "0",
    "Most client connections of one user; 0 = no limit.",
  ),
  max_user_connections: setting(
    quota(),
    "0",
    "Most server connections of one user over all pools; 0 = no limit.",
  ),

  server_round_robin: setting(
    flag,
    "0",
    "Reuse the server that has been idle longest, not the one used last.",
  ),
  server_lifetime: setting(
    time,
    "3600",
    "Age at which a server connection is closed once it is free; 0 = after one use.",
  ),
  server_idle_timeout: setting(
    time,
    "600",
    "Idle time after which a server connection is closed; 0 = never.",
  ),
  server_connect_timeout: setting(
    time,
    "15",
    "Longest time for connecting and logging in to a server.",
  ),
  server_login_retry: setting(
    time,
    "15",
    "Pause between attempts while a server cannot be reached.",
  ),
  server_check_delay: setting(
    time,
    "30",
    "Idle time after which a server is checked before its next use; 0 = always.",
  ),
  server_check_query: setting(
    text,
    "<empty>",
    "Query of that check; `<empty>` sends an empty query, nothing means no check.",
  ),
  server_reset_query: setting(
    text,
    "DISCARD ALL",
    "Query that cleans a server when a session leaves it; nothing means none.",
  ),
  server_reset_query_always: setting(flag, "0", "Send the reset query in every pool mode."),
  server_fast_close: setting(
    flag,
    "0",
    "In session mode, close an outdated server at the end of its transaction.",
  ),
  max_prepared_statements: setting(
    quota(),
    "200",
    "Named prepared statements kept per server in transaction and statement mode; 0 = off, below 0 = no limit.",
  ),

  query_wait_timeout: setting(
    time,
    "120",
    "Longest wait for a server, then the client is disconnected; 0 = no limit.",
  ),
  query_wait_notify: setting(
    quotaTime,
    "5",
    "Wait after which a client is told that it is queued; 0 = never.",
  ),
  query_timeout: setting(time, "0", "Longest query, waiting included; 0 = no limit."),
  transaction_timeout: setting(time, "0", "Longest transaction, waiting included; 0 = no limit."),
  idle_transaction_timeout: setting(
    time,
    "0",
    "Longest idle time inside a transaction; 0 = no limit.",
  ),
  client_idle_timeout: setting(
    time,
    "0",
    "Longest silence of a client without a server; 0 = no limit.",
  ),
  client_login_timeout: setting(time, "60", "Longest login of a client; 0 = no limit."),
  cancel_wait_timeout: setting(
    time,
    "10",
    "Longest wait of a cancel request for its connection; 0 = no limit.",
  ),
  suspend_timeout: setting(
    time,
    "10",
    "How long SUSPEND waits for buffers to empty before it drops connections.",
  ),
  pool_idle_timeout: setting(
    time,
    "0",
    "Time after which a pool without clients and servers is forgotten; 0 = never.",
    { source: main },
  ),
  autodb_idle_timeout: setting(
    time,
    "3600",
    "Time after which an unused database made from the `*` entry is forgotten.",
  ),
};
