/**
 * What the parts of the pooler see of each other. The host knows clients, servers and consoles, and they
 * know it; with these interfaces in between, imports point one way.
 */
import type { Values } from "../../config/index.ts";
import type { Core, Nanos, Pool } from "../../core/index.ts";
import type { Averages, Counted } from "../../show/averages.ts";
import type { AuthQuery, AuthQueryResult } from "../../wire/auth-query.ts";
import type { StatementTable } from "../../wire/prepared.ts";
import type { ClientRelay, ServerRelay } from "../../wire/relay.ts";
import type { Startup } from "../../wire/startup.ts";
import type { Channel } from "../sockets/channel.ts";
import type { DoorsRole } from "../sockets/doors.ts";
import type { Resolver } from "../sockets/resolver.ts";
import type { Tls } from "../sockets/tls.ts";
import type { Log } from "../system/log.ts";
import type { Environment } from "./environment.ts";
import type { PoolFacts } from "./facts.ts";
import type { Identity } from "./identity.ts";

/** The pooler's own query that a server is busy with. */
export type Purpose = "none" | "set" | "reset" | "check";

/** Something with a handle in the core that the core can drop. */
export interface Guest {
  readonly handle: number;
  readonly identity: Identity;
  readonly channel: Channel;
  /** Dropped for this reason: tell it, if it is to be told, and close. The handle is free already. */
  drop(reason: number): void;
}

/** One that is not in yet. */
export interface Newcomer extends Guest {
  /** Nothing has been read of it. */
  readonly fresh: boolean;
}

/** A client that is in. */
export interface ClientRole extends Guest {
  readonly pool: Pool;
  readonly relay: ClientRelay;
  readonly key: Buffer;
  /** The linked server. */
  readonly upstream: ServerRole | undefined;
  /** Bytes of it that wait for a server. */
  readonly kept: number;
  /** Nothing of it is on its way through us. */
  readonly atRest: boolean;
  /** For a replication client: what its own server is told at login. Empty for others. */
  readonly serverParameters: readonly (readonly [name: string, value: string])[];
  /** What to tell it, instead of the reason's own text, when its server goes. */
  lastWords: string;
  /** Login complete. */
  welcome(): void;
  /** Linked to `upstream`. */
  grant(upstream: ServerRole): void;
  /** The server has taken its parameters. */
  applied(): void;
  /** The link has ended. */
  unlinked(): void;
  /** It waits for long: tell it. */
  notice(): void;
  /** The server takes bytes again, or takes none: read the socket, or do not. */
  regulate(): void;
  /** A new configuration is in force. */
  reconfigure(): void;
}

/** A server connection. */
export interface ServerRole {
  readonly handle: number;
  readonly identity: Identity;
  readonly channel: Channel;
  readonly pool: Pool;
  readonly relay: ServerRelay;
  readonly purpose: Purpose;
  /** Nothing of it is on its way through us. */
  readonly atRest: boolean;
  /** BackendKeyData: what a cancel request for it must show. */
  readonly key: Buffer;
  client: ClientRole | undefined;
  /** The query is over, but the client has not taken all of the answer. */
  unflushed: boolean;
  /** Prepared statements on it, for SHOW. */
  readonly prepared: number;
  /** Log in; with a client: as the replication connection that it wants. */
  logIn(client: ClientRole | undefined): void;
  /** Send a cancel request with this key, and nothing else. */
  sendCancel(key: Buffer): void;
  /** Send a query of the pooler's own. */
  ask(purpose: Purpose, sql: string): void;
  /** Ask for a user's secret; `done` hears the answer unless the connection ends first. */
  lookUp(query: AuthQuery, done: (result: AuthQueryResult) => void): void;
  /** The linked client's query is over. */
  settled(): void;
  /** The linked client has taken everything. */
  clientFlushed(): void;
  /** The link has ended. */
  unlinked(reason?: number): void;
  /** Close for this reason. The handle is free already. */
  close(reason: number): void;
  /** A new configuration is in force. */
  reconfigure(): void;
}

/** A session on the console. */
export interface ConsoleRole {
  readonly key: Buffer;
  readonly identity: Identity;
  readonly application: string;
  readonly channel: Channel;
  /** When its user last asked for something. */
  readonly requested: Nanos;
  /** Effect `paused` or `reconnected` for this database (-1: all). */
  completed(kind: number, database: number): void;
  /** Its user pressed Ctrl-C. */
  cancelled(): void;
  /** KILL_CLIENT: it is told so, and ended. */
  killed(): void;
}

/** What the sessions on the console have done. */
export interface ConsoleCounters extends Counted {
  loggedIn(): void;
  asked(): void;
}

/** Is told of every wait for a server; there is one only where somebody wants to know. */
export interface WaitObserver {
  /** The client waits from now on. */
  waiting(client: number, now: Nanos): void;
  /** It has what it waited for. `always`: one that did not wait counts as well, with a wait of zero. */
  served(client: number, pool: Pool, now: Nanos, always: boolean): void;
  /** It has gone without. */
  dropped(client: number): void;
}

/** SUSPEND. */
export interface SuspensionRole {
  /** It is in force. */
  readonly on: boolean;
  begin(): void;
  /** Lifts it. False: it was not on. */
  end(): boolean;
  /** Looks whether all is quiet, and says so to who waits for that. */
  look(): void;
  /** All is quiet: no message is on its way through us. */
  readonly complete: boolean;
  /** Another process has our sockets: where we end, they do not. */
  handedOver: boolean;
}

/** What the log says with `verbose`. */
export interface DebuggingRole {
  /** Is anything to be told? */
  readonly on: boolean;
  /** A startup packet has been read. */
  startup(startup: Startup, identity: Identity): void;
  /** A server is logged in to. */
  loggedIn(parameters: readonly (readonly [string, string])[], identity: Identity): void;
  /** auth_query has found the user. */
  lookedUp(user: string, identity: Identity): void;
  /** A command on the console. */
  asked(sql: string): void;
}

/** The host, as its clients, servers and consoles see it. */
export interface HostRole {
  /** Time of this turn. */
  readonly now: Nanos;
  readonly core: Core;
  readonly log: Log;
  readonly averages: Averages;
  readonly environment: Environment;
  readonly resolver: Resolver;
  readonly tls: Tls;
  /** Settings of `[pgbouncer]` in force. */
  readonly values: Values;
  readonly statements: StatementTable;
  /** The port in the name of the Unix socket; stands for the port of Unix connections. */
  readonly port: number;
  /** SHUTDOWN or a signal has begun to end the pooler, in this way. */
  readonly stopping: false | "immediate" | "wait_for_servers" | "wait_for_clients";
  /** By the core's handles. */
  readonly clients: readonly (ClientRole | undefined)[];
  readonly servers: readonly (ServerRole | undefined)[];
  readonly consoles: ReadonlySet<ConsoleRole>;
  /** Clients that are not in yet, and cancel requests, by handle. */
  readonly entrances: readonly (Newcomer | undefined)[];
  /** What the sessions on the console have done, for the statistics. */
  readonly consolePool: ConsoleCounters;
  readonly suspension: SuspensionRole;
  readonly debugging: DebuggingRole;
  readonly doors: DoorsRole;

  /** Begins a turn: everything in it happens at one instant. */
  begin(): void;
  /** Ends the turn: carries out what the core has decided. */
  end(): void;

  /** Inputs to the core that may come in the middle of a turn. */
  request(client: Guest): void;
  ready(server: ServerRole): void;
  disconnect(guest: { readonly handle: number }): void;
  abandon(client: Guest): void;

  admit(client: ClientRole): void;
  admitConsole(session: ConsoleRole): void;
  /** Takes a guest that has gone out of all tables. */
  forget(guest: Guest): void;
  forgetServer(server: ServerRole): void;
  forgetConsole(session: ConsoleRole): void;
  /** A new key by which `owner` can be cancelled, or the one that it has. */
  newKey(owner: ClientRole | ConsoleRole, has?: Buffer): Buffer;
  /** Handle of the client with this key, or why there is nothing that may be cancelled. */
  cancelTarget(key: Buffer): number | string;

  factsOf(pool: Pool): PoolFacts;
  /** Whole seconds since a connection was made. */
  age(identity: Identity): number;
  /** The wall-clock time of an instant. */
  dateOf(at: Nanos): Date;
  /**
   * Puts a new configuration in force, except for what needs a restart. False: what it says of TLS is not in
   * order, which is logged, and stays as it was.
   */
  adopt(environment: Environment): boolean;
  /** Stops taking TCP clients and ends when the last server, or client, is gone; or ends at once. */
  shutdown(mode: "immediate" | "wait_for_servers" | "wait_for_clients"): void;
}
