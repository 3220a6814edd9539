/**
 * A connection that is not in yet: its startup packet, its limits, its password. It goes on as a client
 * of a pool or as a session on the console, it carries a cancel request, or it is refused.
 */
import type { LdapMistake, LdapOptions } from "../config/index.ts";
import type { Pool } from "../core/index.ts";
import { AuthQuery, type AuthQueryResult } from "../wire/auth-query.ts";
import { ClientLogin, type ClientLoginEvent, type ScramKeys } from "../wire/client-login.ts";
import { REPLICATION, type Refusal, refuse, type Startup } from "../wire/startup.ts";
import { errorResponse } from "../wire/writer.ts";
import { type Applicant, admission, ldapFor } from "./auth/admission.ts";
import { askLdap } from "./auth/ldap.ts";
import { ConsoleSession } from "./console/console.ts";
import { passOn } from "./relay/cancel-request.ts";
import { Client } from "./relay/client.ts";
import type { Lookup } from "./relay/environment.ts";
import { explainToNewcomer, knownAt, noteEnd } from "./relay/explain.ts";
import { Identity } from "./relay/identity.ts";
import { isOwner, lookupIn, obstacle, TOO_LONG, unusable } from "./relay/obstacles.ts";
import { crowd, register, shortName } from "./relay/registration.ts";
import type { HostRole, Newcomer, ServerRole } from "./relay/roles.ts";
import type { Channel, ChannelOwner } from "./sockets/channel.ts";
import { tune } from "./sockets/socket-options.ts";
import { CUT_OFF, type Handshake } from "./sockets/tls.ts";
import { peerOf, processOf } from "./sockets/unix-peer.ts";
import { CONSOLE } from "./system/names.ts";

const nothing: Buffer = Buffer.alloc(0);

export class Entrance implements Newcomer, ChannelOwner {
  readonly handle: number;
  readonly identity: Identity;
  private readonly host: HostRole;
  readonly channel: Channel;
  private readonly login: ClientLogin;
  private startup: Startup | undefined;
  /** The pool that it is counted for; undefined for the console, unknown users and databases. */
  private pool: Pool | undefined;
  private heard = false;
  private phase: "login" | "handshake" | "lookup" | "ldap" | "cancel" | "over" = "login";
  /** Names in the verified certificate that the client has shown. */
  private names: readonly string[] | undefined;
  /** The LDAP servers that know the password. */
  private ldap: LdapOptions | LdapMistake | undefined;
  /** For a look-up: the query, the pool that is asked, what came from the client meanwhile, the answer. */
  private sql = "";
  private asked: Pool | undefined;
  private kept: Buffer = nothing;
  private found: string | undefined;
  /** For a cancel request that a peer has to deal with: what to tell it. */
  key: Buffer = nothing;

  constructor(host: HostRole, channel: Channel) {
    this.host = host;
    this.channel = channel;
    this.identity = new Identity("C", host.now);
    this.identity.locate(channel, host.port);
    this.identity.process = processOf(channel);
    this.handle = host.core.accept(host.now);
    this.login = new ClientLogin(
      host.environment.clientLogin(this.identity, () => host.tls.forClient(channel.unix)),
    );
    channel.owner = this;
    tune(channel, host.values.tcp_keepalive, host.environment.socketOptions);
  }

  received(buffer: Buffer, start: number, end: number): void {
    this.heard = true;
    this.host.begin();
    this.take(buffer, start, end);
    this.host.end();
  }

  flushed(): void {}

  get fresh(): boolean {
    return !this.heard && this.phase === "login";
  }

  /**
   * Gone before it was in, which may have been a monitor's probe: that is not logged.
   * A cancel request has said all it had to, and drivers differ in whether they wait for its end.
   */
  ended(error: Error | undefined): void {
    this.channel.destroy();
    if (this.phase === "cancel" || this.phase === "over") return;
    this.host.begin();
    const why = `TLS handshake error: ${error?.message ?? CUT_OFF}`;
    if (this.phase === "lookup") noteEnd(this.host, this.identity, "client unexpected eof");
    else if (this.phase === "handshake") this.host.log.write("WARNING", why, this.identity.label);
    this.host.disconnect(this);
    this.finish();
    this.host.end();
  }

  drop(reason: number): void {
    if (this.phase === "over") return;
    const asked = this.phase === "lookup" ? this.asked : undefined;
    this.identity.known = knownAt(reason) ?? this.identity.known;
    const why = explainToNewcomer(this.host, asked, reason);
    this.turnAway({ kind: "refused", ...why });
  }

  // --- the login -------------------------------------------------------------------------------------

  private take(buffer: Buffer, start: number, end: number): void {
    let at = start;
    while (this.phase === "login") {
      const event = this.login.feed(buffer, at, end);
      at = this.login.consumed;
      this.send();
      if (event === undefined) return;
      this.act(event, buffer.subarray(at, end));
    }
  }

  private act(event: ClientLoginEvent, rest: Buffer): void {
    switch (event.kind) {
      case "startup":
        this.begin(event, rest);
        return;
      case "authenticated":
        this.enter(event.scramKeys, rest);
        return;
      case "password":
        this.askLdap(event.password, rest);
        return;
      case "cancel":
        this.cancel(event.key);
        return;
      case "refused":
        this.reject(event);
        return;
      case "tls":
        this.phase = "handshake";
        this.host.tls.accept(this.channel, rest, (result) => this.secured(result));
    }
  }

  /**
   * It is there to cancel a query: here, or at a peer, to which it is handed on. Many wait until we hang
   * up before they ask the next thing, so we must not do so just because they have ended their half.
   */
  private cancel(shown: Buffer): void {
    this.phase = "cancel";
    this.channel.hold();
    const went = passOn(this.host, this, shown);
    if ("kind" in went) this.reject(went);
    else this.key = went;
  }

  /** The handshake is over. */
  private secured(result: Handshake): void {
    if (this.phase !== "handshake") return;
    if ("error" in result) {
      this.ended(new Error(result.error));
      return;
    }
    this.host.begin();
    this.phase = "login";
    this.identity.tls = result.peer.info;
    this.names = result.peer.names;
    this.login.secured();
    this.host.end();
  }

  /** Who is it, and where does it want to go? */
  private begin(startup: Startup, rest: Buffer): void {
    this.startup = startup;
    const { user, database, replication, negotiate } = startup;
    const { host, identity } = this;
    if (host.debugging.on) host.debugging.startup(startup, identity);
    const { accounts } = host.environment;
    const login = host.environment.loginUser(database, user);
    Object.assign(identity, { user: login, database: shortName(database), replication });
    if (this.isOut(crowd(host, this.handle, startup))) return;
    if (negotiate !== undefined) this.channel.sendAll(negotiate);
    const owner = isOwner(host, this.channel, startup);
    this.ldap = owner ? undefined : ldapFor(accounts, this.applicant(startup, true));
    const refusal = obstacle(host, startup, owner, this.ldap !== undefined);
    if (this.isOut(refusal)) {
      if (refusal?.text === TOO_LONG) this.log(`login failed: db=${database} user=${user}`);
      return;
    }
    const known = owner || accounts.method === "any" || accounts.knows(user);
    const lookup =
      known || this.ldap !== undefined ? undefined : lookupIn(host, identity, database);
    if (lookup === undefined) this.check(startup, accounts.secretOf(user), rest);
    else this.lookUp(lookup, rest);
  }

  /** Counts the client and has it prove who it is; a user without a secret does not exist. */
  private check(startup: Startup, secret: string | undefined, rest: Buffer): void {
    const { accounts } = this.host.environment;
    const { user, database } = startup;
    const owner = isOwner(this.host, this.channel, startup);
    const named = secret !== undefined || this.ldap !== undefined;
    const known = owner || accounts.method === "any" || named;
    if (!owner && !this.count(startup, known)) return;
    if (this.found !== undefined) this.remember(startup, this.found);
    if (!known) this.log(`no such user: ${user}`);
    this.identity.known = "user";
    if (owner) this.log("pgbouncer access from unix socket");
    if (known && (this.pool !== undefined || database === CONSOLE)) this.identity.known = "pool";
    this.attempt();
    const method = owner ? "trust" : admission(accounts, this.applicant(startup, known));
    if (typeof method !== "string") {
      this.reject(method);
      return;
    }
    const event = this.login.authenticate(method, { user, secret: owner ? "" : secret });
    this.send();
    if (event !== undefined) this.act(event, rest);
  }

  private applicant({ user, database, replication }: Startup, known: boolean): Applicant {
    const { channel, names, identity } = this;
    const address = channel.unix ? undefined : identity.address;
    const [physical, tls] = [replication === "physical", identity.tls !== ""];
    return { user, database, physical, known, address, tls, names, peer: () => peerOf(channel) };
  }

  // --- LDAP -------------------------------------------------------------------------------------------

  /** The client's bytes wait until the answer has come. */
  private askLdap(password: string, rest: Buffer): void {
    const options = this.ldap as LdapOptions | LdapMistake;
    this.phase = "ldap";
    this.kept = Buffer.from(rest);
    this.channel.hold();
    const question = { options, user: this.identity.user, password };
    const drop = askLdap(question, (why) => this.answered(password, why));
    void this.channel.closed().then(drop); // Whoever has closed it: the pooler's end does, too.
  }

  private answered(password: string, why: string | undefined): void {
    if (this.phase !== "ldap") return;
    const { host, pool, identity } = this;
    host.begin();
    this.phase = "login";
    this.channel.resume();
    if (why === undefined) {
      if (pool?.user.settings.name === identity.user) host.factsOf(pool).password = password;
      this.enter(undefined, this.kept);
    } else {
      host.log.write("WARNING", why, identity.label);
      this.reject(refuse("LDAP authentication failed"));
    }
    host.end();
  }

  // --- auth_query --------------------------------------------------------------------------------------

  /** Asks the core for a server to ask; the client's bytes wait until the answer has come. */
  private lookUp(lookup: Lookup, rest: Buffer): void {
    const { core, now } = this.host;
    const { database, user } = lookup;
    const place = database === CONSOLE ? -1 : core.database(database);
    const refusal = unusable(database, core, place);
    if (this.isOut(refusal)) return;
    this.phase = "lookup";
    this.identity.known = "database";
    this.sql = lookup.sql;
    this.kept = Buffer.from(rest);
    this.channel.hold();
    core.lookup(now, this.handle, place, core.user(user));
    this.asked = core.clientPool(this.handle);
  }

  /** A server to look the user up. */
  grant(upstream: ServerRole): void {
    const { user } = this.startup as Startup;
    upstream.lookUp(new AuthQuery(this.sql, user), (result) => this.lookedUp(result));
  }

  private lookedUp(result: AuthQueryResult): void {
    if (this.phase !== "lookup") return;
    const { host, handle, kept } = this;
    this.phase = "login";
    host.core.lookedUp(host.now, handle);
    this.channel.resume();
    if (result.kind !== "found") {
      this.log(`login failed: db=${this.identity.database}`);
      this.reject(refuse("no such user"));
      return;
    }
    if (host.debugging.on) host.debugging.lookedUp(result.user, this.identity);
    const startup = { ...(this.startup as Startup), user: result.user };
    this.startup = startup;
    this.identity.user = result.user;
    this.found = result.secret;
    this.check(startup, result.secret, kept);
    if (kept.length > 0) this.take(kept, 0, kept.length);
  }

  /** Counts the client for its database and user. False: it is out. */
  private count(startup: Startup, known: boolean): boolean {
    const counted = register(this.host, this, startup, known);
    if ("out" in counted) return !this.isOut(counted.out);
    this.pool = counted.pool;
    return true;
  }

  /** Servers of the pool are logged in to with what was found, unless the entry says as whom. */
  private remember({ database, user }: Startup, secret: string): void {
    const { host, pool } = this;
    if (pool === undefined || pool.user.settings.name !== user) return;
    const forced = host.environment.entryOf(database)?.user ?? null;
    if (forced === null) host.factsOf(pool).secret = secret;
  }

  private enter(scramKeys: ScramKeys | undefined, rest: Buffer): void {
    const startup = this.startup as Startup;
    if (startup.database === CONSOLE) this.enterConsole(startup, rest);
    else if (this.pool === undefined) {
      const { database, user } = this.identity;
      this.log(`login failed: db=${database} user=${user}`);
      this.reject(refuse(`no such database: ${database}`));
    } else this.enterPool(startup, this.pool, scramKeys, rest);
  }

  private enterPool(
    { variables, user, options }: Startup,
    pool: Pool,
    scramKeys: ScramKeys | undefined,
    rest: Buffer,
  ): void {
    const { host, handle, channel, identity } = this;
    if (scramKeys !== undefined && pool.user.settings.name === user)
      host.factsOf(pool).scramKeys = scramKeys;
    const client = new Client(host, { handle, channel, identity, variables, options, pool });
    client.keep(rest);
    this.phase = "over";
    channel.owner = client;
    host.admit(client);
    host.core.authenticated(host.now, handle);
  }

  /** The console is no business of the scheduler's: its sessions leave the core. */
  private enterConsole({ user, variables }: Startup, rest: Buffer): void {
    const { accounts } = this.host.environment;
    const own = isOwner(this.host, this.channel, { database: CONSOLE, user });
    const admin = own || accounts.isAdmin(user);
    this.host.disconnect(this);
    this.finish();
    const rights = { admin, own, application: variables.value("application_name") ?? "" };
    const session = new ConsoleSession(this.host, this.channel, this.identity, rights);
    this.channel.owner = session;
    session.greet();
    if (rest.length > 0) session.take(rest, 0, rest.length);
  }

  // --- the end ---------------------------------------------------------------------------------------

  /** Not to come in: refused by us, or dropped by the core. */
  private isOut(why: Refusal | "dropped" | undefined): boolean {
    if (why !== undefined && why !== "dropped") this.reject(why);
    return why !== undefined;
  }

  /** Refused by us: the core is told. */
  private reject(refusal: Refusal): void {
    this.host.disconnect(this);
    this.turnAway(refusal);
  }

  private turnAway({ told, sqlstate, text, detail = "", warning = "" }: Refusal): void {
    const { log, values } = this.host;
    if (detail !== "") log.write("ERROR", detail, this.identity.label);
    if (warning !== "") log.write("WARNING", warning, this.identity.label);
    noteEnd(this.host, this.identity, text);
    if (told && values.log_pooler_errors)
      log.write("WARNING", `pooler error: ${text}`, this.identity.label);
    if (this.phase === "handshake") this.channel.destroy();
    else this.channel.close(told ? errorResponse("FATAL", sqlstate, text) : nothing);
    this.finish();
  }

  private finish(): void {
    this.phase = "over";
    this.host.forget(this);
  }

  private send(): void {
    for (const bytes of this.login.output.splice(0)) this.channel.sendAll(bytes);
  }

  private attempt(): void {
    const { database, user, replication, tls } = this.identity;
    const how = `tls=${tls || "no"} replication=${REPLICATION[replication]}`;
    this.log(`login attempt: db=${database} user=${user} ${how}`);
  }

  private log(text: string): void {
    if (this.host.values.log_connections) this.host.log.write("LOG", text, this.identity.label);
  }
}
