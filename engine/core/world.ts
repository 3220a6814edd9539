/**
 * Everything the core remembers, in one place; the rules work on it. Names become integers here:
 * databases, users and pools are created at first use, as PgBouncer does. Databases and pools can be
 * forgotten; their handles are used again.
 */
import type { Discipline } from "./discipline.ts";
import { EffectQueue } from "./effects.ts";
import { Database, Pool, User } from "./pool.ts";
import { type Handles, Records } from "./records.ts";
import type { CoreSettings, DatabaseSettings, PeerSettings } from "./settings.ts";
import { type Nanos, START, TICK } from "./units.ts";

/** How far a shutdown has gone. */
export type Shutdown = "none" | "wait_for_servers" | "wait_for_clients" | "stopped";

/** What a simulation may have otherwise. */
export interface CoreOptions {
  /** Who of those that wait is served next; PgBouncer's rule when left out. */
  discipline?: Discipline | undefined;
  /** Where effects go; several cores may have one queue together. */
  effects?: EffectQueue | undefined;
  /** Handles of clients and servers: cores that have different ones can be told apart by them. */
  handles?: Handles | undefined;
  /** Room for so many clients from the start; there may be more. */
  room?: number | undefined;
}

export class World {
  readonly effects: EffectQueue;
  readonly clients: Records;
  readonly servers: Records;
  /** null: the oldest waiter is served. */
  readonly discipline: Discipline | null;
  /** By handle; what was forgotten stands there until its handle is used again. */
  readonly databases: Database[] = [];
  readonly users: User[] = [];
  /** By handle; what was forgotten stands there until its handle is used again. */
  readonly pools: Pool[] = [];
  /** The databases that there are, by name: the order in which every loop over them runs. */
  readonly entries: Database[] = [];
  /** The pools that there are, by (database name, user name): the order of every loop over pools. */
  readonly sorted: Pool[] = [];
  /** Pools for the cancel requests of peers, by number; they are in no other list. */
  readonly peers: Pool[] = [];
  private readonly database_ids = new Map<string, number>();
  private readonly user_ids = new Map<string, number>();
  private readonly pool_ids = new Map<number, number>();
  /** Handles of what was forgotten. */
  private readonly spare_databases: number[] = [];
  private readonly spare_pools: number[] = [];

  settings: CoreSettings;
  /** PAUSE of everything. */
  paused = false;
  /** A PAUSE of everything has not been reported as done yet. */
  pausing = false;
  /** Things in force that bar clients: pauses, WAIT_CLOSEs, a shutdown, replication clients. */
  held = 0;
  shutdown: Shutdown = "none";
  /** Clients that have not finished their login. */
  logins = 0;
  /** Sessions on the console, which are no clients of ours but for the limits. */
  consoles = 0;
  /** Clients that want replication connections. */
  replications = 0;
  /** Waiters of all pools, cancel requests included: zero lets a turn end at once. */
  waiters = 0;
  /** Time of the input that is being dealt with. */
  now: Nanos = START;
  /**
   * `settle` has nothing to do before: whoever waits does so for a server of a full pool. Every move but
   * those of a plain transaction ends the calm.
   */
  calm_until: Nanos = START;
  /** `settle` has stopped before its end, so that the effects can be drained. */
  unfinished = false;
  next_tick: Nanos = START;
  /** Servers to release at the end of the turn: the last cancel request for each has ended. */
  readonly releasable: number[] = [];
  /** Some `[users]` entry sets a timeout, so looking at the global one is not enough. */
  user_timeouts = false;
  user_wait_timeouts = false;
  user_idle_timeouts = false;

  constructor(settings: CoreSettings, now: Nanos, options: CoreOptions = {}) {
    this.settings = settings;
    this.effects = options.effects ?? new EffectQueue();
    this.clients = new Records(options.room ?? 64, options.handles);
    this.servers = new Records(64, options.handles);
    this.discipline = options.discipline ?? null;
    this.now = now;
    this.next_tick = now + TICK;
    this.adopt(settings);
  }

  /** Everybody who is connected, as max_client_conn counts. Source: get_active_client_count(). */
  get connected(): number {
    return this.clients.used + this.consoles;
  }

  /** Makes `settings` those in force: known entries change, new ones appear, none goes. */
  adopt(settings: CoreSettings): void {
    this.settings = settings;
    const { autodb } = settings;
    for (const entry of this.entries)
      if (entry.automatic && autodb !== undefined)
        entry.settings = { ...autodb, name: entry.settings.name };
    for (const entry of settings.databases) this.adoptEntry(entry);
    for (const user of this.users) user.settings = { name: user.settings.name };
    for (const entry of settings.users) {
      (this.users[this.user(entry.name)] as User).settings = entry;
    }
    const users = settings.users;
    this.user_timeouts = users.some(
      (u) => u.query_timeout || u.transaction_timeout || u.idle_transaction_timeout,
    );
    this.user_wait_timeouts = users.some((u) => u.query_wait_timeout !== undefined);
    this.user_idle_timeouts = users.some((u) => u.client_idle_timeout);
    for (const pool of this.sorted) pool.resolve(settings);
    for (const peer of settings.peers ?? []) this.adoptPeer(peer);
  }

  private adoptPeer({ id, pool_size }: PeerSettings): void {
    let pool = this.peers.find((one) => one.peer === id);
    if (pool === undefined) {
      const handle = this.spare_pools.pop() ?? this.pools.length;
      const entry = new Database(-1, { name: `peer ${id}` }, false);
      pool = new Pool(handle, entry, new User(-1, { name: "" }), false, id);
      this.pools[handle] = pool;
      insert(this.peers, pool, (a, b) => a.peer < b.peer);
    }
    pool.database.settings = { name: `peer ${id}`, pool_size };
    pool.resolve(this.settings);
  }

  /** Forgets a peer. Its pool must be empty. */
  forgetPeer(pool: Pool): void {
    this.peers.splice(this.peers.indexOf(pool), 1);
    this.spare_pools.push(pool.id);
  }

  private adoptEntry(settings: DatabaseSettings): void {
    const known = this.database_ids.get(settings.name);
    if (known === undefined) {
      this.addDatabase(settings, false);
      return;
    }
    const entry = this.databases[known] as Database;
    entry.settings = settings;
    entry.automatic = false;
  }

  /** Handle of a database entry; -1 when there is none and no `*` entry either. */
  database(name: string): number {
    const known = this.database_ids.get(name);
    if (known !== undefined) return known;
    const autodb = this.settings.autodb;
    return autodb === undefined ? -1 : this.addDatabase({ ...autodb, name }, true);
  }

  /** Handle of a user name. */
  user(name: string): number {
    const known = this.user_ids.get(name);
    if (known !== undefined) return known;
    const id = this.users.length;
    const settings = this.settings.users.find((user) => user.name === name) ?? { name };
    this.users.push(new User(id, settings));
    this.user_ids.set(name, id);
    return id;
  }

  /**
   * The pool of a database for a login user; `user=` of the entry wins over the login user, but not over
   * an `own` user of the pooler's.
   */
  pool(database: number, login_user: number, own = false): Pool {
    const entry = this.databases[database] as Database;
    entry.unused_since = -1;
    const forced = own ? undefined : entry.settings.forced_user;
    const user = forced === undefined ? login_user : this.user(forced);
    const known = this.pool_ids.get(keyOf(database, user));
    if (known !== undefined) return this.pools[known] as Pool;
    const id = this.spare_pools.pop() ?? this.pools.length;
    const pool = new Pool(id, entry, this.users[user] as User, forced !== undefined);
    pool.resolve(this.settings);
    pool.last_active = this.now;
    this.pool_ids.set(keyOf(database, user), id);
    this.pools[id] = pool;
    insert(this.sorted, pool, before);
    return pool;
  }

  /** Forgets a pool and all that was counted for it. It must be empty. */
  forgetPool(pool: Pool): void {
    this.sorted.splice(this.sorted.indexOf(pool), 1);
    this.pool_ids.delete(keyOf(pool.database.id, pool.user.id));
    this.spare_pools.push(pool.id);
  }

  private addDatabase(settings: DatabaseSettings, automatic: boolean): number {
    const id = this.spare_databases.pop() ?? this.databases.length;
    const entry = new Database(id, settings, automatic);
    this.databases[id] = entry;
    this.database_ids.set(settings.name, id);
    insert(this.entries, entry, (a, b) => a.settings.name < b.settings.name);
    return id;
  }

  /** Forgets a database. It must have no pool. */
  forgetDatabase(entry: Database): void {
    this.entries.splice(this.entries.indexOf(entry), 1);
    this.database_ids.delete(entry.settings.name);
    this.spare_databases.push(entry.id);
  }
}

const keyOf = (database: number, user: number): number => database * 2 ** 24 + user;

function before(a: Pool, b: Pool): boolean {
  const [x, y] = [a.database.settings.name, b.database.settings.name];
  return x === y ? a.user.settings.name < b.user.settings.name : x < y;
}

/** Puts `item` into its place; quick where things come in order already. */
function insert<Item>(list: Item[], item: Item, comesBefore: (a: Item, b: Item) => boolean): void {
  let at = list.length;
  while (at > 0 && comesBefore(item, list[at - 1] as Item)) at--;
  list.splice(at, 0, item);
}
