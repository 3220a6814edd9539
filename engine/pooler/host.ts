/**
 * The host of the core: reads the clock once a turn, feeds inputs, settles, carries out effects, and arms
 * one timer for the core's deadline. Which client gets which server is decided in the core only.
 */
import type { Nanos, Pool } from "../core/index.ts";
import * as scheduler from "../core/index.ts";
import { Averages, statsLine } from "../show/averages.ts";
import { StatementTable } from "../wire/prepared.ts";
import { terminate } from "../wire/writer.ts";
import { Entrance } from "./entrance.ts";
import { ConsolePool } from "./relay/console-pool.ts";
import { Debugging } from "./relay/debugging.ts";
import type { Environment } from "./relay/environment.ts";
import { dropping } from "./relay/explain.ts";
import { PoolFacts } from "./relay/facts.ts";
import type { Identity } from "./relay/identity.ts";
import { KeyRing } from "./relay/key-ring.ts";
import type {
  ClientRole,
  ConsoleRole,
  Guest,
  HostRole,
  ServerRole,
  WaitObserver,
} from "./relay/roles.ts";
import { Suspension } from "./relay/suspension.ts";
import { Upstream } from "./relay/upstream.ts";
import type { Channel } from "./sockets/channel.ts";
import type { DoorsRole } from "./sockets/doors.ts";
import { askerOf } from "./sockets/name-servers.ts";
import { Resolver } from "./sockets/resolver.ts";
import { Tls } from "./sockets/tls.ts";
import { Clock } from "./system/clock.ts";
import type { Log } from "./system/log.ts";
import { statusOf, tellService } from "./system/service.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { Core, EFFECT, REASON, SECOND, TICK } = scheduler;

export class Host implements HostRole {
  now: Nanos = 0;
  readonly clock = new Clock();
  readonly core: scheduler.Core;
  readonly log: Log;
  readonly averages = new Averages(0);
  readonly statements = new StatementTable();
  readonly resolver: Resolver;
  port = 0;
  stopping: HostRole["stopping"] = false;
  environment: Environment;
  tls: Tls;
  readonly clients: (ClientRole | undefined)[] = [];
  /** Clients that are not in yet, and cancel requests, by handle. */
  readonly entrances: (Entrance | undefined)[] = [];
  readonly servers: (ServerRole | undefined)[] = [];
  readonly consoles = new Set<ConsoleRole>();
  readonly consolePool = new ConsolePool();
  readonly suspension: Suspension = new Suspension(this);
  readonly debugging: Debugging = new Debugging(this);
  /** Set by whoever runs the host. */
  doors: DoorsRole = { doors: [], passed: false, letGo() {}, async takeBack() {} };
  /** Told of every wait, when metrics are wanted. */
  waits: WaitObserver | undefined;
  /** The pooler is to stop listening to TCP, or has nothing more to do; set by whoever runs the host. */
  onShutdown: (mode: "immediate" | "graceful" | "complete") => void = () => {};
  /** Called on each maintenance tick, and when a new configuration is in force. */
  onTick: () => void = () => {};
  onAdopted: () => void = () => {};
  /** By pool: what is known of one goes when the core forgets it. */
  private readonly facts = new WeakMap<Pool, PoolFacts>();
  private readonly keys = new KeyRing();
  private timer: NodeJS.Timeout | undefined;
  private draining = false;
  /** Inputs came while effects were carried out: the turn goes another round. */
  private again = false;

  /** Errors: ConfigError if keys or certificates are not in order, or resolv_conf is not. */
  constructor(environment: Environment, log: Log) {
    this.environment = environment;
    const memory = {
      now: () => this.clock.now(),
      found: () => this.values.dns_max_ttl,
      missing: () => this.values.dns_nxdomain_ttl,
    };
    const ask = askerOf(environment.config);
    this.resolver = new Resolver(memory, (name, gone) => this.forsake(name, gone), ask);
    this.tls = new Tls(environment.config, log);
    this.log = log;
    this.core = new Core(environment.core, 0);
  }

  /** Settings of `[pgbouncer]` in force. */
  get values() {
    return this.environment.config.values;
  }

  // --- turns ---------------------------------------------------------------------------------------

  /** Starts the maintenance ticks. */
  start(): void {
    const due = this.suspension.on ? this.now + TICK : this.core.deadline();
    const wait = Math.ceil((due - this.clock.now()) / 1_000_000);
    this.timer = setTimeout(() => this.tick(), Math.max(1, wait));
  }

  /** Begins a turn: everything in it happens at one instant. */
  begin(): void {
    this.now = this.clock.now();
  }

  /** Ends a turn: carries out what the core has decided. */
  end(): void {
    do {
      this.again = this.core.settle(this.now);
      this.drain();
    } while (this.again);
  }

  private tick(): void {
    this.begin();
    if (this.suspension.on) this.suspension.look();
    else this.core.advance(this.now);
    this.end();
    if (this.averages.due(this.now, this.values.stats_period)) this.average();
    this.onTick();
    this.start();
  }

  private average(): void {
    const averages = this.averages.snapshot(this.now, [...this.core.pools, this.consolePool]);
    const line = statsLine(averages);
    if (this.values.log_stats) this.log.write("LOG", line);
    tellService(statusOf(line));
  }

  private drain(): void {
    const { effects } = this.core;
    this.draining = true;
    if (this.debugging.on) this.drainAloud();
    else
      while (effects.next()) this.act(effects.kind, effects.client, effects.server, effects.detail);
    this.draining = false;
  }

  /** The same, with what `verbose` says of it. */
  private drainAloud(): void {
    const { effects } = this.core;
    while (effects.next()) {
      const { kind, client, server, detail } = effects;
      if (kind !== EFFECT.open) this.debugging.tell(kind, client, server, detail);
      this.act(kind, client, server, detail);
      if (kind === EFFECT.open) this.debugging.tell(kind, client, server, detail);
    }
  }

  private act(kind: number, client: number, server: number, detail: number): void {
    switch (kind) {
      case EFFECT.grant:
        this.waits?.served(client, this.core.clientPool(client), this.now, true);
        (this.clients[client] ?? this.entrances[client])?.grant(this.servers[server] as ServerRole);
        return;
      case EFFECT.unlink:
        this.servers[server]?.unlinked(detail);
        return;
      case EFFECT.wait:
        this.waits?.waiting(client, this.now);
        return; // Its bytes are kept back from the moment it asked.
      case EFFECT.welcome:
        this.waits?.served(client, this.core.clientPool(client), this.now, false);
        this.clients[client]?.welcome();
        return;
      case EFFECT.drop:
        this.waits?.dropped(client);
        this.clients[client]?.drop(detail);
        this.entrances[client]?.drop(detail);
        return;
      case EFFECT.notice:
        this.clients[client]?.notice();
        return;
      case EFFECT.login:
        this.servers[server]?.logIn(this.clients[client]);
        return;
      case EFFECT.cancel:
        this.servers[server]?.sendCancel(
          detail < 0
            ? (this.entrances[client] as Entrance).key
            : (this.servers[detail] as ServerRole).key,
        );
        return;
      case EFFECT.paused:
      case EFFECT.reconnected:
        for (const session of this.consoles) session.completed(kind, detail);
        return;
      case EFFECT.forgotten_pool:
      case EFFECT.forgotten_database:
        this.noteForgotten(kind, detail);
        return;
      case EFFECT.stopped:
        this.onShutdown("complete");
        return;
      default:
        this.actOnServer(kind, server, detail);
    }
  }

  private noteForgotten(kind: number, handle: number): void {
    const { core, log } = this;
    if (kind === EFFECT.forgotten_database) {
      const { name } = core.databaseAt(handle).settings;
      log.write("WARNING", dropping(name));
      return;
    }
    const { user, database, last_active } = core.poolAt(handle);
    const age = Math.floor((this.now - last_active) / SECOND);
    const whose = `user ${user.settings.name} on db ${database.settings.name}`;
    log.write(
      "LOG",
      `cleaning up idle pool for ${whose} because: pool idle timeout (age= ${age}s)`,
    );
  }

  private actOnServer(kind: number, server: number, detail: number): void {
    switch (kind) {
      case EFFECT.open:
        this.open(server, detail);
        return;
      case EFFECT.close:
        this.servers[server]?.close(detail);
        return;
      case EFFECT.reset:
        this.servers[server]?.ask("reset", this.values.server_reset_query);
        return;
      case EFFECT.check: {
        const query = this.values.server_check_query;
        this.servers[server]?.ask("check", query === "<empty>" ? "" : query);
      }
    }
  }

  private open(server: number, reason: number): void {
    const pool = this.core.serverPool(server);
    if (reason === REASON.reserve) {
      const waiter = this.clients[pool.waiting.head];
      this.log.write("WARNING", "taking connection from reserve_pool", waiter?.identity.label);
    }
    const target = this.environment.nextTarget(pool, this.factsOf(pool));
    this.servers[server] = new Upstream(this, server, pool, target);
  }

  // --- inputs that may also come while effects are carried out ----------------------------------------

  request(client: Guest): void {
    this.core.request(this.now, client.handle);
    if (this.draining) this.again = true;
    else this.drain();
  }

  ready(server: ServerRole): void {
    if (this.debugging.on) this.debugging.times(server);
    this.again = this.draining;
    this.core.ready(this.now, server.handle, server.relay.status);
  }

  disconnect(guest: { readonly handle: number }): void {
    this.again = this.draining;
    this.core.disconnect(this.now, guest.handle);
  }

  abandon(client: Guest): void {
    this.again = this.draining;
    this.core.abandon(this.now, client.handle);
  }

  // --- who is there -----------------------------------------------------------------------------------

  /** A connection has come in. */
  accept(channel: Channel): void {
    this.begin();
    const entrance = new Entrance(this, channel);
    this.entrances[entrance.handle] = entrance;
    if (this.debugging.on) this.debugging.accepted(entrance);
    if (this.suspension.on) channel.freeze(); // As if it were still in the listen queue.
    this.end();
  }

  admit(client: ClientRole): void {
    this.entrances[client.handle] = undefined;
    this.clients[client.handle] = client;
  }

  /** A server that has come from another process. */
  admitServer(server: ServerRole): void {
    this.servers[server.handle] = server;
  }

  admitConsole(session: ConsoleRole): void {
    this.consoles.add(session);
    this.core.console(this.now, this.core.user(session.identity.user), 1);
  }

  forget(guest: Guest): void {
    const client = this.clients[guest.handle];
    if (client === guest) {
      this.clients[guest.handle] = undefined;
      this.keys.forget(client.key);
    } else if (this.entrances[guest.handle] === guest) this.entrances[guest.handle] = undefined;
  }

  forgetServer(server: ServerRole): void {
    this.servers[server.handle] = undefined;
  }

  forgetConsole(session: ConsoleRole): void {
    if (this.consoles.delete(session))
      this.core.console(this.now, this.core.user(session.identity.user), -1);
    if (this.consoles.size === 0 && this.suspension.end())
      this.log.write("LOG", "admin disappeared when suspended, doing RESUME");
    this.keys.forget(session.key);
  }

  newKey(owner: ClientRole | ConsoleRole, has?: Buffer): Buffer {
    return this.keys.give(owner, this.values.peer_id, has);
  }

  cancelTarget(key: Buffer): number | string {
    return this.keys.targetOf(key);
  }

  factsOf(pool: Pool): PoolFacts {
    let facts = this.facts.get(pool);
    if (facts === undefined) {
      facts = new PoolFacts(this.environment.variableNames);
      this.facts.set(pool, facts);
    }
    return facts;
  }

  /** Servers at addresses that the name of their machine has no more are to be closed. */
  private forsake(name: string, gone: ReadonlySet<string>): void {
    this.begin();
    for (const server of this.servers) {
      if (server === undefined || server.pool.peer > 0) continue;
      const entry = this.environment.entryOf(server.pool.database.settings.name);
      if (entry?.host === name && gone.has(server.identity.address))
        this.core.obsolete(this.now, server.handle);
    }
    this.end();
  }

  age(identity: Identity): number {
    return Math.floor((this.now - identity.since) / SECOND);
  }

  dateOf(at: Nanos): Date {
    return this.clock.date(at);
  }

  adopt(environment: Environment): boolean {
    this.environment = environment;
    this.core.reload(this.now, environment.core);
    const before = this.tls;
    this.tls = before.reloaded(environment.config);
    if (this.tls.reconnects(before)) this.core.reconnect(this.now);
    for (const server of this.servers) server?.reconfigure();
    for (const client of this.clients) client?.reconfigure();
    this.onAdopted();
    return this.tls !== before;
  }

  /** Cuts all connections but the consoles'. Resolves when they are closed. */
  async close(): Promise<void> {
    clearTimeout(this.timer);
    const guests = [...this.clients, ...this.entrances];
    for (const guest of guests) guest?.channel.destroy();
    for (const server of this.servers)
      if (this.suspension.handedOver) server?.channel.destroy();
      else server?.channel.close(terminate());
    await closed([...guests, ...this.servers]);
  }

  /** Cuts those: their end tells who has ordered ours that nothing of us is left. */
  async closeConsoles(): Promise<void> {
    const consoles = [...this.consoles];
    for (const console of consoles) console.channel.destroy();
    await closed(consoles);
  }

  shutdown(mode: "immediate" | "wait_for_servers" | "wait_for_clients"): void {
    this.stopping = mode;
    if (mode !== "immediate") this.core.shutdown(this.now, mode);
    this.onShutdown(mode === "immediate" ? "immediate" : "graceful");
  }
}

async function closed(ends: readonly ({ channel: Channel } | undefined)[]): Promise<void> {
  await Promise.all(ends.map((end) => end?.channel.closed()));
}
