/**
 * A simulated run as a film: every change of every client, with its time. The run is the simulator's own,
 * and so is the scheduler; the film only looks on, through the tape that journals are written with.
 */
import {
  CLIENT,
  Core,
  INPUT,
  type Nanos,
  type PoolMode,
  type Tape,
} from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { IDEAL } from "../model/machine.ts";
import { drive } from "../model/model.ts";
import { M, PHASE } from "../model/population.ts";
import { Run } from "../model/run.ts";
import { configured, connectionsOf } from "./pools.ts";

/** What a client does, as the pictures tell it. `holding`: it has a server that does nothing for it. */
export const STATES = ["away", "thinking", "waiting", "working", "holding"] as const;
export type State = (typeof STATES)[number];

/** One change: client number `client` (from 1) is `state` now, on server number `server` (from 1; 0: none). */
export interface Change {
  at: Nanos;
  client: number;
  state: State;
  server: number;
}

export interface Film {
  pool_mode: PoolMode;
  clients: number;
  /** Connections of all pools. */
  servers: number;
  /** Length of the film. */
  length: Nanos;
  /** In order of time. */
  changes: Change[];
  /** Events that were simulated for it, and looks at single clients. */
  cost: number;
}

/**
 * Films the first `length` of a workload, from an empty pool on. Errors: ConfigError; RangeError for a pooler
 * of several processes.
 */
export function film(workload: Workload, length: Nanos): Film {
  const run = new Run(workload, {
    seed: workload.run.seed,
    warmup: 0,
    duration: length,
    machine: IDEAL,
    trace: false,
    moments: 0,
    patience: 0,
  });
  const { core } = run;
  if (!(core instanceof Core)) throw new RangeError("film: of a pooler of one process only");
  const camera = new Camera(run, core);
  core.tape = camera;
  drive(run);
  const { pool_mode } = configured(workload);
  const servers = connectionsOf(workload);
  const cost = run.events + camera.looks;
  const changes = camera.changes.filter((change) => change.at <= length);
  return { pool_mode, clients: camera.clients, servers, length, changes, cost };
}

/** Inputs of one client, and of one server, by the handle that comes first. */
const OF_CLIENT: ReadonlySet<number> = new Set([
  INPUT.startup,
  INPUT.authenticated,
  INPUT.request,
  INPUT.disconnect,
]);
const OF_SERVER: ReadonlySet<number> = new Set([
  INPUT.connected,
  INPUT.loggedIn,
  INPUT.loginFailed,
  INPUT.ready,
  INPUT.closed,
]);

/** Of a client without a server. */
const NONE = -1;

/**
 * Whenever time has moved on it looks at the clients with whom something may have happened: those that said
 * something, and those who had or have the servers of these, or servers that said something. At the maintenance
 * tick that may be anybody.
 */
class Camera implements Tape {
  readonly changes: Change[] = [];
  /** Most clients at a time so far; where they come from outside, their places are taken again. */
  clients: number;
  private readonly run: Run;
  private readonly core: Core;
  private readonly states: State[];
  /** Server of each client when the camera last looked, and client of each server, by the core's handles. */
  private readonly held: number[];
  private readonly holders = new Map<number, number>();
  /** Places of the servers in the picture, by the core's handle. */
  private readonly places = new Map<number, number>();
  /** Servers and clients with which something may have happened since then. */
  private readonly servers = new Set<number>();
  private readonly touched = new Set<number>();
  private everybody = true;
  private last: Nanos = 0;
  /** Looks at single clients: what a film costs. */
  looks = 0;

  constructor(run: Run, core: Core) {
    this.run = run;
    this.core = core;
    this.clients = run.kinds.reduce((sum, { kind }) => sum + (kind.count ?? 0), 0);
    this.states = Array.from({ length: this.clients }, () => "away" as const);
    this.held = new Array<number>(this.clients).fill(NONE);
  }

  input(kind: number, now: Nanos, handle: number): void {
    if (now !== this.last) {
      // The turn at `last` is over: what is seen now has been so since then.
      this.lookAround();
      this.last = now;
    }
    if (OF_CLIENT.has(kind)) this.touched.add(this.run.clientOf[handle] as number);
    else if (OF_SERVER.has(kind)) this.servers.add(handle);
    else if (kind !== INPUT.accept && kind !== INPUT.settle) this.everybody = true;
  }

  private lookAround(): void {
    if (this.everybody) {
      for (let client = 0; client < this.clients; client++) this.look(client);
    } else {
      for (const client of this.touched) this.servers.add(this.held[client] ?? NONE);
      for (const server of this.servers) this.follow(server);
      for (const client of [...this.touched].sort((a, b) => a - b)) this.look(client);
    }
    this.touched.clear();
    this.servers.clear();
    this.everybody = false;
  }

  name(): void {}

  /** Who had the server, and who has it now, are to be looked at. */
  private follow(server: number): void {
    if (server === NONE) return;
    const before = this.holders.get(server);
    if (before !== undefined) this.touched.add(before);
    const handle = this.core.clientOf(server);
    if (handle >= 0) this.touched.add(this.run.clientOf[handle] as number);
  }

  private look(client: number): void {
    this.looks++;
    this.room(client);
    const { core } = this;
    const { clients } = this.run;
    const handle = clients.ints[(client << 4) + M.handle] as number;
    const linked = handle < 0 ? NONE : core.serverOf(handle);
    const state = this.stateOf(client, handle, linked);
    const before = this.held[client] as number;
    if (state === this.states[client] && linked === before) return;
    this.states[client] = state;
    this.held[client] = linked;
    if (this.holders.get(before) === client) this.holders.delete(before);
    if (linked !== NONE) this.holders.set(linked, client);
    const server = linked === NONE ? 0 : this.place(linked);
    this.changes.push({ at: this.last, client: client + 1, state, server });
  }

  private room(client: number): void {
    for (; this.clients <= client; this.clients++) {
      this.states.push("away");
      this.held.push(NONE);
    }
  }

  private stateOf(client: number, handle: number, linked: number): State {
    const { core } = this;
    const { clients } = this.run;
    if (handle < 0 || clients.ints[(client << 4) + M.phase] === PHASE.away) return "away";
    if (linked !== NONE) return core.queryStart(handle) >= 0 ? "working" : "holding";
    return core.clientState(handle) === CLIENT.waiting ? "waiting" : "thinking";
  }

  private place(server: number): number {
    const known = this.places.get(server);
    if (known !== undefined) return known;
    this.places.set(server, this.places.size + 1);
    return this.places.size;
  }
}
