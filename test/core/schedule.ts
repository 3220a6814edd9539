/**
 * Random schedules for the properties: what clients, servers, faults, the console and time can do. What
 * is possible at a step is read off the book; a step that is not possible does nothing.
 */
import { type CoreSettings, SERVER, STATUS, TICK } from "../../engine/core/index.ts";
import { Book, type Phase } from "./book.ts";
import { memory } from "./inside.ts";

/** What a step may do. Common ones stand twice. */
export const WORK = ["login", "request", "request", "ready", "ready", "connected"] as const;
export const TIME = ["loggedIn", "leave", "wait", "tick", "vanish"] as const;
export const FAULTS = ["refuse", "crash", "speak", "killClient"] as const;
/** These open servers past pool_size: cancels, and a welcome that is unknown. */
export const BEYOND = ["cancel", "reconnect", "reload", "adopt"] as const;
export const CONSOLE = ["pause", "resume", "suspend", "kill"] as const;
type Groups = typeof WORK | typeof TIME | typeof FAULTS | typeof BEYOND | typeof CONSOLE;
export type Action = Groups[number];

/** One step: what to do, a number that picks to whom, and a number more. */
export type Step = readonly [action: Action, pick: number, value: number];

export class Schedule extends Book {
  private readonly variants: readonly CoreSettings[];

  /** Starts with the first of `variants`; RELOAD brings one of them. */
  constructor(variants: readonly CoreSettings[]) {
    super(variants[0] as CoreSettings);
    this.variants = variants;
  }

  /** Does one step as a turn of its own. */
  step([action, pick, value]: Step): void {
    this[action](pick, value);
    this.turn();
  }

  /** Lets everybody finish without a fault, for up to `ticks`. False: somebody still waits. */
  finish(ticks: number): boolean {
    this.core.resume(this.now);
    for (const { id } of this.core.databases) this.core.resume(this.now, id);
    this.calm = true;
    this.turn();
    for (let i = 0; i < ticks && this.waiting() > 0; i++) {
      while (this.finishOne()) this.turn();
      this.tick();
      this.turn();
    }
    return this.waiting() === 0;
  }

  /** Brings one server a step nearer to its rest. False: all are at rest. */
  private finishOne(): boolean {
    const { core, now } = this;
    const carrier = this.pickServer(0, SERVER.active_cancel);
    const tested = this.pickServer(0, SERVER.tested);
    const active = this.pickServer(0, SERVER.active);
    if (carrier >= 0) this.end(carrier);
    else if (tested >= 0) core.ready(now, tested, STATUS.idle);
    else if (this.pickBooked(0, "connecting") >= 0) this.connected(0);
    else if (this.pickBooked(0, "logging in") >= 0) this.loggedIn(0);
    else if (active < 0) return false;
    else if (memory(core).servers.ints[active * 16 + 5] !== STATUS.idle)
      core.ready(now, active, STATUS.idle);
    else this.away(core.clientOf(active));
    return true;
  }

  // --- clients -----------------------------------------------------------------------------------------

  login(pick: number, value: number): void {
    const { core } = this;
    const client = core.accept(this.now);
    this.check(!this.clients.has(client), `accept gave a handle in use: ${client}`);
    this.clients.set(client, "new");
    const database = core.database(["a", "b", "c"][pick % 3] as string);
    if (database < 0) {
      this.away(client);
      return;
    }
    const user = core.user(["u", "v"][value % 2] as string);
    if (!core.startup(this.now, client, database, user)) return;
    if (value % 11 === 10) {
      this.replicating.add(client);
      core.replicate(this.now, client);
    }
    if (value % 13 !== 12) core.authenticated(this.now, client);
  }

  request(pick: number): void {
    const client = this.pickClient(pick, "idle", "linked");
    if (client >= 0) this.core.request(this.now, client);
  }

  leave(pick: number): void {
    const client = this.pickClient(pick, "idle", "linked", "cancel");
    if (client >= 0) this.away(client);
  }

  vanish(pick: number): void {
    const client = this.pickClient(pick, "waiting");
    if (client >= 0) this.gone.add(client);
  }

  cancel(pick: number): void {
    const target = [...this.clients.keys()][pick % Math.max(1, this.clients.size)] ?? -1;
    const client = this.core.accept(this.now);
    this.clients.set(client, "cancel");
    this.core.cancel(this.now, client, target);
  }

  private away(client: number): void {
    this.core.disconnect(this.now, client);
    this.drain();
    this.forget(client);
  }

  // --- servers -----------------------------------------------------------------------------------------

  ready(pick: number, value: number): void {
    const server = this.pickServer(pick, SERVER.active, SERVER.tested);
    if (server < 0) return;
    const tested = this.core.serverState(server) === SERVER.tested;
    const often = tested && value % 8 !== 0; // A reset or check fails rarely, a transaction goes on often.
    this.core.ready(this.now, server, often ? STATUS.idle : ([0, 0, 1, 2][value % 4] as number));
  }

  connected(pick: number): void {
    const server = this.pickBooked(pick, "connecting");
    if (server >= 0) this.core.connected(this.now, server);
  }

  loggedIn(pick: number): void {
    const server = this.pickBooked(pick, "logging in");
    if (server < 0) return;
    this.servers.set(server, "in");
    this.core.loggedIn(this.now, server);
  }

  refuse(pick: number, value: number): void {
    const server = this.pickBooked(pick, value % 2 === 0 ? "connecting" : "logging in");
    if (server < 0) return;
    this.servers.delete(server);
    this.core.loginFailed(this.now, server, value % 4 === 1);
  }

  crash(pick: number): void {
    const server = [...this.servers.keys()][pick % Math.max(1, this.servers.size)];
    if (server !== undefined) this.end(server);
  }

  private end(server: number): void {
    this.servers.delete(server);
    this.core.closed(this.now, server);
  }

  /** A client, with a server or without, or a server alone comes from another process. */
  adopt(pick: number, value: number): void {
    const { core, now } = this;
    const database = core.database(["a", "b", "c"][pick % 3] as string);
    const user = core.user(["u", "v"][value % 2] as string);
    if (database < 0) return;
    if (value % 3 === 0) {
      this.adoptServer(-1, database, user);
      return;
    }
    const client = core.accept(now);
    this.clients.set(client, "idle");
    if (!core.startup(now, client, database, user)) return;
    core.adoptClient(now, client);
    if (value % 3 === 1) return;
    this.adoptServer(client, database, user);
    this.clients.set(client, "linked");
  }

  private adoptServer(client: number, database: number, user: number): void {
    const server = this.core.adoptServer(this.now, client, database, user);
    this.check(!this.servers.has(server), `adoptServer gave a handle in use: ${server}`);
    this.servers.set(server, "in");
  }

  // --- time and console ----------------------------------------------------------------------------------

  /** Some milliseconds, but never past the deadline. */
  wait(_pick: number, value: number): void {
    this.now = Math.min(this.now + value * 7_000_000, this.core.deadline() - 1);
  }

  tick(): void {
    const deadline = this.core.deadline();
    this.check(deadline > this.now, "the deadline is in the past");
    this.check(deadline <= this.now + TICK, "the deadline is further away than a tick");
    this.now = deadline;
    this.core.advance(deadline);
  }

  pause(pick: number): void {
    this.core.pause(this.now, this.entry(pick));
  }

  resume(pick: number): void {
    this.core.resume(this.now, this.entry(pick));
  }

  /** A server says something unasked. */
  speak(pick: number, value: number): void {
    const server = this.pickServer(pick, value % 2 === 0 ? SERVER.idle : SERVER.used);
    if (server >= 0) this.core.ready(this.now, server, value % 3 === 0 ? STATUS.idle : STATUS.busy);
  }

  /** SUSPEND of one pool, or the end of somebody's patience. */
  suspend(pick: number, value: number): void {
    const client = value % 2 === 0 ? this.pickClient(pick, "idle", "linked", "waiting") : -1;
    const pool = this.core.pools[pick % Math.max(1, this.core.pools.length)];
    if (client >= 0) this.core.dropLate(this.now, client);
    else if (pool !== undefined) this.core.closeUnsafe(this.now, pool.id);
  }

  reconnect(pick: number): void {
    this.core.reconnect(this.now, this.entry(pick));
  }

  kill(pick: number, value: number): void {
    if (value % 4 === 0) this.core.kill(this.now, this.entry(pick));
  }

  killClient(pick: number): void {
    const client = this.pickClient(pick, "idle", "linked", "waiting", "cancel");
    if (client >= 0) this.core.killClient(this.now, client);
  }

  reload(pick: number): void {
    this.core.reload(this.now, this.variants[pick % this.variants.length] as CoreSettings);
  }

  /** Handle of a database; -1: all of them. */
  private entry(pick: number): number {
    return this.core.databases[(pick % 4) - 1]?.id ?? -1;
  }

  // --- who can ---------------------------------------------------------------------------------------------

  private pickClient(pick: number, ...phases: Phase[]): number {
    const found = [...this.clients].filter(([, phase]) => phases.includes(phase));
    return found[pick % Math.max(1, found.length)]?.[0] ?? -1;
  }

  private pickBooked(pick: number, state: "connecting" | "logging in"): number {
    const found = [...this.servers].filter(([, at]) => at === state);
    return found[pick % Math.max(1, found.length)]?.[0] ?? -1;
  }

  private pickServer(pick: number, ...states: number[]): number {
    const found = [...this.servers.keys()].filter((one) =>
      states.includes(this.core.serverState(one)),
    );
    return found[pick % Math.max(1, found.length)] ?? -1;
  }
}
