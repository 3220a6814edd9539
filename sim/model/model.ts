/**
 * The model: clients think, ask and answer questions of nobody; the core decides who gets which server;
 * servers take their time. A host of the core like the pooler's, whose effects become events.
 *
 * Half round trips are folded into the delays before and after them, so that a statement is two events:
 * its arrival at the pooler, and its answer's arrival there.
 */
import {
  Core,
  EFFECT,
  type Nanos,
  REASON,
  STATUS,
  sumStatistics,
} from "../../engine/core/index.ts";
import { type KindDraws, kindDraws } from "../../workloads/schema/draws.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { Agenda } from "../kernel/agenda.ts";
import { mean, type Sampler, sampler } from "../kernel/distributions.ts";
import { Stream } from "../kernel/streams.ts";
import type { Machine } from "./machine.ts";
import { emptyTrace, KindMeter, Level, type Moment, type Trace } from "./meters.ts";
import { M, MT, PHASE, Population } from "./population.ts";

/** Kinds of events, in the upper bits of what the agenda carries; the rest is a handle. */
const EVENT = {
  /** A client's message arrives at the pooler. */
  arrive: 0,
  /** A server's answer arrives at the pooler. */
  answer: 1,
  /** A server connection is up and logged in, or refused by the database. */
  connect: 2,
  /** A reset or a check has been answered. */
  tested: 3,
  /** A client logs in. */
  login: 4,
  /** A client's Terminate arrives. */
  leave: 5,
  /** A session arrives from outside. */
  arrival: 6,
  tick: 7,
  sample: 8,
  window: 9,
} as const;
const SHIFT = 27;
const HANDLE = (1 << SHIFT) - 1;

export interface ModelOptions {
  seed: number;
  warmup: Nanos;
  duration: Nanos;
  machine: Machine;
  /** Keep every transaction of the window. */
  trace: boolean;
  /** Rows of the timeline. */
  moments: number;
  /** Most time after the window for transactions that were sent within it. */
  patience: Nanos;
}

/** A kind of clients, ready to run. */
interface Kind {
  kind: ClientKind;
  draws: KindDraws;
  meter: KindMeter;
  database: number;
  user: number;
  /** Sessions that have arrived. */
  arrived: number;
}

export class Model {
  readonly core: Core;
  readonly kinds: Kind[];
  readonly active = new Level();
  readonly waiting = new Level();
  readonly connections = new Level();
  readonly connected = new Level();
  readonly timeline: Moment[] = [];
  readonly trace: Trace | undefined;
  events = 0;
  opened = 0;
  /** Transactions sent within the window and not over yet. */
  pending = 0;

  private readonly agenda: Agenda;
  private readonly clients: Population;
  /** Model's client by the core's handle. */
  private clientOf = new Int32Array(64);
  /** By the core's server handle: when its event is due; others are stale. */
  private serverDue = new Float64Array(64);
  private readonly workload: Workload;
  private readonly options: ModelOptions;
  private readonly from: Nanos;
  private readonly to: Nanos;
  private readonly clientTrip: Nanos;
  private readonly serverTrip: Nanos;
  private readonly autocommit: boolean;

  // What the machine and the database add; counters are the indices of their draws.
  private readonly statementExtra: Sampler;
  private readonly clientExtra: Sampler;
  private readonly lateness: Sampler;
  private readonly loginExtra: Sampler;
  private readonly resetExtra: Sampler;
  private readonly connectTime: Sampler;
  private connects = 0;
  private resets = 0;
  private readonly plain: boolean;

  constructor(workload: Workload, options: ModelOptions) {
    const { machine, seed } = options;
    this.workload = workload;
    this.options = options;
    this.core = new Core(workload.settings);
    this.from = options.warmup;
    this.to = options.warmup + options.duration;
    this.trace = options.trace ? emptyTrace() : undefined;
    this.clientTrip = workload.network.client;
    this.serverTrip = workload.network.server;
    const extra = (purpose: string, spec: Machine["statement"]): Sampler =>
      sampler(spec, new Stream(seed, "machine", purpose));
    this.statementExtra = extra("statement", machine.statement);
    this.clientExtra = extra("client", machine.client);
    this.lateness = extra("lateness", machine.lateness);
    this.loginExtra = extra("login", machine.login);
    this.resetExtra = extra("reset", machine.reset);
    this.connectTime = extra("connect", workload.server.connect_time);
    this.plain = machine.granularity === 0;
    this.autocommit = workload.settings.pool_mode === "statement";
    this.kinds = workload.clients.map((kind) => this.kindOf(kind, seed));
    const count = workload.clients.reduce((sum, kind) => sum + (kind.count ?? 64), 0);
    this.clients = new Population(count);
    this.clients.provide(workload.clients);
    this.agenda = new Agenda(expectedGap(workload));
  }

  private kindOf(kind: ClientKind, seed: number): Kind {
    return {
      kind,
      draws: kindDraws(kind, seed),
      meter: new KindMeter(kind.name),
      database: this.core.database(kind.database),
      user: this.core.user(kind.user),
      arrived: 0,
    };
  }

  /** Runs warm-up and window, and on until the window's transactions are over. */
  run(): void {
    this.open();
    const agenda = this.agenda;
    const last = this.to + this.options.patience;
    for (;;) {
      const item = agenda.pop();
      const now = agenda.now;
      if (item < 0 || now > last || (now > this.to && this.pending === 0)) break;
      this.events++;
      const handle = item & HANDLE;
      switch (item >>> SHIFT) {
        case EVENT.arrive:
          this.arrive(now, handle);
          break;
        case EVENT.answer:
          this.answer(now, handle);
          break;
        default:
          this.rare(now, item >>> SHIFT, handle);
      }
    }
  }

  private at(time: Nanos, event: number, handle: number): void {
    this.agenda.push(time, (event << SHIFT) | handle);
  }

  private open(): void {
    this.at(this.core.deadline(), EVENT.tick, 0);
    this.at(this.from, EVENT.window, 0);
    this.at(this.to, EVENT.window, 1);
    if (this.options.moments > 0) this.at(this.from, EVENT.sample, 0);
    this.kinds.forEach((entry, index) => {
      if (entry.kind.arrivals !== undefined) this.nextArrival(0, index);
      for (let number = 0; number < (entry.kind.count ?? 0); number++)
        this.login(0, this.clients.take(index, number));
    });
  }

  private rare(now: Nanos, event: number, handle: number): void {
    switch (event) {
      case EVENT.connect:
        this.connect(now, handle);
        break;
      case EVENT.tested:
        if (this.serverDue[handle] !== now) return;
        this.serverDue[handle] = -1;
        this.core.ready(now, handle, STATUS.idle);
        break;
      case EVENT.login:
        if (this.clients.times[handle * 2 + MT.due] === now) this.login(now, handle);
        return;
      case EVENT.leave:
        this.leave(now, handle);
        break;
      case EVENT.arrival:
        this.login(now, this.clients.take(handle, (this.kinds[handle] as Kind).arrived++));
        this.nextArrival(now, handle);
        return;
      case EVENT.tick:
        this.core.advance(now);
        this.at(this.core.deadline(), EVENT.tick, 0);
        break;
      case EVENT.sample:
        this.sample(now);
        return;
      case EVENT.window:
        this.turnWindow(now, handle === 0);
        return;
    }
    this.turn(now);
  }

  // --- clients ---------------------------------------------------------------------------------------

  /** A message arrives: a transaction's first, or one of its later statements. */
  private arrive(now: Nanos, client: number): void {
    const { ints, times } = this.clients;
    const at = client * 8;
    if (times[client * 2 + MT.due] !== now) return;
    const handle = ints[at + M.handle] as number;
    if (ints[at + M.phase] === PHASE.thinking) this.begin(now, client);
    const linked = this.core.serverOf(handle);
    times[client * 2 + MT.due] = -1;
    this.core.request(now, handle);
    if (linked >= 0) this.serve(now, client, linked);
    this.turn(now);
  }

  private begin(now: Nanos, client: number): void {
    const { ints, times } = this.clients;
    const at = client * 8;
    const { draws } = this.kinds[ints[at + M.kind] as number] as Kind;
    const transaction = ints[at + M.transaction] as number;
    const statements = draws.statements.draw(ints[at + M.number] as number, transaction, 0);
    ints[at + M.phase] = PHASE.asking;
    ints[at + M.later] = statements > 1 ? statements - 1 : 0;
    times[client * 2 + MT.sent] = now;
    if (now >= this.from && now < this.to) this.pending++;
  }

  /** The statement runs: its answer reaches the pooler after the service and all that surrounds it. */
  private serve(now: Nanos, client: number, server: number): void {
    const { ints } = this.clients;
    const at = client * 8;
    const { draws } = this.kinds[ints[at + M.kind] as number] as Kind;
    const number = ints[at + M.number] as number;
    const transaction = ints[at + M.transaction] as number;
    const part = ints[at + M.later] as number;
    let service = draws.service.draw(number, transaction, part);
    if (!this.plain) service = this.granular(service);
    const extra = this.statementExtra.draw(client, transaction, part);
    const due = now + this.serverTrip + service + extra;
    this.serverDue[server] = due;
    this.at(due, EVENT.answer, server);
  }

  private granular(service: Nanos): Nanos {
    const { granularity } = this.options.machine;
    return Math.ceil(service / granularity) * granularity;
  }

  /** A statement's answer: the next one after a gap, or the transaction is over. */
  private answer(now: Nanos, server: number): void {
    if (this.serverDue[server] !== now) return;
    this.serverDue[server] = -1;
    const client = this.clientOf[this.core.clientOf(server)] as number;
    const { ints } = this.clients;
    const at = client * 8;
    const later = ints[at + M.later] as number;
    const open = later > 0 && !this.autocommit;
    this.core.ready(now, server, open ? STATUS.transaction : STATUS.idle);
    const transaction = ints[at + M.transaction] as number;
    const trip = this.clientTrip + this.clientExtra.draw(client, transaction, later);
    if (later > 0) this.pauseInside(now + trip, client, later);
    else this.end(now + trip, client);
    this.turn(now);
  }

  private pauseInside(at: Nanos, client: number, later: number): void {
    const { ints } = this.clients;
    const entry = this.kinds[ints[client * 8 + M.kind] as number] as Kind;
    const number = ints[client * 8 + M.number] as number;
    const transaction = ints[client * 8 + M.transaction] as number;
    const gap = entry.draws.gap.draw(number, transaction, later);
    const late = gap > 0 ? this.lateness.draw(client, transaction, later) : 0;
    ints[client * 8 + M.later] = later - 1;
    this.clientEvent(at + gap + late, EVENT.arrive, client);
  }

  /** The client has its last answer at `seen`, by a clock that runs one round trip behind arrivals. */
  private end(seen: Nanos, client: number): void {
    const { ints, times, waited } = this.clients;
    const at = client * 8;
    const sent = times[client * 2 + MT.sent] as number;
    const entry = this.kinds[ints[at + M.kind] as number] as Kind;
    if (sent >= this.from && sent < this.to) {
      this.pending--;
      const wait = waited === undefined ? 0 : (waited[client] as number);
      entry.meter.wait.record(wait);
      entry.meter.response.record(seen - sent);
      if (wait > 0) entry.meter.waited++;
      if (this.trace !== undefined) this.note(this.trace, client, wait, seen - sent);
    }
    if (waited !== undefined) waited[client] = 0;
    ints[at + M.transaction] = (ints[at + M.transaction] as number) + 1;
    const left = ints[at + M.left] as number;
    if (left > 0) ints[at + M.left] = left - 1;
    this.think(seen, client);
  }

  private note(trace: Trace, client: number, wait: Nanos, response: Nanos): void {
    const { ints, times } = this.clients;
    trace.kind.push(ints[client * 8 + M.kind] as number);
    trace.client.push(ints[client * 8 + M.number] as number);
    trace.transaction.push(ints[client * 8 + M.transaction] as number);
    trace.sent.push(times[client * 2 + MT.sent] as number);
    trace.wait.push(wait);
    trace.response.push(response);
  }

  /** Thinks until the next transaction, unless the session is over. */
  private think(seen: Nanos, client: number): void {
    const { ints, sessionEnd } = this.clients;
    const at = client * 8;
    const over = sessionEnd !== undefined && seen >= (sessionEnd[client] as number);
    if (ints[at + M.left] === 0 || over) {
      ints[at + M.phase] = PHASE.leaving;
      this.clientEvent(seen, EVENT.leave, client);
      return;
    }
    const entry = this.kinds[ints[at + M.kind] as number] as Kind;
    const transaction = ints[at + M.transaction] as number;
    const pause = entry.draws.think.draw(ints[at + M.number] as number, transaction, 0);
    const late = pause > 0 ? this.lateness.draw(client, transaction, 0) : 0;
    ints[at + M.phase] = PHASE.thinking;
    this.clientEvent(seen + pause + late, EVENT.arrive, client);
  }

  private clientEvent(time: Nanos, event: number, client: number): void {
    this.clients.times[client * 2 + MT.due] = time;
    this.at(time, event, client);
  }

  private nextArrival(now: Nanos, index: number): void {
    const { draws, arrived } = this.kinds[index] as Kind;
    this.at(now + draws.arrivals.draw(0, arrived, 0), EVENT.arrival, index);
  }

  private login(now: Nanos, client: number): void {
    const { ints } = this.clients;
    const at = client * 8;
    const entry = this.kinds[ints[at + M.kind] as number] as Kind;
    const handle = this.core.accept(now);
    this.connected.up(now);
    ints[at + M.handle] = handle;
    ints[at + M.phase] = PHASE.login;
    if (handle >= this.clientOf.length) this.clientOf = doubled(this.clientOf);
    this.clientOf[handle] = client;
    if (this.core.startup(now, handle, entry.database, entry.user))
      this.core.authenticated(now, handle);
    this.turn(now);
  }

  /** The client is logged in: its session begins with a think time. */
  private welcome(now: Nanos, client: number): void {
    const { ints, sessionEnd } = this.clients;
    const at = client * 8;
    const { draws } = this.kinds[ints[at + M.kind] as number] as Kind;
    const number = ints[at + M.number] as number;
    const session = ints[at + M.session] as number;
    ints[at + M.left] = draws.transactions?.draw(number, session, 0) ?? -1;
    const seen = now + this.clientTrip + this.loginExtra.draw(client, session, 0);
    if (sessionEnd !== undefined)
      sessionEnd[client] = draws.duration
        ? seen + draws.duration.draw(number, session, 0)
        : Number.POSITIVE_INFINITY;
    this.think(seen, client);
  }

  private leave(now: Nanos, client: number): void {
    if (this.clients.times[client * 2 + MT.due] !== now) return;
    this.core.disconnect(now, this.clients.ints[client * 8 + M.handle] as number);
    this.comeBack(now, client);
  }

  /** Away, then a new session; a session of an open kind was its only one. */
  private comeBack(now: Nanos, client: number): void {
    const { ints } = this.clients;
    const at = client * 8;
    const entry = this.kinds[ints[at + M.kind] as number] as Kind;
    this.connected.down(now);
    ints[at + M.handle] = -1;
    if (entry.kind.arrivals !== undefined) {
      this.clients.times[client * 2 + MT.due] = -1;
      this.clients.give(client);
      return;
    }
    const session = ints[at + M.session] as number;
    const away = entry.draws.away.draw(ints[at + M.number] as number, session, 0);
    const late = away > 0 ? this.lateness.draw(client, session, 1) : 0;
    ints[at + M.session] = session + 1;
    ints[at + M.phase] = PHASE.away;
    this.clientEvent(now + away + late, EVENT.login, client);
  }

  /** The core has dropped the client: refused, timed out, or its server is gone. */
  private drop(now: Nanos, client: number, reason: number): void {
    const { ints, times, waited } = this.clients;
    const at = client * 8;
    const entry = this.kinds[ints[at + M.kind] as number] as Kind;
    const sent = times[client * 2 + MT.sent] as number;
    if (ints[at + M.phase] === PHASE.asking) {
      if (sent >= this.from && sent < this.to) this.pending--;
      ints[at + M.transaction] = (ints[at + M.transaction] as number) + 1;
    }
    if (now >= this.from && now < this.to) (entry.meter.drops[reason] as number)++;
    if (waited !== undefined) waited[client] = 0;
    this.comeBack(now + this.clientTrip, client);
  }

  // --- servers ---------------------------------------------------------------------------------------

  private connect(now: Nanos, server: number): void {
    if (this.serverDue[server] !== now) return;
    this.serverDue[server] = -1;
    const refused = this.connections.value > this.workload.server.max_connections;
    this.core.connected(now, server);
    if (refused) this.core.loginFailed(now, server, true);
    else this.core.loggedIn(now, server);
    if (refused) this.connections.down(now);
  }

  // --- the host of the core --------------------------------------------------------------------------

  /** Ends the core's turn and carries out what it decided. */
  private turn(now: Nanos): void {
    const core = this.core;
    core.settle(now);
    const effects = core.effects;
    while (effects.next()) {
      switch (effects.kind) {
        case EFFECT.grant:
          this.granted(now, this.clientOf[effects.client] as number, effects.server);
          break;
        case EFFECT.unlink:
          this.active.down(now);
          break;
        case EFFECT.wait:
          this.queued(now, this.clientOf[effects.client] as number);
          break;
        default:
          this.rareEffect(now, effects.kind, effects.client, effects.server, effects.detail);
      }
    }
  }

  private queued(now: Nanos, client: number): void {
    if (this.clients.ints[client * 8 + M.phase] !== PHASE.asking) return;
    this.waiting.up(now);
    this.clients.times[client * 2 + MT.due] = -2 - now;
  }

  private granted(now: Nanos, client: number, server: number): void {
    const due = this.clients.times[client * 2 + MT.due] as number;
    this.active.up(now);
    if (due < -1) {
      const { waited } = this.clients;
      this.waiting.down(now);
      if (waited !== undefined) waited[client] = (waited[client] as number) + now + due + 2;
      this.clients.times[client * 2 + MT.due] = -1;
    }
    this.serve(now, client, server);
  }

  private rareEffect(
    now: Nanos,
    kind: number,
    handle: number,
    server: number,
    reason: number,
  ): void {
    switch (kind) {
      case EFFECT.welcome:
        this.welcome(now, this.clientOf[handle] as number);
        break;
      case EFFECT.drop: {
        const client = this.clientOf[handle] as number;
        if ((this.clients.times[client * 2 + MT.due] as number) < -1) this.waiting.down(now);
        this.drop(now, client, reason);
        break;
      }
      case EFFECT.open:
        this.opening(now, server);
        break;
      case EFFECT.close:
        this.serverDue[server] = -1;
        this.connections.down(now);
        break;
      case EFFECT.reset:
      case EFFECT.check: {
        const due = now + this.serverTrip + this.resetExtra.draw(0, this.resets++, 0);
        this.serverDue[server] = due;
        this.at(due, EVENT.tested, server);
      }
    }
  }

  private opening(now: Nanos, server: number): void {
    while (server >= this.serverDue.length) this.serverDue = doubled(this.serverDue);
    this.connections.up(now);
    if (now >= this.from && now < this.to) this.opened++;
    const due = now + this.connectTime.draw(0, this.connects++, 0);
    this.serverDue[server] = due;
    this.at(due, EVENT.connect, server);
  }

  // --- measuring -------------------------------------------------------------------------------------

  /** Set at the window's end: its time averages. */
  averages = { active: 0, waiting: 0, connections: 0, connected: 0 };
  /** SHOW STATS' totals at the window's begin and end. */
  readonly totals: Float64Array[] = [];

  private turnWindow(now: Nanos, begins: boolean): void {
    this.totals.push(sumStatistics(this.core.pools));
    const levels = [this.active, this.waiting, this.connections, this.connected];
    if (begins) for (const level of levels) level.begin(now);
    else {
      const mean = (level: Level): number => level.mean(this.from, this.to);
      this.averages = {
        active: mean(this.active),
        waiting: mean(this.waiting),
        connections: mean(this.connections),
        connected: mean(this.connected),
      };
    }
  }

  private sample(now: Nanos): void {
    this.timeline.push({
      at: now - this.from,
      clients_waiting: this.waiting.value,
      servers_active: this.active.value,
      server_connections: this.connections.value,
    });
    const next = now + Math.max(1, Math.floor(this.options.duration / this.options.moments));
    if (next < this.to) this.at(next, EVENT.sample, 0);
  }
}

function doubled<T extends Int32Array | Float64Array>(from: T): T {
  const to =
    from instanceof Int32Array
      ? new Int32Array(from.length * 2)
      : new Float64Array(from.length * 2);
  to.set(from);
  return to as T; // The same kind of array as `from`: just made so.
}

/** A guess at the mean time between events, for the agenda's first slot width. */
function expectedGap(workload: Workload): number {
  let rate = 1e-9;
  for (const kind of workload.clients) {
    const cycle = mean(kind.think) + mean(kind.transaction.service);
    if (kind.count !== undefined) rate += (2 * kind.count) / Math.max(1_000, cycle);
    else if (kind.arrivals !== undefined) rate += 3 / Math.max(1, mean(kind.arrivals.gap));
  }
  return 1 / rate;
}

/** Reasons that count as timeouts, and those that count as refusals. */
export const TIMEOUTS = [
  REASON.query_wait_timeout,
  REASON.waiting_query_timeout,
  REASON.query_timeout,
  REASON.transaction_timeout,
  REASON.idle_transaction_timeout,
  REASON.client_idle_timeout,
  REASON.client_login_timeout,
  REASON.login_server_down,
];
export const REFUSALS = [
  REASON.max_client_conn,
  REASON.max_db_client_connections,
  REASON.max_user_client_connections,
  REASON.disabled,
  REASON.shutting_down,
];
