/**
 * The scheduler: PgBouncer's rules without its sockets. A host feeds inputs with the time, ends its turn
 * with `settle`, drains `effects`, and calls `advance` when `deadline` has come. The core reads no clock,
 * draws no random number, waits for nothing and allocates nothing per decision.
 *
 * Inputs from the network never throw. An InvariantError is a bug of ours or of the host.
 */
import { adoptClient, adoptServer } from "./adopting.ts";
import { cancel, carryCancel } from "./cancelling.ts";
import { Controls } from "./controls.ts";
import * as effects from "./effects.ts";
import { invariant } from "./errors.ts";
import * as inputs from "./inputs.ts";
import { launch } from "./launching.ts";
import { dropClient } from "./leaving.ts";
import { lookedUp, lookup } from "./lookup.ts";
import * as matching from "./matching.ts";
import { closeServer, endClient, moveClient } from "./moves.ts";
import { cancelAtPeer } from "./peers.ts";
import type { Database, User } from "./pool.ts";
import * as reasons from "./reasons.ts";
import * as records from "./records.ts";
import { closedTo, refusal } from "./refusal.ts";
import { seek } from "./seeking.ts";
import type { CoreSettings } from "./settings.ts";
import * as states from "./states.ts";
import * as turn from "./turn.ts";
import { type Nanos, TICK } from "./units.ts";
import { upkeep } from "./upkeep.ts";
import { type CoreOptions, World } from "./world.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT } = effects;
const { INPUT } = inputs;
const { REASON } = reasons;
const { C, C_COUNTED, C_REPLICATION, CT, S, ST } = records;
const { CLIENT, STATUS } = states;
const { ready, request } = matching;
const { settle } = turn;

export class Core extends Controls {
  /** `now` sets the phase of the maintenance tick: the first comes 333 333 us later. */
  constructor(settings: CoreSettings, now: Nanos = 0, options: CoreOptions = {}) {
    super(new World(settings, now, options));
  }

  // --- names ---------------------------------------------------------------------------------------

  /** Handle of a database; -1: no such entry, and no `*` entry that would make one. */
  database(name: string): number {
    this.tape?.name(INPUT.database, name);
    return this.world.database(name);
  }

  /** Handle of a user name, made at first use. */
  user(name: string): number {
    this.tape?.name(INPUT.user, name);
    return this.world.user(name);
  }

  // --- clients -------------------------------------------------------------------------------------

  /** A socket was accepted. Returns the client's handle; client_login_timeout counts from here. */
  accept(now: Nanos): number {
    this.input(INPUT.accept, now, 0, 0, 0);
    const { clients } = this.world;
    const client = clients.take();
    clients.times[(client << 3) | CT.connect] = now;
    clients.times[(client << 3) | CT.request] = now;
    moveClient(this.world, client, CLIENT.login);
    return client;
  }

  /**
   * The startup packet named a database and a user. False: the client is refused (effect `drop`) by one
   * of the client limits; they never queue.
   * Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(), finish_set_pool().
   */
  startup(now: Nanos, client: number, database: number, user: number): boolean {
    this.input(INPUT.startup, now, client, database, user);
    const world = this.world;
    const ints = world.clients.ints;
    const at = client << 4;
    ints[at | C.database] = database;
    ints[at | C.user] = user;
    const reason = refusal(world, database, user);
    if (reason >= 0) {
      endClient(world, client, reason);
      return false;
    }
    ints[at | C.pool] = world.pool(database, user).id;
    ints[at | C.flags] = C_COUNTED;
    (world.databases[database] as Database).clients++;
    (world.users[user] as User).clients++;
    return true;
  }

  /**
   * After `startup`: the client wants a replication connection. Once it needs a server, one is opened for
   * it alone (effect `login` names both), stays with it whatever the pool's mode, and is closed after it.
   * Source: PgBouncer 1.25.2 find_server(), send_startup_packet(), release_server().
   */
  replicate(now: Nanos, client: number): void {
    this.input(INPUT.replicate, now, client, 0, 0);
    const at = (client << 4) | C.flags;
    this.world.clients.ints[at] = (this.world.clients.ints[at] as number) | C_REPLICATION;
    this.world.replications++;
    this.world.held++;
  }

  /**
   * Before `startup`: the client's secret must be looked up in `database` as `user`. Effect `grant` of a
   * server of that pool on which to ask, `wait` or `drop`; then `lookedUp`.
   */
  lookup(now: Nanos, client: number, database: number, user: number): void {
    this.input(INPUT.lookup, now, client, database, user);
    lookup(this.world, client, database, user);
  }

  /** The server has answered the look-up and is free again; the client goes on with `startup`. */
  lookedUp(now: Nanos, client: number): void {
    this.input(INPUT.lookedUp, now, client, 0, 0);
    lookedUp(this.world, client);
  }

  /**
   * The client has proved who it is. Effect `welcome`, or it waits for the first server of its pool,
   * whose parameters the welcome must name; or `drop`: DISABLE, or a shutdown.
   * Source: PgBouncer 1.25.2 finish_client_login().
   */
  authenticated(now: Nanos, client: number): void {
    this.input(INPUT.authenticated, now, client, 0, 0);
    const world = this.world;
    const pool = matching.poolOfClient(world, client);
    const closed = closedTo(world, pool.database);
    if (closed >= 0) {
      endClient(world, client, closed);
      return;
    }
    world.clients.times[(client << 3) | CT.request] = now;
    matching.countLogin(pool);
    if (pool.welcome_known) {
      moveClient(world, client, CLIENT.active);
      matching.welcome(world, client);
      return;
    }
    moveClient(world, client, CLIENT.waiting_login);
    world.effects.push(EFFECT.wait, client, -1, REASON.login);
    if (!world.paused) launch(world, pool, REASON.welcome, true);
  }

  /**
   * The first packet of a query or batch, also inside a transaction. Returns the server that is linked
   * already, else -1 and there is an effect: `grant`, `wait` or `drop`.
   */
  request(now: Nanos, client: number): number {
    this.step(INPUT.request, now, client, 0, 0);
    return request(this.world, client);
  }

  /** A client that has a server has gone on sending: client_idle_timeout counts from its last message. */
  heard(now: Nanos, client: number): void {
    this.step(INPUT.heard, now, client, 0, 0);
    this.world.clients.times[(client << 3) | CT.request] = now;
  }

  /**
   * A waiter looks whether a server is idle. True: it has one (effect `grant`). For disciplines that tell
   * waiters to; it has no place in a journal, for the pooler has no such discipline.
   */
  seek(now: Nanos, client: number): boolean {
    invariant(this.tape === null, "seek: not under PgBouncer's discipline");
    this.world.now = now;
    return seek(this.world, client);
  }

  /** Instead of using a `grant`: the client had gone while it waited. Frees its handle. */
  abandon(now: Nanos, client: number): void {
    this.input(INPUT.abandon, now, client, 0, 0);
    matching.abandon(this.world, client);
  }

  /**
   * The client's socket has ended. Its server is released if it is ready for the next client, closed
   * otherwise. Source: PgBouncer 1.25.2 disconnect_client_sqlstate().
   */
  disconnect(now: Nanos, client: number): void {
    this.input(INPUT.disconnect, now, client, 0, 0);
    dropClient(this.world, client, -1);
  }

  /**
   * `client`, fresh from `accept`, asks to cancel the query of `target` (-1: no such key). Opens a
   * connection for it at once, up to twice the pool size and past every other limit.
   * Source: PgBouncer 1.25.2 accept_cancel_request().
   */
  cancel(now: Nanos, client: number, target: number): void {
    this.input(INPUT.cancel, now, client, target, 0);
    cancel(this.world, client, target);
  }

  /** The same for a query that runs at `peer`, a number of `[peers]`. Effect `cancel` without a target. */
  cancelAtPeer(now: Nanos, client: number, peer: number): void {
    this.input(INPUT.cancelAtPeer, now, client, peer, 0);
    cancelAtPeer(this.world, client, peer);
  }

  // --- servers -------------------------------------------------------------------------------------

  /** The socket of an opened server is connected: a queued cancel goes first, else it logs in. */
  connected(now: Nanos, server: number): void {
    this.input(INPUT.connected, now, server, 0, 0);
    const world = this.world;
    const pool = matching.poolOfServer(world, server);
    if (carryCancel(world, pool, server)) return;
    world.effects.push(EFFECT.login, matching.dedicate(world, pool, server), server, -1);
  }

  /** The server's login is complete: its parameters are known, and it counts as released. */
  loggedIn(now: Nanos, server: number): void {
    this.input(INPUT.loggedIn, now, server, 0, 0);
    const world = this.world;
    const pool = matching.poolOfServer(world, server);
    pool.last_login_failed = false;
    pool.last_connect_failed = false;
    pool.welcome_known = true;
    world.servers.ints[(server << 4) | S.status] = STATUS.idle;
    world.servers.times[(server << 3) | ST.request] = now;
    matching.release(world, server, -1);
  }

  /**
   * The connection could not be made, or ended before its login did. `fatal`: the server answered with
   * an error other than 57P03; waiters are then told so, if the pool has no other server or has never
   * had one. A replication connection takes only its own client with it: others may well log in.
   * Source: PgBouncer 1.25.2 src/server.c, handle_server_startup(), kill_pool_logins().
   */
  loginFailed(now: Nanos, server: number, fatal: boolean): void {
    this.input(INPUT.loginFailed, now, server, fatal ? 1 : 0, 0);
    const world = this.world;
    const pool = matching.poolOfServer(world, server);
    const dedicated = (world.servers.ints[(server << 4) | S.client] as number) >= 0;
    closeServer(world, server, -1, REASON.login_failed);
    if (dedicated || !fatal || (pool.connected > 0 && pool.welcome_known)) return;
    while (pool.waiting.head >= 0) endClient(world, pool.waiting.head, REASON.server_error);
  }

  /**
   * ReadyForQuery with every answer given and flushed; `status` is STATUS.idle, transaction or failed.
   * Also the answer to a reset or a check. Ends the query's and the transaction's time, and releases the
   * server as the pool mode says. Source: PgBouncer 1.25.2 src/server.c, handle_server_work().
   */
  ready(now: Nanos, server: number, status: number): void {
    this.step(INPUT.ready, now, server, status, 0);
    ready(this.world, server, status);
  }

  /** The server's socket has ended by itself; a linked client is told "server conn crashed?". */
  closed(now: Nanos, server: number): void {
    this.input(INPUT.closed, now, server, 0, 0);
    closeServer(this.world, server, -1, REASON.server_gone);
  }

  // --- from another process ------------------------------------------------------------------------

  /** After `startup`: the client has been in before, in the process that hands it over. */
  adoptClient(now: Nanos, client: number): void {
    this.input(INPUT.adoptClient, now, client, 0, 0);
    adoptClient(this.world, client);
  }

  /** A logged-in server: linked to `client`, busy, or (-1) idle in the pool of `database` and `user`. */
  adoptServer(now: Nanos, client: number, database: number, user: number): number {
    this.input(INPUT.adoptServer, now, client, database, user);
    return adoptServer(this.world, client, database, user);
  }

  // --- time ----------------------------------------------------------------------------------------

  /**
   * Ends a turn: waiters meet idle servers, connections are opened. Call it after each batch of inputs.
   * True: there is more to do at once than the effects should hold; drain them and call it again.
   */
  settle(now: Nanos): boolean {
    this.step(INPUT.settle, now, 0, 0, 0);
    if (now < this.world.calm_until) return false;
    settle(this.world);
    return this.world.unfinished;
  }

  /** Before this time `settle` need not be called: it would do nothing, and no journal wants to see it. */
  get calm_until(): Nanos {
    return this.tape === null ? this.world.calm_until : 0;
  }

  /** When `advance` is due: the next maintenance tick. */
  deadline(): Nanos {
    return this.world.next_tick;
  }

  /** Runs the maintenance tick if it is due; a turn of its own, to be followed by `settle`. */
  advance(now: Nanos): void {
    const world = this.world;
    if (now < world.next_tick) return;
    this.input(INPUT.advance, now, 0, 0, 0);
    const missed = Math.floor((now - world.next_tick) / TICK);
    world.next_tick += (missed + 1) * TICK;
    upkeep(world);
  }
}
