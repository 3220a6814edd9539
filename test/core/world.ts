/**
 * A small host of the core for tests. Clients have names ("a"), servers are named in the order in which
 * they are opened ("s1", "s2"). Effects are carried out at once and written down as short sentences;
 * a server connects and answers after a set time, or only when the test says so.
 */
import {
  CLIENT,
  Core,
  type CoreSettings,
  type Discipline,
  EFFECT,
  EFFECT_NAMES,
  type Nanos,
  REASON_NAMES,
  SECOND,
  STAT,
  STATUS,
  TICK,
} from "../../engine/core/index.ts";
import { HAND, settings } from "./helpers.ts";
import { memory, walk } from "./inside.ts";

interface Later {
  at: Nanos;
  run: () => void;
}

export interface WorldOptions {
  /** Time that a connection takes; HAND: until `connect`, `logIn` or `fail`. */
  connect?: Nanos;
  /** Time that a reset, check or cancel takes; HAND: until `answer` or `close`. */
  answer?: Nanos;
  /** Who is served next; PgBouncer's rule when left out. */
  discipline?: Discipline;
}

export class World {
  readonly core: Core;
  now: Nanos = 0;
  connectTime: Nanos;
  answerTime: Nanos;
  /** Everything that has happened, with its time. */
  readonly log: { now: Nanos; text: string }[] = [];
  private taken = 0;
  private opened = 0;
  private readonly clients = new Map<string, number>();
  private readonly clientNames = new Map<number, string>();
  private readonly servers = new Map<string, number>();
  private readonly serverNames = new Map<number, string>();
  private readonly gone = new Set<string>();
  private readonly agenda: Later[] = [];
  /** An input came while effects were carried out: the turn goes another round. */
  private again = false;

  constructor(changes: Partial<CoreSettings> = {}, options: WorldOptions = {}) {
    this.core = new Core(settings(changes), 0, { discipline: options.discipline });
    this.connectTime = options.connect ?? 0;
    this.answerTime = options.answer ?? 0;
  }

  // --- clients -------------------------------------------------------------------------------------

  /** Connects and logs in, in one turn. */
  login(name: string, user = "u", database = "db", replication = false): this {
    return this.turn(() => {
      this.accept(name);
      if (!this.startup(name, user, database)) return;
      if (replication) this.core.replicate(this.now, this.client(name));
      this.core.authenticated(this.now, this.client(name));
    });
  }

  /** Logs in as a client that wants a replication connection. */
  replicate(name: string, user = "u", database = "db"): this {
    return this.login(name, user, database, true);
  }

  /** Logs in several clients: "a b c". */
  logins(names: string, user = "u", database = "db"): this {
    for (const name of names.split(" ")) this.login(name, user, database);
    return this;
  }

  /** Only connects; for tests of the login itself. Belongs into a turn. */
  accept(name: string): void {
    const handle = this.core.accept(this.now);
    this.clients.set(name, handle);
    this.clientNames.set(handle, name);
  }

  startup(name: string, user = "u", database = "db"): boolean {
    const { core } = this;
    return core.startup(this.now, this.client(name), core.database(database), core.user(user));
  }

  /** The first packet of a query; several clients "a b" ask in one turn each. */
  request(names: string): this {
    for (const name of names.split(" "))
      this.turn(() => this.core.request(this.now, this.client(name)));
    return this;
  }

  /** The client's socket ends. One that waits is only noticed at its grant, as in PgBouncer. */
  leave(name: string): this {
    const handle = this.client(name);
    if (this.waits(name)) {
      this.gone.add(name);
      return this;
    }
    return this.turn(() => {
      this.forgetClient(handle);
      this.core.disconnect(this.now, handle);
    });
  }

  cancel(name: string, target: string): this {
    return this.turn(() => {
      this.accept(name);
      const handle = this.clients.get(target) ?? -1;
      this.core.cancel(this.now, this.client(name), handle);
    });
  }

  /** Its queue place is taken: it waits for a server or for its welcome. */
  waits(name: string): boolean {
    const state = this.core.clientState(this.client(name));
    return state === CLIENT.waiting || state === CLIENT.waiting_login;
  }

  /** Waiters of the pool, oldest first: "a b". */
  queue(user = "u", database = "db"): string {
    return this.list(this.pool(user, database).waiting.head, this.clientNames, "clients");
  }

  // --- servers -------------------------------------------------------------------------------------

  /** The server of a client answers: ReadyForQuery with `status`. Several: "a b". */
  finish(names: string, status: keyof typeof STATUS = "idle"): this {
    for (const name of names.split(" ")) {
      const server = this.core.serverOf(this.client(name));
      this.turn(() => this.core.ready(this.now, server, STATUS[status]));
    }
    return this;
  }

  /** Answers a reset or a check by hand. */
  answer(name: string, status: keyof typeof STATUS = "idle"): this {
    return this.turn(() => this.core.ready(this.now, this.server(name), STATUS[status]));
  }

  connected(name: string): this {
    return this.turn(() => this.core.connected(this.now, this.server(name)));
  }

  loggedIn(name: string): this {
    return this.turn(() => this.core.loggedIn(this.now, this.server(name)));
  }

  /** Connected and logged in at once. */
  connect(name: string): this {
    return this.connected(name).loggedIn(name);
  }

  /** Not connected, or refused by the server: `fatal`. */
  fail(name: string, fatal = false): this {
    const server = this.server(name);
    return this.turn(() => {
      this.forgetServer(server);
      this.core.loginFailed(this.now, server, fatal);
    });
  }

  /** The socket of a server ends by itself; also: its cancel request was sent. */
  close(name: string): this {
    const server = this.server(name);
    return this.turn(() => {
      this.forgetServer(server);
      this.core.closed(this.now, server);
    });
  }

  // --- time ----------------------------------------------------------------------------------------

  /** One turn of the host: inputs, the core's end of turn, effects; then whatever is due by now. */
  turn(input: (world: World) => void = () => {}): this {
    input(this);
    this.drain();
    do {
      this.again = false;
      this.core.settle(this.now);
      this.drain();
    } while (this.again);
    this.runDue();
    return this;
  }

  /** Runs to the time `until`, with all ticks and answers up to and including it. */
  to(until: Nanos): this {
    for (;;) {
      const next = Math.min(this.core.deadline(), this.agenda[0]?.at ?? until + 1);
      if (next > until) break;
      this.now = next;
      if (this.core.deadline() <= next) this.turn(() => this.core.advance(this.now));
      else this.runDue();
    }
    this.now = until;
    return this;
  }

  wait(duration: Nanos): this {
    return this.to(this.now + duration);
  }

  /** Runs `count` more ticks and stops right after the last of them. */
  ticks(count = 1): this {
    for (let i = 0; i < count; i++) this.to(this.core.deadline());
    return this;
  }

  /** To the end of the tick number `number`, which is at `number` * 333 333 us. */
  tick(number: number): this {
    return this.to(number * TICK);
  }

  // --- what happened -------------------------------------------------------------------------------

  /** What has happened since the last `take`, without times. */
  take(): string[] {
    const lines = this.log.slice(this.taken).map((line) => line.text);
    this.taken = this.log.length;
    return lines;
  }

  /** Forgets what has happened so far. */
  quiet(): this {
    this.taken = this.log.length;
    return this;
  }

  /** Only the lines of `take` that begin with one of `words`. */
  only(...words: string[]): string[] {
    return this.take().filter((line) => words.some((word) => line.startsWith(word)));
  }

  /** Everything so far as a golden trace: seconds, then what. */
  history(): string {
    return this.log.map(({ now, text }) => `${(now / SECOND).toFixed(6)} ${text}\n`).join("");
  }

  note(text: string): this {
    this.log.push({ now: this.now, text: `# ${text}` });
    return this;
  }

  pool(user = "u", database = "db") {
    const pool = this.core.pools.find(
      (one) => one.user.settings.name === user && one.database.settings.name === database,
    );
    if (pool === undefined) throw new Error(`no pool of ${user} on ${database}`);
    return pool;
  }

  stat(name: keyof typeof STAT, user = "u", database = "db"): number {
    return this.pool(user, database).stats[STAT[name]] as number;
  }

  /** Idle servers from the head: "s2 s1". */
  idle(user = "u", database = "db"): string {
    return this.list(this.pool(user, database).idle.head, this.serverNames, "servers");
  }

  used(user = "u", database = "db"): string {
    return this.list(this.pool(user, database).used.head, this.serverNames, "servers");
  }

  client(name: string): number {
    const handle = this.clients.get(name);
    if (handle === undefined) throw new Error(`no client "${name}"`);
    return handle;
  }

  server(name: string): number {
    const handle = this.servers.get(name);
    if (handle === undefined) throw new Error(`no server "${name}"`);
    return handle;
  }

  /** Is this client or server still there? */
  alive(name: string): boolean {
    return this.clients.has(name) || this.servers.has(name);
  }

  // --- effects -------------------------------------------------------------------------------------

  private drain(): void {
    const { effects } = this.core;
    while (effects.next()) {
      const { kind, client, server, detail } = effects;
      if (kind === EFFECT.open) this.open(server);
      this.log.push({ now: this.now, text: this.describe(kind, client, server, detail) });
      this.act(kind, client, server);
    }
  }

  private describe(kind: number, client: number, server: number, detail: number): string {
    const words: string[] = [EFFECT_NAMES[kind] as string];
    if (client >= 0) words.push(this.clientNames.get(client) ?? "?");
    if (server >= 0) words.push(this.serverNames.get(server) ?? "?");
    if (kind === EFFECT.cancel) words.push(this.serverNames.get(detail) ?? "?");
    else if (kind === EFFECT.paused || kind === EFFECT.reconnected)
      words.push(detail < 0 ? "all" : (memory(this.core).databases[detail]?.settings.name ?? "?"));
    else if (detail >= 0) words.push(REASON_NAMES[detail] as string);
    return words.join(" ");
  }

  private act(kind: number, client: number, server: number): void {
    switch (kind) {
      case EFFECT.drop:
        this.forgetClient(client);
        return;
      case EFFECT.close:
        this.forgetServer(server);
        return;
      case EFFECT.open:
        this.later(this.connectTime, server, (name) => this.connected(name));
        return;
      case EFFECT.login:
        if (this.connectTime !== HAND) this.later(0, server, (name) => this.loggedIn(name));
        return;
      case EFFECT.reset:
      case EFFECT.check:
        this.later(this.answerTime, server, (name) => this.answer(name));
        return;
      case EFFECT.cancel:
        this.later(this.answerTime, server, (name) => this.close(name));
        return;
      case EFFECT.grant:
        this.abandonIfGone(client);
    }
  }

  /** A waiter that has left is noticed when its turn comes. */
  private abandonIfGone(client: number): void {
    const name = this.clientNames.get(client) ?? "?";
    if (!this.gone.has(name)) return;
    this.forgetClient(client);
    this.core.abandon(this.now, client);
    this.again = true;
  }

  private open(server: number): void {
    const name = `s${++this.opened}`;
    this.servers.set(name, server);
    this.serverNames.set(server, name);
  }

  /** Its handle keeps the name until it is used again: an `unlink` may still speak of it. */
  private forgetClient(handle: number): void {
    const name = this.clientNames.get(handle) ?? "?";
    this.clients.delete(name);
    this.gone.delete(name);
  }

  private forgetServer(handle: number): void {
    this.servers.delete(this.serverNames.get(handle) ?? "?");
  }

  /** Does something to a server after `delay`, unless it is closed by then. */
  private later(delay: Nanos, server: number, run: (name: string) => void): void {
    if (delay === HAND) return;
    const name = this.serverNames.get(server) as string;
    const at = this.now + delay;
    this.agenda.push({ at, run: () => this.servers.has(name) && run(name) });
    this.agenda.sort((one, other) => one.at - other.at);
  }

  private runDue(): void {
    for (;;) {
      const first = this.agenda[0];
      if (first === undefined || first.at > this.now) return;
      this.agenda.shift();
      first.run();
    }
  }

  private list(head: number, names: Map<number, string>, kind: "clients" | "servers"): string {
    const { ints } = memory(this.core)[kind];
    return walk(ints, head)
      .map((handle) => names.get(handle) ?? "?")
      .join(" ");
  }
}
