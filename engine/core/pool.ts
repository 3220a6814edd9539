/**
 * A pool: the clients and servers of one (database, server user). Here are its lists, its counters and
 * its settings with the overrides resolved; the rules are in `matching.ts`, `launching.ts`, `upkeep.ts`.
 */
import { REASON } from "./reasons.ts";
import { List } from "./records.ts";
import type { CoreSettings, DatabaseSettings, PoolMode, UserSettings } from "./settings.ts";
import { SERVER } from "./states.ts";
import { STAT_NAMES } from "./statistics.ts";
import { type Nanos, SECOND, START } from "./units.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** A database entry with what is counted for it. */
export class Database {
  paused = false;
  disabled = false;
  /** A PAUSE of this entry, or a WAIT_CLOSE, has not been reported as done yet. */
  pausing = false;
  wait_close = false;
  /** Server connections of all its pools, connecting and cancelling ones included. */
  connections = 0;
  clients = 0;
  /** Of an automatic one: the first tick at which nobody used it; -1: it is in use. */
  unused_since: Nanos = -1;
  readonly id: number;
  settings: DatabaseSettings;
  /** Made from the `*` entry. */
  automatic: boolean;

  constructor(id: number, settings: DatabaseSettings, automatic: boolean) {
    this.id = id;
    this.settings = settings;
    this.automatic = automatic;
  }
}

/** A user with what is counted for it. */
export class User {
  /** Server connections that are logged in (or logging in) as this user. */
  connections = 0;
  clients = 0;
  readonly id: number;
  settings: UserSettings;

  constructor(id: number, settings: UserSettings) {
    this.id = id;
    this.settings = settings;
  }
}

export class Pool {
  readonly waiting = new List();
  readonly waiting_cancel = new List();
  readonly idle = new List();
  readonly used = new List();
  readonly tested = new List();
  /** Servers that have no list because nothing is looked up in them: how many there are. */
  active = 0;
  login = 0;
  being_canceled = 0;
  active_cancel = 0;
  /** All its servers, whatever their state. Source: PgBouncer 1.25.2 pool_server_count(). */
  servers = 0;
  /** Clients of the pool that are neither waiting nor cancel requests. */
  clients = 0;
  clients_active_cancel = 0;

  /** The parameters of its servers are known, so that clients can be welcomed without one. */
  welcome_known = false;
  last_login_failed = false;
  last_connect_failed = false;
  last_connect_time: Nanos = START;
  /** When it was last seen in use, for pool_idle_timeout. */
  last_active: Nanos = START;
  last_lifetime_close: Nanos = Number.NEGATIVE_INFINITY;
  /** False once a waiter has been queued behind younger ones: ages then do not fall along the queue. */
  ordered = true;

  readonly stats = new Float64Array(STAT_NAMES.length);

  // Settings with the overrides resolved; `resolve` sets them.
  mode: PoolMode = "session";
  size = 0;
  min_size = 0;
  reserve_size = 0;
  max_db_connections = 0;
  max_user_connections = 0;
  server_lifetime: Nanos = 0;
  query_wait_timeout: Nanos = 0;
  query_timeout: Nanos = 0;
  transaction_timeout: Nanos = 0;
  idle_transaction_timeout: Nanos = 0;
  /** While it is full: its oldest waiter is looked at again after waiting so long (reserve, notice). */
  look_again: Nanos = 0;
  /** Why a server that is ready goes back: end of transaction or statement; -1: only at the session's end. */
  release_reason = -1;
  /** State of a server after its client: tested (reset it first), used (check it first) or idle. */
  after_use: number = SERVER.idle;
  readonly id: number;
  readonly database: Database;
  readonly user: User;
  /** Its servers log in as the entry's `user=` says, with credentials that no other pool has. */
  readonly forced: boolean;
  /** Number of the peer to which it carries cancel requests, and nothing else; 0: an ordinary pool. */
  readonly peer: number;

  constructor(id: number, database: Database, user: User, forced: boolean, peer = 0) {
    this.id = id;
    this.database = database;
    this.user = user;
    this.forced = forced;
    this.peer = peer;
  }

  /** Servers that are logged in. Source: PgBouncer 1.25.2 pool_connected_server_count(). */
  get connected(): number {
    return (
      this.active + this.being_canceled + this.idle.length + this.tested.length + this.used.length
    );
  }

  /** All its servers are at work, and it may not grow but by its reserve. */
  get full(): boolean {
    const { active, size } = this;
    return active >= size && active === this.servers && size > 0 && this.welcome_known === true;
  }

  /** Its clients, cancel requests left out. Source: PgBouncer 1.25.2 pool_client_count(). */
  get all_clients(): number {
    return this.clients + this.waiting.length;
  }

  /**
   * Whose word holds in it: the user's before the database's; undefined: neither says anything, and the global
   * setting holds. Source: PgBouncer 1.25.2 src/server.c, pool_pool_size() and its neighbours.
   */
  ownerOf(name: "pool_mode" | "pool_size" | "reserve_pool_size"): User | Database | undefined {
    if (this.user.settings[name] !== undefined) return this.user;
    return this.database.settings[name] === undefined ? undefined : this.database;
  }

  /** Takes the settings in PgBouncer's order: see `ownerOf`; timeouts from user, global. */
  resolve(settings: CoreSettings): void {
    const database = this.database.settings;
    const user = this.user.settings;
    this.mode = this.ownerOf("pool_mode")?.settings.pool_mode ?? settings.pool_mode;
    this.size = this.ownerOf("pool_size")?.settings.pool_size ?? settings.default_pool_size;
    this.min_size = database.min_pool_size ?? settings.min_pool_size;
    this.reserve_size =
      this.ownerOf("reserve_pool_size")?.settings.reserve_pool_size ?? settings.reserve_pool_size;
    this.max_db_connections = database.max_db_connections || settings.max_db_connections;
    this.max_user_connections = user.max_user_connections || settings.max_user_connections;
    this.server_lifetime = database.server_lifetime || settings.server_lifetime;
    this.query_wait_timeout = database.query_wait_timeout ?? settings.query_wait_timeout;
    this.query_timeout = user.query_timeout || settings.query_timeout;
    this.transaction_timeout = user.transaction_timeout || settings.transaction_timeout;
    this.idle_transaction_timeout =
      user.idle_transaction_timeout || settings.idle_transaction_timeout;
    this.look_again = Math.min(
      this.reserve_size > 0 ? settings.reserve_pool_timeout || NEVER : NEVER,
      settings.query_wait_notify > 0 ? settings.query_wait_notify + SECOND : NEVER,
    );
    if (this.mode === "session") this.release_reason = -1;
    else
      this.release_reason =
        this.mode === "statement" ? REASON.statement_end : REASON.transaction_end;
    this.after_use = afterUse(settings, this.mode);
  }
}

/** Where a server goes after a client: reset first, check first (server_check_delay = 0), or idle. */
function afterUse(settings: CoreSettings, mode: PoolMode): number {
  const { server_reset_query, server_reset_query_always, server_check_query } = settings;
  if (server_reset_query && (server_reset_query_always || mode === "session")) return SERVER.tested;
  return settings.server_check_delay === 0 && server_check_query ? SERVER.used : SERVER.idle;
}
