/**
 * Why the core opened, closed, queued or refused: one number per reason, PgBouncer's words for it.
 * `text` is what its log and, for dropped clients, its FATAL message say; `sqlstate` is sent with it.
 * Source: PgBouncer 1.25.2 src/objects.c, src/client.c, src/janitor.c.
 */

interface Reason {
  readonly text: string;
  /** SQLSTATE for the client; PgBouncer uses 08P01 for its own errors. */
  readonly sqlstate: string;
  /** True: the client is told. False: its socket is closed without a word. */
  readonly told: boolean;
}

const told = (text: string, sqlstate = "08P01"): Reason => ({ text, sqlstate, told: true });
const silent = (text: string): Reason => ({ text, sqlstate: "", told: false });

const TABLE = {
  // Why a server is opened.
  demand: silent("a client waits"),
  welcome: silent("the pool does not know its server's parameters yet"),
  min_pool_size: silent("below min_pool_size"),
  reserve: silent("taking connection from reserve_pool"),
  cancel: silent("a cancel request waits"),
  retry: silent("server login has been failing"),
  // Why a client waits.
  no_idle_server: silent("no idle server"),
  paused: silent("paused"),
  login: silent("waiting for the first server of the pool"),
  // Why a server is released.
  transaction_end: silent("transaction finished"),
  statement_end: silent("statement finished"),
  session_end: silent("client disconnected"),
  client_gone: silent("the waiting client had gone"),
  // Why a server is closed.
  server_lifetime: silent("server lifetime over"),
  server_idle_timeout: silent("server idle timeout"),
  close_needed: silent("close_needed"),
  obsolete: silent("obsolete connection"),
  dirty: silent("idle server got dirty"),
  changed: told("database configuration changed"),
  reconnect: told("connect string changed"),
  evicted: silent("evicted"),
  pause_mode: told("pause mode"),
  too_many: silent("too many servers in the pool"),
  connect_timeout: told("connect timeout"),
  connect_failed: silent("connect failed"),
  login_failed: told("login failed"),
  server_gone: told("server conn crashed?", "08P01"),
  not_ready: silent("client disconnect while server was not ready"),
  check_failed: silent("test query failed"),
  reset_failed: silent("reset query failed"),
  cancel_sent: silent("cancel request sent"),
  cancel_given_up: silent(
    "client gave up on cancel request, so we also give up forwarding to server",
  ),
  query_timeout: told("query timeout"),
  transaction_timeout: told("transaction timeout"),
  idle_transaction_timeout: told("idle transaction timeout"),
  statement_mode: told("transaction blocks not allowed in statement pooling mode"),
  // Why a client is dropped.
  max_client_conn: told("no more connections allowed (max_client_conn)"),
  max_db_client_connections: told("client connections exceeded (max_db_client_connections)"),
  max_user_client_connections: told("client connections exceeded (max_user_client_connections)"),
  query_wait_timeout: told("query_wait_timeout"),
  waiting_query_timeout: told("query_timeout"),
  client_idle_timeout: told("client_idle_timeout"),
  client_login_timeout: told("client_login_timeout"),
  login_server_down: told("client_login_timeout (server down)"),
  server_login_retry: told(
    "server login has been failing, cached error: connect failed (server_login_retry)",
  ),
  /** The host replaces the text and SQLSTATE by those that the server sent. */
  server_error: told("server login failed"),
  disabled: told("database is disabled", "08P01"),
  shutting_down: told("pooler is shutting down"),
  server_shutting_down: told("server shutting down"),
  killed: told("database removed"),
  admin_kill: told("admin forced disconnect"),
  cancel_idle: silent("cancel request for idle client"),
  cancel_wait_timeout: silent("cancel_wait_timeout"),
  cancel_done: silent("successfully sent cancel request"),
  cancel_late: silent("not sending cancel request for client that is now idle"),
  // Newer ones stand at the end: a journal holds the numbers.
  replication: silent("a replication client needs a server of its own"),
  replication_closed: silent("replication client was closed"),
  cancel_no_peer: silent("could not find peer to forward request to"),
  idle_dirty: silent("SV_IDLE server got dirty"),
  used_dirty: silent("SV_USED server got dirty"),
  suspend_unsafe: silent("close unsafe file descriptors on suspend"),
  suspend_timeout: told("suspend_timeout"),
  peer_removed: silent("peer removed"),
} as const;

export type ReasonName = keyof typeof TABLE;

/** The reasons by number, as they stand in effects. */
export const REASON_NAMES = Object.keys(TABLE) as ReasonName[];
export const REASONS: readonly Reason[] = Object.values(TABLE);

/** Number of each reason by its name: `REASON.evicted`. */
export const REASON = Object.fromEntries(
  REASON_NAMES.map((name, number) => [name, number]),
) as Record<ReasonName, number>;
