/**
 * What can be seen of the core without moving it: for SHOW, for hosts and for tests. Reading is free of
 * effects, so none of it is written to a journal.
 */
import type { EffectQueue } from "./effects.ts";
import { obstacle } from "./launching.ts";
import { poolOfClient, poolOfServer } from "./matching.ts";
import type { Database, Pool, User } from "./pool.ts";
import { C, CT, S, ST } from "./records.ts";
import { refusal } from "./refusal.ts";
import type { CoreSettings } from "./settings.ts";
import type { Nanos } from "./units.ts";
import type { World } from "./world.ts";

export class Views {
  /** What is to be done; drain it at the end of each turn. */
  readonly effects: EffectQueue;
  protected readonly world: World;

  constructor(world: World) {
    this.world = world;
    this.effects = world.effects;
  }

  /** The settings in force. */
  get settings(): CoreSettings {
    return this.world.settings;
  }

  /** All pools, in the order of (database, user). */
  get pools(): readonly Pool[] {
    return this.world.sorted;
  }

  /** A pool by its handle, also one that was forgotten in this turn. */
  poolAt(handle: number): Pool {
    return this.world.pools[handle] as Pool;
  }

  /** A database by its handle, also one that was forgotten in this turn. */
  databaseAt(handle: number): Database {
    return this.world.databases[handle] as Database;
  }

  /** The pools for cancel requests to peers, by number. */
  get peers(): readonly Pool[] {
    return this.world.peers;
  }

  /** All databases, by name. */
  get databases(): readonly Database[] {
    return this.world.entries;
  }

  get users(): readonly User[] {
    return this.world.users;
  }

  /** Which limit would refuse another client of this database and user; -1: none. See `refusal`. */
  refusalOf(database: number, user: number): number {
    return refusal(this.world, database, user);
  }

  /** PAUSE of everything is on. */
  get paused(): boolean {
    return this.world.paused;
  }

  /** Clients connected, logins and cancel requests included. */
  get clientCount(): number {
    return this.world.clients.used;
  }

  /** Servers of all pools, connecting ones included. */
  get serverCount(): number {
    return this.world.servers.used;
  }

  /** The pool that a client (after `startup`) belongs to. */
  clientPool(client: number): Pool {
    return poolOfClient(this.world, client);
  }

  serverPool(server: number): Pool {
    return poolOfServer(this.world, server);
  }

  /** Why no server connection would be opened for the waiters of a pool: a number of OBSTACLE. */
  obstacle(pool: Pool): number {
    return obstacle(this.world, pool);
  }

  /** State of a client: a number of CLIENT. */
  clientState(client: number): number {
    return this.world.clients.ints[client << 4] as number;
  }

  /** State of a server: a number of SERVER. */
  serverState(server: number): number {
    return this.world.servers.ints[server << 4] as number;
  }

  /** The server linked to a client, or -1. */
  serverOf(client: number): number {
    return this.world.clients.ints[(client << 4) | C.server] as number;
  }

  /** The client linked to a server, or -1. */
  clientOf(server: number): number {
    return this.world.servers.ints[(server << 4) | S.client] as number;
  }

  /** True: RECONNECT or RELOAD has marked this server to be closed. */
  closeNeeded(server: number): boolean {
    return this.world.servers.ints[(server << 4) | S.close_needed] === 1;
  }

  /** When the client's running query began to wait or run; -1: it has none. For SHOW. */
  queryStart(client: number): Nanos {
    return this.world.clients.times[(client << 3) | CT.query] as number;
  }

  /** When the client's transaction began to wait or run; -1: it is in none. */
  transactionStart(client: number): Nanos {
    return this.world.clients.times[(client << 3) | CT.xact] as number;
  }

  /** When the client asked last. */
  clientRequestTime(client: number): Nanos {
    return this.world.clients.times[(client << 3) | CT.request] as number;
  }

  /** When a server answered last. */
  serverRequestTime(server: number): Nanos {
    return this.world.servers.times[(server << 3) | ST.request] as number;
  }
}
