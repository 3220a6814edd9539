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

/** Who is where: known, or by chance. */
interface Chance {
  seed: number;
  deal?: Deal | undefined;
}

export class Processes implements Scheduler {
  readonly effects = new EffectQueue();
  private readonly cores: readonly Core[];
  /** Processes that have had an input in this turn. */
  private readonly touched: Uint8Array;
  /** The process that the next connection goes to. */
  private target = 0;
  private readonly seed: number;
  private readonly streams = new Map<string, Stream>();
  private readonly deal: Deal | undefined;

  /** `count` of them since `now`; their maintenance ticks are spread evenly, as nothing makes them agree. */
  constructor(
    settings: CoreSettings,
    now: Nanos,
    count: number,
    { seed, deal, peering }: Chance & { peering: boolean },
    options: CoreOptions,
  ) {
    this.seed = seed;
    this.deal = deal;
    const each = peering ? { ...settings, peers: peersOf(settings, count) } : settings;
    this.touched = new Uint8Array(count);
    this.cores = Array.from({ length: count }, (_, first) => {
      const phase = now + Math.floor((first * TICK) / count);
      const { effects } = this;
      return new Core(each, phase, { ...options, effects, handles: { first, step: count } });
    });
  }

  get count(): number {
    return this.cores.length;
  }

  /** Chooses the process for session `session` of client `number` of a kind, or for a `part` of it. */
  choose(kind: string, number: number, session: number, part = 0): void {
    const dealt = this.deal?.(kind, number, session);
    if (dealt !== undefined) {
      this.target = dealt;
      return;
    }
    let stream = this.streams.get(kind);
    if (stream === undefined) {
      stream = new Stream(this.seed, kind, "process");
      this.streams.set(kind, stream);
    }
    this.target = Math.floor(stream.uniform(number, session, part) * this.cores.length);
  }

  /** The next connection goes to where this client or server is. */
  join(handle: number): void {
    this.target = this.processOf(handle);
  }

  /** Which process a client or a server belongs to. */
  processOf(handle: number): number {
    return handle % this.cores.length;
  }

  private at(process: number): Core {
    this.touched[process] = 1;
    return this.cores[process] as Core;
  }

  private of(handle: number): Core {
    return this.at(handle % this.cores.length);
  }

  private look(handle: number): Core {
    return this.cores[handle % this.cores.length] as Core;
  }

  private get first(): Core {
    return this.cores[0] as Core;
  }

  // Names have the same handles everywhere: they are asked for in the same order.

  database(name: string): number {
    return Math.max(...this.cores.map((core) => core.database(name)));
  }

  user(name: string): number {
    return Math.max(...this.cores.map((core) => core.user(name)));
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
    for (const process of this.cores.keys()) this.at(process).shutdown(now, mode);
  }

  /** Of everything. */
  kill(now: Nanos): void {
    for (const process of this.cores.keys()) this.at(process).kill(now);
  }

  /** Which process has something to settle is told by `touched`. */
  get calm_until(): Nanos {
    return 0;
  }

  /** Ends the turn of each process that has had an input. */
  settle(now: Nanos): boolean {
    let unfinished = false;
    for (const [process, core] of this.cores.entries()) {
      if (this.touched[process] === 0) continue;
      const more = core.settle(now);
      if (!more) this.touched[process] = 0;
      unfinished ||= more;
    }
    return unfinished;
  }

  /** The earliest tick of all. */
  deadline(): Nanos {
    return Math.min(...this.cores.map((core) => core.deadline()));
  }

  /** Runs the ticks that are due. */
  advance(now: Nanos): void {
    for (const [process, core] of this.cores.entries())
      if (now >= core.deadline()) this.at(process).advance(now);
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
    return this.cores.flatMap((core) => core.pools);
  }

  get databases(): readonly Database[] {
    return this.cores.flatMap((core) => core.databases);
  }

  get users(): readonly User[] {
    return this.first.users;
  }

  get settings(): CoreSettings {
    return this.first.settings;
  }

  get clientCount(): number {
    return this.cores.reduce((sum, core) => sum + core.clientCount, 0);
  }

  get serverCount(): number {
    return this.cores.reduce((sum, core) => sum + core.serverCount, 0);
  }
}

/** All of them, numbered from 1, with what the ini says of those that it has. */
const peersOf = ({ peers = [] }: CoreSettings, count: number): PeerSettings[] =>
  Array.from({ length: count }, (_, i) => peers.find(({ id }) => id === i + 1) ?? { id: i + 1 });
