/**
 * Several processes of the pooler on one port: each has a scheduler, pools and limits of its own, and the
 * kernel spreads connections over them by chance (so_reuseport). To the model they are one scheduler: a
 * handle tells its process, for no two of them use the same ones.
 */
import {
  Core,
  type CoreOptions,
  type CoreSettings,
  type Database,
  EffectQueue,
  type Nanos,
  type PeerSettings,
  type Pool,
  TICK,
  type User,
} from "../../engine/core/index.ts";
import { Stream } from "../kernel/streams.ts";

/** What the model asks of a scheduler. */
export type Scheduler = Pick<
  Core,
  | "accept"
  | "advance"
  | "authenticated"
  | "calm_until"
  | "cancel"
  | "clientCount"
  | "clientOf"
  | "closed"
  | "connected"
  | "database"
  | "databases"
  | "deadline"
  | "disconnect"
  | "effects"
  | "kill"
  | "loggedIn"
  | "loginFailed"
  | "pools"
  | "queryStart"
  | "ready"
  | "request"
  | "seek"
  | "serverCount"
  | "serverPool"
  | "serverState"
  | "settings"
  | "settle"
  | "shutdown"
  | "startup"
  | "user"
  | "users"
>;

/** Which process a session of a client of a kind is at, where that is known. */
export type Deal = (kind: string, number: number, session: number) => number | undefined;

/** What they are together. */
interface Group {
  seed: number;
  /** Who is where: known, or by chance. */
  deal?: Deal | undefined;
  /** They know each other. */
  peering: boolean;
  /** They will be relieved by others, beside which they run for a while. */
  relieved: boolean;
}

/** The processes as one scheduler. */
export class Processes implements Scheduler {
  readonly effects = new EffectQueue();
  /** Those that new connections go to. */
  readonly count: number;
  /** By place; one that is gone stands there until its place is used again. */
  private readonly cores: Core[] = [];
  /** Places of those that run, in order. */
  private running: number[] = [];
  /** Where the first of them is that new connections go to. */
  private base = 0;
  /** Places: twice the count if others may run beside them. */
  private readonly places: number;
  /** Processes that have had an input in this turn. */
  private readonly touched: Uint8Array;
  /** The process that the next connection goes to. */
  private target = 0;
  private readonly streams = new Map<string, Stream>();
  private readonly group: Group;
  private readonly core: CoreSettings;
  private readonly options: CoreOptions;

  /** `count` of them since `now`; their maintenance ticks are spread evenly, as nothing makes them agree. */
  constructor(
    settings: CoreSettings,
    now: Nanos,
    count: number,
    group: Group,
    options: CoreOptions,
  ) {
    this.count = count;
    this.group = group;
    this.places = group.relieved ? 2 * count : count;
    this.options = options;
    const peers = peersOf(settings, this.places);
    this.core = group.peering ? { ...settings, peers } : settings;
    this.touched = new Uint8Array(this.places);
    this.begin(now);
  }

  private begin(now: Nanos): void {
    const { base, count, effects, places: step } = this;
    this.target = base;
    for (let i = 0; i < count; i++) {
      const phase = now + Math.floor((i * TICK) / count);
      const handles = { first: base + i, step };
      this.cores[base + i] = new Core(this.core, phase, { ...this.options, effects, handles });
      this.running.push(base + i);
    }
  }

  /** Others begin, and take all new connections; these go as SHUTDOWN says. */
  relieve(now: Nanos, mode: "immediate" | Parameters<Core["shutdown"]>[1]): void {
    const old = this.running;
    if (mode === "immediate") this.retire(now, old);
    else for (const process of old) this.at(process).shutdown(now, mode);
    this.base = this.base === 0 ? this.count : 0;
    this.begin(now);
  }

  /** Some that have been relieved are still there. */
  get relieving(): boolean {
    return this.running.length > this.count;
  }

  /** Those that have been relieved are gone, if they are not yet. */
  retireOld(now: Nanos): void {
    const { base, count } = this;
    this.retire(
      now,
      this.running.filter((process) => process < base || process >= base + count),
    );
  }

  private retire(now: Nanos, processes: readonly number[]): void {
    this.running = this.running.filter((process) => !processes.includes(process));
    for (const process of processes) {
      (this.cores[process] as Core).kill(now);
      this.touched[process] = 0;
    }
  }

  /** Those that run, by what they have. */
  private get living(): Core[] {
    return this.running.map((process) => this.cores[process] as Core);
  }

  /** Pools of those that new connections go to. */
  get poolsAhead(): readonly Pool[] {
    return this.cores.slice(this.base, this.base + this.count).flatMap((core) => core.pools);
  }

  /** Its process is there. */
  isThere(handle: number): boolean {
    return this.running.includes(this.processOf(handle));
  }

  /** Chooses the process for session `session` of client `number` of a kind, or for a `part` of it. */
  choose(kind: string, number: number, session: number, part = 0): void {
    const dealt = this.group.deal?.(kind, number, session);
    if (dealt !== undefined) {
      this.target = this.base + dealt;
      return;
    }
    let stream = this.streams.get(kind);
    if (stream === undefined) {
      stream = new Stream(this.group.seed, kind, "process");
      this.streams.set(kind, stream);
    }
    const chance = stream.uniform(number, session, part);
    this.target = this.base + Math.floor(chance * this.count);
  }

  /** The next connection goes to where this client or server is. */
  join(handle: number): void {
    this.target = this.processOf(handle);
  }

  /** Which process a client or a server belongs to. */
  processOf(handle: number): number {
    return handle % this.places;
  }

  private at(process: number): Core {
    this.touched[process] = 1;
    return this.cores[process] as Core;
  }

  private of(handle: number): Core {
    return this.at(handle % this.places);
  }

  private look(handle: number): Core {
    return this.cores[handle % this.places] as Core;
  }

  private get first(): Core {
    return this.cores[this.base] as Core;
  }

  // Names have the same handles everywhere: they are asked for in the same order.

  database(name: string): number {
    return Math.max(...this.living.map((core) => core.database(name)));
  }

  user(name: string): number {
    return Math.max(...this.living.map((core) => core.user(name)));
  }

  accept(now: Nanos): number {
    return this.at(this.target).accept(now);
  }

  startup(now: Nanos, client: number, database: number, user: number): boolean {
    return this.of(client).startup(now, client, database, user);
  }

  authenticated(now: Nanos, client: number): void {
    this.of(client).authenticated(now, client);
  }

  request(now: Nanos, client: number): number {
    return this.of(client).request(now, client);
  }

  seek(now: Nanos, client: number): boolean {
    return this.of(client).seek(now, client);
  }

  disconnect(now: Nanos, client: number): void {
    this.of(client).disconnect(now, client);
  }

  /** `target` is a client of the same process. */
  cancel(now: Nanos, client: number, target: number): void {
    this.of(client).cancel(now, client, target);
  }

  /** The same where `target` is another process's. */
  cancelAtPeer(now: Nanos, client: number, target: number): void {
    this.of(client).cancelAtPeer(now, client, this.processOf(target) + 1);
  }

  connected(now: Nanos, server: number): void {
    this.of(server).connected(now, server);
  }

  loggedIn(now: Nanos, server: number): void {
    this.of(server).loggedIn(now, server);
  }

  loginFailed(now: Nanos, server: number, fatal: boolean): void {
    this.of(server).loginFailed(now, server, fatal);
  }

  ready(now: Nanos, server: number, status: number): void {
    this.of(server).ready(now, server, status);
  }

  closed(now: Nanos, server: number): void {
    this.of(server).closed(now, server);
  }

  shutdown(now: Nanos, mode: Parameters<Core["shutdown"]>[1]): void {
    for (const process of this.running) this.at(process).shutdown(now, mode);
  }

  /** Of everything. */
  kill(now: Nanos): void {
    for (const process of this.running) this.at(process).kill(now);
  }

  /** Which process has something to settle is told by `touched`. */
  get calm_until(): Nanos {
    return 0;
  }

  /** Ends the turn of each process that has had an input. */
  settle(now: Nanos): boolean {
    let unfinished = false;
    for (const process of this.running) {
      if (this.touched[process] === 0) continue;
      const more = (this.cores[process] as Core).settle(now);
      if (!more) this.touched[process] = 0;
      unfinished ||= more;
    }
    return unfinished;
  }

  /** The earliest tick of all. */
  deadline(): Nanos {
    return Math.min(...this.living.map((core) => core.deadline()));
  }

  /** Runs the ticks that are due. */
  advance(now: Nanos): void {
    for (const process of this.running)
      if (now >= (this.cores[process] as Core).deadline()) this.at(process).advance(now);
  }

  clientOf(server: number): number {
    return this.look(server).clientOf(server);
  }

  serverPool(server: number): Pool {
    return this.look(server).serverPool(server);
  }

  serverState(server: number): number {
    return this.look(server).serverState(server);
  }

  queryStart(client: number): Nanos {
    return this.look(client).queryStart(client);
  }

  /** Those of all processes. */
  get pools(): readonly Pool[] {
    return this.living.flatMap((core) => core.pools);
  }

  get databases(): readonly Database[] {
    return this.living.flatMap((core) => core.databases);
  }

  get users(): readonly User[] {
    return this.first.users;
  }

  get settings(): CoreSettings {
    return this.first.settings;
  }

  get clientCount(): number {
    return this.living.reduce((sum, core) => sum + core.clientCount, 0);
  }

  get serverCount(): number {
    return this.living.reduce((sum, core) => sum + core.serverCount, 0);
  }
}

/** All of them, numbered from 1, with what the ini says of those that it has. */
const peersOf = ({ peers = [] }: CoreSettings, count: number): PeerSettings[] =>
  Array.from({ length: count }, (_, i) => peers.find(({ id }) => id === i + 1) ?? { id: i + 1 });
