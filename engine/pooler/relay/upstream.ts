/**
 * A server connection: opened when the core says so, logged in, relayed to the linked client, asked to
 * reset or check itself, closed. A connection may also carry a cancel request and then has no login.
 */
import type { Socket } from "node:net";
import type { Pool } from "../../core/index.ts";
import * as scheduler from "../../core/index.ts";
import type { AuthQuery, AuthQueryResult } from "../../wire/auth-query.ts";
import { ServerStatements } from "../../wire/prepared.ts";
import * as relays from "../../wire/relay.ts";
import { ServerRelay, type Sink, unlink } from "../../wire/relay.ts";
import type { ServerLogin, ServerLoginEvent } from "../../wire/server-login.ts";
import { Variables } from "../../wire/variables.ts";
import { cancelRequest, terminate } from "../../wire/writer.ts";
import { Channel, type ChannelOwner, portOf, type Target } from "../sockets/channel.ts";
import { needsBefore, tune, tuneBefore } from "../sockets/socket-options.ts";
import type { Handshake } from "../sockets/tls.ts";
import { lostServer, noteEnd, whyClosed } from "./explain.ts";
import { Identity, place } from "./identity.ts";
import { learn } from "./learning.ts";
import type { ClientRole, HostRole, Purpose, ServerRole } from "./roles.ts";
import { unreached } from "./unreached.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { REASON, REASONS, STAT, STATUS } = scheduler;
const { RELAY } = relays;

type Refused = Extract<ServerLoginEvent, { kind: "failed" }>;

export class Upstream implements ServerRole, ChannelOwner, Sink {
  readonly handle: number;
  readonly channel: Channel;
  readonly identity: Identity;
  readonly pool: Pool;
  /** The server's half of the relay; in use once it is logged in. */
  readonly relay: ServerRelay;
  key: Buffer = Buffer.alloc(0);
  client: ClientRole | undefined;
  purpose: Purpose = "none";
  unflushed = false;
  private readonly host: HostRole;
  private readonly statements: ServerStatements;
  private phase: "connecting" | "login" | "working" | "looking" | "cancel" | "over" = "connecting";
  /** The log has its end already. */
  private noted = false;
  private login: ServerLogin | undefined;
  /** The replication client that it logs in for. */
  private patron: ClientRole | undefined;
  /** The question of a client that logs in, and who is to hear the answer. */
  private question: { query: AuthQuery; done: (result: AuthQueryResult) => void } | undefined;
  /** Name of the server's machine, for which its certificate has to stand. */
  private readonly machine: string;

  /** Opens a connection to `way`; an open one, logged in and from another process, goes on with `goOn`. */
  constructor(host: HostRole, handle: number, pool: Pool, way: Target | Channel) {
    this.host = host;
    this.handle = handle;
    this.pool = pool;
    this.identity = new Identity("S", host.now);
    this.identity.join(pool);
    this.machine = "host" in way ? way.host : "";
    if ("host" in way) this.identity.address = way.host;
    if (!(way instanceof Channel)) this.identity.port = portOf(way);
    const { relayOptions, variableNames } = host.environment;
    this.statements = new ServerStatements(host.statements, host.values.max_prepared_statements);
    const variables = new Variables(variableNames);
    this.relay = new ServerRelay(this, relayOptions, variables, this.statements);
    this.reconfigure();
    this.channel = way instanceof Channel ? way : this.open(way);
    this.channel.owner = this;
  }

  private open(way: Target): Channel {
    const { resolver, environment } = this.host;
    const options = environment.socketOptions;
    const before = (socket: Socket, version: number): void => tuneBefore(socket, version, options);
    const told = needsBefore(options) ? before : undefined;
    return Channel.open(way, resolver.lookup, () => this.connected(), told);
  }

  /** It was logged in to by the process that has handed it over; `key` is what cancels its query. */
  goOn(key: Buffer, port: number): void {
    this.identity.locate(this.channel, port, this.host.port);
    this.key = key;
    this.phase = "working";
  }

  /** Nothing of it is on its way through us. */
  get atRest(): boolean {
    return this.phase === "working" && this.purpose === "none" && this.relay.scanner.atRest;
  }

  // --- from the socket -----------------------------------------------------------------------------

  received(buffer: Buffer, start: number, end: number): void {
    this.host.begin();
    if (this.phase === "working") this.work(buffer, start, end);
    else if (this.phase === "login") this.advance(buffer, start, end);
    else if (this.phase === "looking") this.hearAnswer(buffer, start, end);
    if (this.host.suspension.on) this.host.suspension.look();
    this.host.end();
  }

  /** It takes bytes again: its client may go on. */
  flushed(): void {
    this.client?.regulate();
  }

  ended(error: NodeJS.ErrnoException | undefined): void {
    this.host.begin();
    if (this.phase === "connecting") this.fail(...unreached(error));
    else if (this.phase === "cancel") this.fail("successfully sent cancel request");
    else this.lost(error);
    this.host.end();
  }

  /** PgBouncer does not say more, but for who wants to know all. */
  private lost(error: NodeJS.ErrnoException | undefined): void {
    if (error !== undefined) this.host.log.write("DEBUG", error.message, this.identity.label);
    this.fail(lostServer(error));
  }

  /** Sink of the relay: bytes for the server. */
  write(buffer: Buffer, start: number, end: number): void {
    this.channel.send(buffer, start, end);
  }

  // --- from the core -------------------------------------------------------------------------------

  /** Logs in; with a client: as the replication connection that it wants. */
  logIn(client: ClientRole | undefined): void {
    const { environment, tls } = this.host;
    const wanted = tls.forServer(this.channel.unix);
    const own = client?.serverParameters ?? [];
    const login = environment.serverLogin(this.pool, this.host.factsOf(this.pool), wanted, own);
    if (client !== undefined) this.identity.replication = client.identity.replication;
    this.patron = client;
    this.phase = "login";
    this.login = login;
    login.start();
    this.sendLogin(login);
  }

  /** Carries a cancel request: the server closes the connection when it has dealt with it. */
  sendCancel(key: Buffer): void {
    this.phase = "cancel";
    this.channel.sendAll(cancelRequest(key));
  }

  /** Sends a query of the pooler's own. */
  ask(purpose: Purpose, sql: string): void {
    this.purpose = purpose;
    if (purpose === "set")
      this.host.log.write("DEBUG", `varcache_apply: ${sql}`, this.identity.label);
    this.relay.ask(sql);
  }

  /** Asks for a user's secret. `done` hears the answer, unless the connection ends before it comes. */
  lookUp(query: AuthQuery, done: (result: AuthQueryResult) => void): void {
    this.phase = "looking";
    this.question = { query, done };
    this.channel.sendAll(query.question);
  }

  /** The link has ended. Where the server is closed for `reason`, the log has that before its client's end. */
  unlinked(reason = -1): void {
    const client = this.client;
    if (client === undefined) return;
    if (REASONS[reason]?.told) this.noteClose(reason);
    this.client = undefined;
    this.unflushed = false;
    unlink(client.relay, this.relay);
    client.unlinked();
    if (this.phase !== "over") this.channel.resume();
  }

  /** The core closes it for `reason`. */
  close(reason: number): void {
    if (this.phase === "over") return;
    const why = this.noteClose(reason);
    if (this.phase === "working" || this.phase === "looking") this.channel.close(terminate());
    else this.channel.destroy();
    if (reason === REASON.connect_timeout) this.host.factsOf(this.pool).failure = why;
    this.finish();
  }

  private noteClose(reason: number): string {
    const why = whyClosed(reason, this, this.phase === "connecting");
    if (!this.noted) noteEnd(this.host, this.identity, why);
    this.noted = true;
    return why;
  }

  reconfigure(): void {
    this.relay.statementMode = this.pool.mode === "statement";
    this.statements.limit = this.host.values.max_prepared_statements;
  }

  get prepared(): number {
    return this.statements.size;
  }

  // --- from its client -----------------------------------------------------------------------------

  /** The query is over; the server is ready for the next once the client has taken the answer. */
  settled(): void {
    const client = this.client;
    if (this.relay.status === STATUS.idle && client !== undefined && client.channel.pending > 0) {
      this.unflushed = true; // The client's `flushed` goes on from here.
    } else this.host.ready(this);
  }

  /** The client has taken everything: the server may go on, and may be free. */
  clientFlushed(): void {
    this.channel.resume();
    if (!this.unflushed) return;
    this.unflushed = false;
    this.host.ready(this);
  }

  // -------------------------------------------------------------------------------------------------

  private connected(): void {
    if (this.phase === "over") return;
    this.host.begin();
    this.identity.locate(this.channel, this.identity.port, this.host.port);
    tune(this.channel, this.host.values.tcp_keepalive, this.host.environment.socketOptions);
    if (this.host.values.log_connections) {
      const { localAddress, localPort } = this.identity;
      const from = this.channel.unix ? "" : ` (from ${place(localAddress, localPort)})`;
      this.host.log.write("LOG", `new connection to server${from}`, this.identity.label);
    }
    this.host.core.connected(this.host.now, this.handle);
    this.host.end();
  }

  private advance(buffer: Buffer, start: number, end: number): void {
    const login = this.login;
    if (login === undefined) return;
    const event = login.feed(buffer, start, end);
    this.sendLogin(login);
    if (login.complaint !== "") {
      this.host.log.write("ERROR", `S: error while executing exec_on_query: ${login.complaint}`);
      login.complaint = "";
    }
    if (event !== undefined) this.loginEnded(event);
  }

  private sendLogin(login: ServerLogin): void {
    for (const bytes of login.output.splice(0)) this.channel.sendAll(bytes);
  }

  private loginEnded(event: ServerLoginEvent): void {
    switch (event.kind) {
      case "ready":
        this.loggedIn(event.parameters, event.key);
        return;
      case "failed":
        this.refused(event);
        return;
      case "tls":
        this.host.tls.connect(this.channel, this.machine, (result) => this.secured(result));
    }
  }

  /** The handshake is over: goes on logging in. */
  private secured(result: Handshake): void {
    const { login } = this;
    if (this.phase !== "login" || login === undefined) return;
    this.host.begin();
    if ("error" in result)
      this.fail("server conn crashed?", `TLS handshake error: ${result.error}`);
    else {
      this.identity.tls = result.peer.info;
      if (this.host.values.log_connections)
        this.host.log.write("LOG", `SSL established: ${result.peer.info}`, this.identity.label);
      login.secured();
      this.sendLogin(login);
    }
    this.host.end();
  }

  private loggedIn(parameters: readonly [string, string][], key: Buffer): void {
    this.phase = "working";
    this.login = undefined;
    this.key = key;
    for (const [name, value] of parameters) this.relay.variables.set(name, value);
    if (this.host.debugging.on) this.host.debugging.loggedIn(parameters, this.identity);
    learn(this.host.factsOf(this.pool), this.pool, parameters, this.patron);
    // A replication client that is the first of its pool is welcomed with what its own server has said.
    this.patron?.relay.variables.fill(this.relay.variables);
    this.patron = undefined;
    this.host.core.loggedIn(this.host.now, this.handle);
  }

  /** The server has refused the login; the core decides whether the waiters are told so. */
  private refused({ fatal, sqlstate, severity, text, reason, detail }: Refused): void {
    const { log } = this.host;
    if (detail !== undefined) log.write("ERROR", detail, this.identity.label);
    if (this.patron !== undefined) {
      if (reason === undefined) log.write("ERROR", `S: login failed: ${severity}: ${text}`);
      this.fail(reason ?? "login failed");
      return;
    }
    const facts = this.host.factsOf(this.pool);
    facts.loginError = { sqlstate, text };
    facts.failure = reason ?? text;
    if (reason === undefined) log.write("WARNING", `server login failed: ${severity} ${text}`);
    noteEnd(this.host, this.identity, facts.failure);
    this.channel.destroy();
    this.finish();
    this.host.core.loginFailed(this.host.now, this.handle, fatal);
  }

  /** A failed look-up ends the connection, and with that the client's login. */
  private hearAnswer(buffer: Buffer, start: number, end: number): void {
    const { question } = this;
    const stats = this.pool.stats;
    stats[STAT.sent] = (stats[STAT.sent] as number) + (end - start);
    const result = question?.query.feed(buffer, start, end);
    if (question === undefined || result === undefined) return;
    this.question = undefined;
    if (result.kind === "failed") {
      const { detail, text } = result;
      if (detail !== undefined) this.host.log.write("ERROR", `S: error in auth_query: ${detail}`);
      this.fail(text);
      return;
    }
    this.phase = "working";
    question.done(result);
  }

  private work(buffer: Buffer, start: number, end: number): void {
    const stats = this.pool.stats;
    stats[STAT.sent] = (stats[STAT.sent] as number) + (end - start);
    const verdict = this.relay.feed(buffer, start, end);
    if (this.relay.unasked !== "") this.noteUnasked();
    switch (verdict) {
      case RELAY.ready:
        this.settled();
        break;
      case RELAY.answered:
        this.answered();
        break;
      case RELAY.error:
        this.fail(this.relay.error);
        return;
    }
    if (this.client?.channel.congested) this.channel.hold();
  }

  /** It has spoken although it is not linked: the core is told whether it is still as it was. */
  private noteUnasked(): void {
    const { relay, host, identity } = this;
    for (const type of relay.unasked)
      host.log.write("WARNING", `got packet '${type}' from server when not linked`, identity.label);
    relay.unasked = "";
    if (this.purpose === "none") host.core.ready(host.now, this.handle, relay.status);
  }

  /** The pooler's own query was answered. A failed reset or check is none: the server is alive. */
  private answered(): void {
    const purpose = this.purpose;
    this.purpose = "none";
    if (purpose !== "set") this.host.ready(this);
    else if (this.relay.askError !== "") {
      this.host.log.write("ERROR", `varcache_apply failed: ${this.relay.askError}`);
      this.fail("invalid server parameter");
    } else this.client?.applied();
  }

  /** The connection has ended, or must: the core is told, and a linked client learns `why`. */
  private fail(why: string, detail?: string): void {
    if (this.phase === "over") return;
    const working = this.phase !== "connecting" && this.phase !== "login";
    if (detail !== undefined) this.host.log.write("WARNING", detail);
    noteEnd(this.host, this.identity, why);
    const told = this.client ?? this.patron;
    if (told !== undefined) told.lastWords = why;
    if (!working) this.host.factsOf(this.pool).failure = why;
    this.channel.destroy();
    this.finish();
    if (working) this.host.core.closed(this.host.now, this.handle);
    else this.host.core.loginFailed(this.host.now, this.handle, false);
  }

  private finish(): void {
    this.unlinked();
    this.phase = "over";
    this.statements.clear();
    this.host.forgetServer(this);
  }
}
