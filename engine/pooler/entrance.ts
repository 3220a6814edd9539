/**
 * A connection that is not in yet: its startup packet, its limits, its password. It goes on as a client
 * of a pool or as a session on the console, it carries a cancel request, or it is refused.
 */
import { type Pool, REASON, REASONS } from "../core/index.ts";
import { ClientLogin, type ClientLoginEvent, type ScramKeys } from "../wire/client-login.ts";
import { ClientStatements } from "../wire/prepared.ts";
import { type Refusal, refuse, type Startup } from "../wire/startup.ts";
import { errorResponse } from "../wire/writer.ts";
import type { Channel, ChannelOwner } from "./channel.ts";
import { Client } from "./client.ts";
import { ConsoleSession } from "./console.ts";
import { Identity } from "./identity.ts";
import { CONSOLE } from "./names.ts";
import type { Guest, HostRole } from "./roles.ts";
import type { Handshake } from "./tls.ts";

const nothing: Buffer = Buffer.alloc(0);

export class Entrance implements Guest, ChannelOwner {
  readonly handle: number;
  readonly identity: Identity;
  private readonly host: HostRole;
  readonly channel: Channel;
  private readonly login: ClientLogin;
  private startup: Startup | undefined;
  /** The pool that it is counted for; undefined for the console, unknown users and databases. */
  private pool: Pool | undefined;
  private heard = false;
  private phase: "login" | "handshake" | "cancel" | "over" = "login";

  constructor(host: HostRole, channel: Channel) {
    this.host = host;
    this.channel = channel;
    this.identity = new Identity("C", host.now);
    this.identity.locate(channel, host.port);
    this.handle = host.core.accept(host.now);
    this.login = new ClientLogin(
      host.environment.clientLogin(this.identity, host.tls.forClient(channel.unix)),
    );
    channel.owner = this;
    if (host.values.tcp_keepalive) channel.keepAlive();
  }

  received(buffer: Buffer, start: number, end: number): void {
    this.heard = true;
    this.host.begin();
    this.take(buffer, start, end);
    this.host.end();
  }

  flushed(): void {}

  /**
   * Gone before it was in. One that never said a word may be a monitor's probe: that is not logged. A
   * cancel request has said all it had to, and drivers differ in whether they wait for its end.
   */
  ended(): void {
    this.channel.destroy();
    if (this.phase === "cancel" || this.phase === "over") return;
    this.host.begin();
    if (this.heard) this.note("client unexpected eof");
    this.host.disconnect(this);
    this.finish();
    this.host.end();
  }

  drop(reason: number): void {
    if (this.phase === "over") return;
    const { text, sqlstate, told } = REASONS[reason] as (typeof REASONS)[number];
    const name = this.identity.database;
    const full = reason === REASON.disabled ? `database "${name}" is disabled` : text;
    this.turnAway({ kind: "refused", told, sqlstate, text: full });
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
      case "cancel":
        this.phase = "cancel";
        this.host.core.cancel(this.host.now, this.handle, this.host.cancelTarget(event.key));
        return;
      case "refused":
        this.reject(event);
        return;
      case "tls":
        this.phase = "handshake";
        this.host.tls.accept(this.channel, rest, (result) => this.secured(result));
    }
  }

  /** The handshake is over. */
  private secured(result: Handshake): void {
    if (this.phase !== "handshake") return;
    this.host.begin();
    if ("error" in result) {
      const text = `TLS handshake error: ${result.error}`;
      this.host.log.write("WARNING", text, this.identity.label);
      this.reject(refuse("TLS handshake failed", false));
    } else {
      this.phase = "login";
      this.identity.tls = result.peer.info;
      this.login.secured();
    }
    this.host.end();
  }

  /** Who is it, and where does it want to go? */
  private begin(startup: Startup, rest: Buffer): void {
    this.startup = startup;
    this.identity.user = startup.user;
    this.identity.database = startup.database;
    if (startup.negotiate !== undefined) this.channel.sendAll(startup.negotiate);
    const refusal = this.obstacle(startup);
    if (refusal !== undefined) {
      this.reject(refusal);
      return;
    }
    if (!this.register(startup)) return;
    const { accounts } = this.host.environment;
    const { database, user, replication } = startup;
    const tls = this.identity.tls || "no";
    this.log(`login attempt: db=${database} user=${user} tls=${tls} replication=${replication}`);
    const event = this.isOwner(startup)
      ? this.login.authenticate("trust", { user, secret: "" })
      : this.login.authenticate(accounts.method, accounts.credentials(user));
    this.send();
    if (event !== undefined) this.act(event, rest);
  }

  /** What stands in the way whatever the password. */
  private obstacle({ database, user, replication }: Startup): Refusal | undefined {
    const { accounts } = this.host.environment;
    if (replication !== "no") return refuse("replication connections are not supported");
    if (database === CONSOLE) {
      const allowed = this.isOwner({ database, user }) || accounts.mayWatch(user);
      return allowed || accounts.method === "any" ? undefined : refuse("not allowed");
    }
    const forced = this.host.environment.entryOf(database)?.user;
    if (accounts.method !== "any" || (forced !== null && forced !== undefined)) return undefined;
    return refuse("bouncer config error", true, "auth_type=any requires forced user");
  }

  /**
   * Counts the client for its database and user. One that does not exist, or whose user does not, goes
   * through the motions of a login all the same, so that nobody learns which names exist. False: refused.
   */
  private register({ database, user }: Startup): boolean {
    if (database === CONSOLE) return true;
    const { core, now, environment } = this.host;
    const known = environment.accounts.method === "any" || environment.accounts.knows(user);
    if (!known) this.log(`no such user: ${user}`);
    const place = known ? core.database(database) : -1;
    if (place < 0) return true;
    const login = environment.loginUser(database, user);
    if (!core.startup(now, this.handle, place, core.user(login))) return false;
    this.pool = core.clientPool(this.handle);
    return true;
  }

  /** Whoever can reach a socket that only we can reach may do everything, as user `pgbouncer`. */
  private isOwner({ database, user }: { database: string; user: string }): boolean {
    const console = database === CONSOLE && user === CONSOLE;
    return console && this.channel.unix && this.host.environment.socketIsPrivate;
  }

  private enter(scramKeys: ScramKeys | undefined, rest: Buffer): void {
    const startup = this.startup as Startup;
    if (startup.database === CONSOLE) this.enterConsole(startup, rest);
    else if (this.pool === undefined) this.reject(refuse(`no such database: ${startup.database}`));
    else this.enterPool(startup, this.pool, scramKeys, rest);
  }

  private enterPool(
    { variables, user }: Startup,
    pool: Pool,
    scramKeys: ScramKeys | undefined,
    rest: Buffer,
  ): void {
    const { host, handle, channel, identity } = this;
    if (scramKeys !== undefined && pool.user.settings.name === user)
      host.factsOf(pool).scramKeys = scramKeys;
    const tracked = host.values.max_prepared_statements > 0 && pool.mode !== "session";
    const statements = tracked ? new ClientStatements(host.statements) : undefined;
    const client = new Client(host, { handle, channel, identity, variables, statements, pool });
    client.keep(rest);
    this.phase = "over";
    channel.owner = client;
    host.admit(client);
    host.core.authenticated(host.now, handle);
  }

  /** The console is no business of the scheduler's: its sessions leave the core. */
  private enterConsole({ user }: Startup, rest: Buffer): void {
    const { accounts } = this.host.environment;
    const admin = accounts.isAdmin(user) || this.isOwner({ database: CONSOLE, user });
    this.host.disconnect(this);
    this.finish();
    const session = new ConsoleSession(this.host, this.channel, this.identity, admin);
    this.channel.owner = session;
    session.greet();
    if (rest.length > 0) session.take(rest, 0, rest.length);
  }

  // --- the end ---------------------------------------------------------------------------------------

  /** Refused by us: the core is told. */
  private reject(refusal: Refusal): void {
    this.host.disconnect(this);
    this.turnAway(refusal);
  }

  private turnAway({ told, sqlstate, text, detail = "" }: Refusal): void {
    const { log, values } = this.host;
    if (detail !== "") log.write("ERROR", detail, this.identity.label);
    this.note(text);
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

  private log(text: string): void {
    if (this.host.values.log_connections) this.host.log.write("LOG", text, this.identity.label);
  }

  private note(why: string): void {
    const text = `closing because: ${why} (age=${this.host.age(this.identity)}s)`;
    if (this.host.values.log_disconnections) this.host.log.write("LOG", text, this.identity.label);
  }
}
