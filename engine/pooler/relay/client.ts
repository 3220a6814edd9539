/**
 * A logged-in client: its bytes go to the server that the core has granted it, or wait for one. What
 * the core decides comes as calls from the host; what the socket does goes to the core as inputs.
 */
import type { Pool } from "../../core/index.ts";
import * as scheduler from "../../core/index.ts";
import { ClientStatements } from "../../wire/prepared.ts";
import * as relays from "../../wire/relay.ts";
import { ClientRelay, link, type Sink } from "../../wire/relay.ts";
import { REPLICATION } from "../../wire/startup.ts";
import type { Variables } from "../../wire/variables.ts";
import {
  backendKeyData,
  errorResponse,
  noticeResponse,
  parameterStatus,
  readyForQuery,
} from "../../wire/writer.ts";
import { type Channel, type ChannelOwner, HIGH_WATER } from "../sockets/channel.ts";
import { Backlog } from "./backlog.ts";
import { type Explanation, explain, lostClient, noteEnd } from "./explain.ts";
import type { Identity } from "./identity.ts";
import type { ClientRole, HostRole, ServerRole } from "./roles.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { CLIENT, REASON, STAT, TICK } = scheduler;
const { RELAY } = relays;

/** Bytes of a waiting client that are kept; beyond that its socket is not read. */
const BACKLOG_LIMIT = 64 * 1024;
/** Bytes of answers that wait for a client; more than what comes from a server before that is held. */
const ANSWERS_LIMIT = 4 * HIGH_WATER;
const nothing: Buffer = Buffer.alloc(0);
const READY = readyForQuery("I");

/** What a client brings along from its login. */
export interface ClientParts {
  handle: number;
  channel: Channel;
  identity: Identity;
  variables: Variables;
  /** `options` of a replication client, as it sent them. */
  options: string | undefined;
  pool: Pool;
  /** Its key for cancel requests, where it has one already. */
  key?: Buffer;
}

export class Client implements ClientRole, ChannelOwner, Sink {
  readonly handle: number;
  readonly channel: Channel;
  readonly identity: Identity;
  readonly pool: Pool;
  readonly relay: ClientRelay;
  readonly key: Buffer;
  readonly serverParameters: readonly [string, string][];
  upstream: ServerRole | undefined;
  lastWords = "";
  private readonly host: HostRole;
  private readonly isReplication: boolean;
  private readonly backlog = new Backlog();
  /** Bytes are kept back: it waits for its welcome, a server, or for a SET on its server. */
  private held = true;
  /** The socket has ended while the client waited, which the core learns when it is served. */
  private gone = false;
  /** Something has come since it began to wait. With its end that was a goodbye. */
  private late = false;
  private over = false;
  /** It was welcomed when only a replication client's own server was known: some parameters are to be told yet. */
  private partly = false;
  /** The core is being asked in the middle of a chunk, which goes on if there is a server at once. */
  private asking = false;

  constructor(host: HostRole, parts: ClientParts) {
    this.host = host;
    this.handle = parts.handle;
    this.channel = parts.channel;
    this.identity = parts.identity;
    this.pool = parts.pool;
    this.isReplication = parts.identity.replication !== "no";
    this.key = host.newKey(this, parts.key);
    this.relay = new ClientRelay(this, host.environment.relayOptions, parts.variables);
    this.serverParameters = serverParameters(parts);
    this.reconfigure();
  }

  // --- from the socket -----------------------------------------------------------------------------

  received(buffer: Buffer, start: number, end: number): void {
    this.host.begin();
    this.late ||= this.held;
    const at = this.held ? start : this.feed(buffer, start, end);
    if (at < end) this.backlog.add(buffer, at, end);
    if (!this.over) this.regulate();
    if (!this.over && !this.held) this.mark();
    if (this.host.suspension.on) this.host.suspension.look();
    this.host.end();
  }

  flushed(): void {
    this.host.begin();
    this.upstream?.clientFlushed();
    if (!this.over) this.regulate();
    this.host.end();
  }

  /** A waiter is only marked: it keeps its place, as in PgBouncer, which does not even notice. */
  ended(error?: NodeJS.ErrnoException): void {
    if (this.over) return;
    const state = this.host.core.clientState(this.handle);
    const waits = state === CLIENT.waiting || state === CLIENT.waiting_login;
    if (waits || this.upstream?.purpose === "set") this.gone = true;
    else {
      this.host.begin();
      this.leave(lostClient(error));
      this.host.end();
    }
  }

  /** Sink of the relay: bytes for the client. */
  write(buffer: Buffer, start: number, end: number): void {
    this.channel.send(buffer, start, end);
  }

  /** Keeps bytes that came with the end of the login. */
  keep(bytes: Buffer): void {
    this.backlog.add(bytes, 0, bytes.length);
  }

  get kept(): number {
    return this.backlog.length;
  }

  /**
   * Holds the socket while too much is kept, or the server does not take it or is taking the parameters: the
   * end of a client that does not wait is noticed after what it has sent. Else lets it come.
   */
  regulate(): void {
    const { upstream, channel } = this;
    const busy = upstream !== undefined && (this.held || upstream.channel.congested);
    // It asks for what we answer ourselves, and does not read it.
    const deaf = channel.pending > ANSWERS_LIMIT;
    if (busy || deaf || this.backlog.length > BACKLOG_LIMIT) channel.hold();
    else channel.resume();
  }

  /** Nothing of it is on its way through us: its relay is between two messages, and holds nothing back. */
  get atRest(): boolean {
    return !this.held && this.backlog.length === 0 && this.relay.scanner.atRest;
  }

  /** It was in before, in the process that has handed it over: goes on, with its server if it has one. */
  goOn(upstream: ServerRole | undefined): void {
    this.held = false;
    this.upstream = upstream;
    if (upstream === undefined) return;
    upstream.client = this;
    link(this.relay, upstream.relay);
  }

  // --- from the core -------------------------------------------------------------------------------

  /** Login complete: sends the parameters of the pool's servers, and goes on with what was kept. */
  welcome(): void {
    if (this.gone) {
      this.leave("client unexpected eof");
      return;
    }
    const facts = this.host.factsOf(this.pool);
    this.relay.variables.fill(facts.variables);
    this.partly = !facts.complete && !this.isReplication;
    const own = this.relay.variables.entries();
    const greeting = this.host.values.login_notify_message;
    this.channel.sendAll(
      Buffer.concat([
        facts.opening,
        ...own.map(([name, value]) => parameterStatus(name, value)),
        greeting === "" ? nothing : noticeResponse(greeting),
        backendKeyData(this.key),
        READY,
      ]),
    );
    this.proceed();
  }

  /**
   * Linked to `upstream`: brings it to the client's parameters first, then forwards what was kept. Of a client
   * that has gone meanwhile the server is used on, unless it said goodbye: then its end is found behind its
   * query, as in PgBouncer, which closes the server; and where a SET is to go before, the goodbye is read
   * before that, and nothing but the end after it. Source: PgBouncer 1.25.2 src/sbuf.c, sbuf_main_loop().
   */
  grant(upstream: ServerRole): void {
    if (this.partly) this.tellRest();
    // A replication connection has been given them at its login; it may not know SET.
    const sql = this.isReplication
      ? undefined
      : this.relay.variables.difference(upstream.relay.variables);
    if (this.gone && (sql === undefined || !this.late)) {
      this.vanish();
      return;
    }
    this.upstream = upstream;
    upstream.client = this;
    link(this.relay, upstream.relay);
    if (sql === undefined) this.proceed();
    else {
      this.held = true;
      this.late = false;
      upstream.ask("set", sql);
      this.regulate();
    }
  }

  /** The server has taken the client's parameters. */
  applied(): void {
    if (this.upstream !== undefined) {
      for (const { name, from, to } of this.relay.variables.adopt(this.upstream.relay.variables)) {
        const text = `varcache_set_canonical: setting ${name} to its canonical version ${from} -> ${to}`;
        this.host.log.write("DEBUG", text, this.identity.label);
      }
    }
    if (this.gone) this.giveBack();
    else this.proceed();
  }

  /** The core has dropped the client for `reason`: tells it so, if it is to be told, and closes. */
  drop(reason: number): void {
    if (this.over) return;
    const { told, sqlstate, text } = this.explain(reason);
    noteEnd(this.host, this.identity, text);
    if (told && this.host.values.log_pooler_errors)
      this.host.log.write("WARNING", `pooler error: ${text}`, this.identity.label);
    this.channel.close(told ? errorResponse("FATAL", sqlstate, text) : nothing);
    this.finish();
  }

  /** Prepared statements are tracked where a client has its server for a transaction only. */
  reconfigure(): void {
    const { max_prepared_statements } = this.host.values;
    const tracked =
      max_prepared_statements !== 0 && this.pool.mode !== "session" && !this.isReplication;
    this.relay.track(
      tracked ? (this.relay.statements ?? new ClientStatements(this.host.statements)) : undefined,
    );
  }

  /** query_wait_notify. */
  notice(): void {
    const text = "No server connection available in postgres backend, client being queued";
    this.channel.sendAll(noticeResponse(text));
  }

  /** The link has ended. */
  unlinked(): void {
    this.upstream = undefined;
    if (!this.over) this.channel.resume();
  }

  // -------------------------------------------------------------------------------------------------

  /** An ordinary server has told meanwhile what a replication client had chosen for its own. */
  private tellRest(): void {
    const facts = this.host.factsOf(this.pool);
    if (!facts.complete) return;
    this.partly = false;
    this.relay.variables.fill(facts.variables);
    const all = [...facts.parameters, ...this.relay.variables.entries()];
    this.channel.sendAll(Buffer.concat(all.map(([name, value]) => parameterStatus(name, value))));
  }

  /** Forwards from now on, beginning with what was kept. */
  private proceed(): void {
    this.held = false;
    if (this.asking) return;
    const { backlog } = this;
    // Also with nothing kept: the relay may hold the message that it stopped at.
    if (backlog.length > 0 || this.upstream !== undefined)
      backlog.drop(this.feed(backlog.buffer, 0, backlog.length));
    if (!this.over) this.regulate();
  }

  /**
   * Gives bytes to the relay, and asks the core for a server where a query begins. Returns how far it
   * came; what is left must be kept until there is a server.
   */
  private feed(buffer: Buffer, start: number, end: number): number {
    const { relay } = this;
    let at = start;
    for (;;) {
      const verdict = relay.feed(buffer, at, end);
      // A goodbye is counted nowhere.
      const goodbye = verdict === RELAY.terminate ? relay.scanner.size : 0;
      this.count(relay.consumed - at - goodbye);
      at = relay.consumed;
      if (verdict === RELAY.request) {
        if (this.request()) continue;
        this.held = true;
        this.late = false;
        return this.over ? end : at;
      }
      if (verdict === RELAY.ready) this.upstream?.settled();
      else if (verdict === RELAY.terminate) this.leave("client close request");
      else if (verdict === RELAY.error) this.offend();
      return end;
    }
  }

  /** The core is told when it was heard last, though not of every chunk: it looks at that on a tick only. */
  private mark(): void {
    const { core, now } = this.host;
    if (now - core.clientRequestTime(this.handle) >= TICK) core.heard(now, this.handle);
  }

  /** Asks the core for a server. True: it is linked and ready for the client's bytes. */
  private request(): boolean {
    if (this.upstream !== undefined) this.upstream.unflushed = false;
    this.asking = true;
    this.host.request(this);
    this.asking = false;
    return this.upstream !== undefined && this.upstream.purpose === "none" && !this.held;
  }

  private count(bytes: number): void {
    const stats = this.pool.stats;
    stats[STAT.received] = (stats[STAT.received] as number) + bytes;
    const { statements } = this.relay;
    if (statements === undefined) return;
    const { clientParses, serverParses, binds } = statements;
    if (clientParses + serverParses + binds === 0) return;
    stats[STAT.client_parse_count] = (stats[STAT.client_parse_count] as number) + clientParses;
    stats[STAT.server_parse_count] = (stats[STAT.server_parse_count] as number) + serverParses;
    stats[STAT.bind_count] = (stats[STAT.bind_count] as number) + binds;
    statements.clientParses = 0;
    statements.serverParses = 0;
    statements.binds = 0;
  }

  /** The client has broken the protocol: it is told, and goes. */
  private offend(): void {
    const { error, detail } = this.relay;
    if (detail !== "") this.host.log.write("ERROR", detail, this.identity.label);
    this.leave(error, errorResponse("FATAL", "08P01", error));
  }

  /** It has gone while it waited; its server has seen nothing of it. */
  private vanish(): void {
    if (this.late) {
      this.leave("client close request");
      return;
    }
    noteEnd(this.host, this.identity, "client unexpected eof");
    this.host.abandon(this);
    this.finish();
  }

  /** It has gone while its server took its parameters: that has seen nothing else of it, and is released. */
  private giveBack(): void {
    if (this.late) this.leave("client close request");
    else {
      if (this.upstream !== undefined) this.host.ready(this.upstream);
      this.leave("client unexpected eof");
    }
  }

  /** The client goes by itself. */
  private leave(why: string, words = nothing): void {
    if (this.over) return;
    noteEnd(this.host, this.identity, why);
    if (words.length > 0 && this.host.values.log_pooler_errors)
      this.host.log.write("WARNING", `pooler error: ${why}`, this.identity.label);
    this.host.disconnect(this);
    if (words.length > 0) this.channel.close(words);
    else this.channel.destroy();
    this.finish();
  }

  private finish(): void {
    this.over = true;
    this.relay.statements?.clear();
    this.host.forget(this);
    if (this.gone) this.channel.destroy();
  }

  /** Why it is dropped; if its server has gone, in the words that the server's end was logged with. */
  private explain(reason: number): Explanation {
    const explanation = explain(this.host, this.pool, reason);
    const itsServer = reason === REASON.server_gone || reason === REASON.login_failed;
    if (!itsServer || this.lastWords === "") return explanation;
    return { ...explanation, text: this.lastWords };
  }
}

/** What a replication client's own server is told at login; nothing for other clients. */
function serverParameters({ identity, variables, options }: ClientParts): [string, string][] {
  const { replication } = identity;
  if (replication === "no") return [];
  const given: [string, string][] = options === undefined ? [] : [["options", options]];
  return [["replication", REPLICATION[replication]], ...variables.entries(), ...given];
}
