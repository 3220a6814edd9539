/**
 * What the log says with `verbose` of 1 (DEBUG) and 2 (NOISE): of the lines that PgBouncer has then, those by
 * which an operator sees who waits for what, and why no server is opened. Asked for nothing unless it is on.
 */
import type { Nanos, Pool } from "../../core/index.ts";
import * as scheduler from "../../core/index.ts";
import type { Startup } from "../../wire/startup.ts";
import type { Level } from "../system/log.ts";
import { type Identity, place } from "./identity.ts";
import type { DebuggingRole, Guest, HostRole, ServerRole } from "./roles.ts";

const { EFFECT, OBSTACLE, REASON, SECOND, STATUS } = scheduler;
const MICROSECOND = 1_000;

export class Debugging implements DebuggingRole {
  private readonly host: HostRole;
  /** Handles of clients that have been seen to wait. */
  private readonly waiting = new Set<number>();

  constructor(host: HostRole) {
    this.host = host;
  }

  /** Is anything of this to be told? */
  get on(): boolean {
    return this.host.log.verbose > 0;
  }

  // --- of the scheduler ------------------------------------------------------------------------------

  /** An effect of the core: `open` when it has been carried out, the others before they are. */
  tell(kind: number, client: number, server: number, detail: number): void {
    const { clients, entrances, servers } = this.host;
    const guest = clients[client] ?? entrances[client];
    const upstream = servers[server];
    if (guest !== undefined) this.ofClient(kind, guest, upstream, detail);
    if (upstream !== undefined) this.ofServer(kind, upstream, detail);
    if (kind === EFFECT.drop) this.waiting.delete(client);
  }

  private ofClient(kind: number, guest: Guest, server: ServerRole | undefined, why: number): void {
    const { identity, handle } = guest;
    if (kind === EFFECT.wait) {
      this.waiting.add(handle);
      if (why === REASON.login) this.plain("finish_client_login: no welcome message, pause");
      this.debug("pause_client", identity);
      if (why === REASON.no_idle_server) this.obstacle(this.host.core.clientPool(handle));
    } else if (kind === EFFECT.grant || kind === EFFECT.welcome) {
      if (this.waiting.delete(handle)) this.debug("activate_client", identity);
      if (kind === EFFECT.welcome) {
        this.noise("P: welcome_client", identity);
        this.debug("logged in", identity);
      } else if (server !== undefined)
        this.noise(`linking client to S-${server.identity.pointer}`, identity);
    }
  }

  private ofServer(kind: number, { identity, pool }: ServerRole, detail: number): void {
    const { values } = this.host;
    switch (kind) {
      case EFFECT.open:
        if (detail === REASON.min_pool_size)
          this.plain("launching new connection to satisfy min_pool_size");
        if (detail === REASON.cancel && pool.peer === 0)
          this.plain("launch_new_connection: bypass pool limitations for cancel request");
        this.debug("launching new connection to server", identity);
        return;
      case EFFECT.login:
        this.debug("S: connect ok", identity);
        this.noise("P: startup", identity);
        return;
      case EFFECT.cancel:
        this.debug("S: connect ok", identity);
        this.debug("use it for pending cancel req", identity);
        return;
      case EFFECT.reset:
        this.debug(`resetting: ${values.server_reset_query}`, identity);
        return;
      case EFFECT.check:
        this.debug(`P: checking: ${values.server_check_query}`, identity);
    }
  }

  /** Why a waiter has no connection opened for it just now. */
  private obstacle(pool: Pool): void {
    const { core, now, values } = this.host;
    const { database, user, size, servers } = pool;
    const say = (why: string): void => this.plain(`launch_new_connection: ${why}`);
    switch (core.obstacle(pool)) {
      case OBSTACLE.login:
        say("already progress");
        return;
      case OBSTACLE.retry: {
        const wait = seconds(pool.last_connect_time + values.server_login_retry - now);
        say(`last failed, not launching new connection yet, still waiting ${wait} s`);
        return;
      }
      case OBSTACLE.full:
        say(`pool full (${servers} >= ${size})`);
        return;
      case OBSTACLE.database: {
        const { connections, settings } = database;
        say(`database '${settings.name}' full (${connections} >= ${pool.max_db_connections})`);
        return;
      }
      case OBSTACLE.user: {
        const { connections, settings } = user;
        say(`user '${settings.name}' full (${connections} >= ${pool.max_user_connections})`);
      }
    }
  }

  /** A server is about to be told of as ready: the query of its client has ended, and perhaps a transaction. */
  times({ client, relay }: ServerRole): void {
    if (client === undefined) return;
    const { core, now } = this.host;
    const ended = (what: string, start: Nanos): void => {
      if (start < 0) return;
      this.debug(`${what} time: ${Math.floor((now - start) / MICROSECOND)} us`, client.identity);
    };
    ended("query", core.queryStart(client.handle));
    if (relay.status === STATUS.idle) ended("transaction", core.transactionStart(client.handle));
  }

  // --- of connections ----------------------------------------------------------------------------------

  /** A connection has come in. */
  accepted({ identity, channel }: Guest): void {
    const { address, port, localAddress, localPort } = identity;
    const way = `${place(address, port)} -> ${place(localAddress, localPort)}`;
    this.debug(`P: got connection: ${channel.unix ? "unix->unix" : way}`, identity);
  }

  /** A startup packet has been read. */
  startup({ user, database, variables, options, ignored }: Startup, identity: Identity): void {
    for (const [name, value] of [["user", user], ["database", database], ...variables.entries()]) {
      if (name === "application_name") this.debug(`using application_name: ${value}`, identity);
      else this.debug(`got var: ${name}=${value}`, identity);
    }
    if (options !== undefined) this.debug(`received options: ${options}`, identity);
    for (const [name, value] of ignored)
      this.debug(`ignoring startup parameter: ${name}=${value}`, identity);
  }

  /** A server is logged in to. */
  loggedIn(parameters: readonly (readonly [string, string])[], identity: Identity): void {
    for (const [name, value] of parameters) this.debug(`S: param: ${name} = ${value}`, identity);
    this.debug("server login ok, start accepting queries", identity);
  }

  /** auth_query has found the user. */
  lookedUp(user: string, identity: Identity): void {
    this.debug(`successfully parsed auth_query response for user ${user}`, identity);
  }

  /** A command on the console. */
  asked(sql: string): void {
    this.plain(`got admin query: ${sql}`);
  }

  // -------------------------------------------------------------------------------------------------------

  private debug(text: string, identity: Identity): void {
    this.say("DEBUG", text, identity.label);
  }

  private noise(text: string, identity: Identity): void {
    this.say("NOISE", text, identity.label);
  }

  private plain(text: string): void {
    this.say("DEBUG", text);
  }

  private say(level: Level, text: string, about?: string): void {
    if (this.on) this.host.log.write(level, text, about);
  }
}

const seconds = (time: Nanos): number => Math.floor(time / SECOND);
