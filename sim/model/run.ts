/**
 * Everything that one run of the model remembers, in one place; the behaviour works on it:
 * `transactions.ts`, `sessions.ts`, `servers.ts`, `measuring.ts`, and `host.ts` for the core's effects.
 */
import { Core, DISCIPLINES, type Nanos, START, STAT_NAMES } from "../../engine/core/index.ts";
import { loadCourse, serviceCourse } from "../../workloads/schema/courses.ts";
import { type KindDraws, kindDraws } from "../../workloads/schema/draws.ts";
import { isDemanding } from "../../workloads/schema/kinds.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { Agenda } from "../kernel/agenda.ts";
import type { Course } from "../kernel/course.ts";
import { mean, type Sampler, sampler } from "../kernel/distributions.ts";
import { Histogram } from "../kernel/histogram.ts";
import { Stream } from "../kernel/streams.ts";
import { AppPools } from "./app-pools.ts";
import { Attempts } from "./attempts.ts";
import { type Backends, backendsOf, type Preparation, preparationOf } from "./backends.ts";
import { Cancels } from "./cancels.ts";
import { Cores } from "./cores.ts";
import { Dashboard, type DashboardOptions } from "./dashboard.ts";
import * as events from "./events.ts";
import { Faults } from "./faults.ts";
import { isIdeal, type Machine, NOTHING } from "./machine.ts";
import { emptyTrace, KindMeter, Level, type Moment, type Trace } from "./meters.ts";
import { M, Population } from "./population.ts";
import { type Deal, Processes, type Scheduler } from "./processes.ts";
import type { CoresFigures } from "./result.ts";
import { Rousing } from "./rousing.ts";
import { sharingOf } from "./speed.ts";
import { Station, type StationFigures } from "./station.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EVENT, SHIFT } = events;

/** So many clients' records are in the processor's caches anyway. */
const CACHED = 32_768;

/** What a run is told; `simulate` fills in what its caller leaves out. */
export interface RunOptions {
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
  /** What dashboards would see; undefined: nobody looks. */
  dashboard?: DashboardOptions | undefined;
  /** Who is at which of the pooler's processes, where that is known; chance otherwise. */
  deal?: Deal | undefined;
  /** Whether nobody wants the run any more; asked at every maintenance tick, which the hot path never sees. */
  isAbandoned?: (() => boolean) | undefined;
  /** Whether others are to have a turn; asked at the same ticks. */
  isToRest?: (() => boolean) | undefined;
}

/** A kind of clients, ready to run. */
export interface Kind {
  kind: ClientKind;
  draws: KindDraws;
  meter: KindMeter;
  database: number;
  user: number;
  /** Sessions that have arrived. */
  arrived: number;
  /** How fast its think times and its arrivals pass; undefined: as time does. */
  load: Course | undefined;
  /** Its pools inside the application. */
  app: AppPools | undefined;
  /** What its statements need of a server connection; undefined: nothing that lasts. */
  preparation: Preparation | undefined;
  /** Its clients' patience and retries, if there can be any. */
  attempts: Attempts | undefined;
}

/** What the machine and the database add, by purpose. */
interface Extras {
  statement: Sampler;
  client: Sampler;
  lateness: Sampler;
  login: Sampler;
  reset: Sampler;
  set: Sampler;
  connect: Sampler;
  connect_cpu: Sampler;
}

/** Time averages over the window. */
export interface Averages {
  active: number;
  waiting: number;
  knocking: number;
  connections: number;
  connected: number;
}

/** One run, from its begin to its figures. */
export class Run {
  /** The pooler's scheduler. */
  core!: Scheduler;
  /** The same, where the pooler has several processes. */
  processes: Processes | undefined;
  /** There is no pooler at present. */
  down = false;
  /** It has stopped before a tick, so that others have their turn. */
  rests = false;
  /** Its processes that have been told to go and are still there. */
  leaving = 0;
  /** What SHOW STATS totalled before the pooler's last restart. */
  counted: Float64Array = new Float64Array(STAT_NAMES.length);
  /** The processes' own work; undefined: it takes no time. */
  readonly station: Station | undefined;
  /** When waiters look for themselves; undefined: they are served. */
  readonly rousing: Rousing | undefined;
  readonly agenda: Agenda;
  readonly clients: Population;
  readonly kinds: Kind[];
  /** Model's client by the core's handle. */
  clientOf: Int32Array;
  /**
   * By the core's server handle: when its answer is due, and when the end of its login or its test is;
   * others are stale. Two, for a handle that is used again may have both at the same time.
   */
  serverDue: Float64Array = new Float64Array(64);
  setupDue: Float64Array = new Float64Array(64);

  readonly extras: Extras;
  /** The machine adds nothing, so that nothing need be drawn for it. */
  readonly ideal: boolean;
  /** The database's cores; undefined: service times never stretch. */
  readonly cores: Cores | undefined;
  /** How fast statements pass without a core; undefined: as time does. */
  readonly services: Course | undefined;
  readonly faults: Faults | undefined;
  /** Cancel requests; undefined: nobody makes any. */
  readonly cancels: Cancels | undefined;
  /** What server connections keep of their clients; undefined: nothing that matters. */
  readonly backends: Backends | undefined;
  /** Nothing but the textbook: no machine, no cores, no schedule, no pool before ours. One branch then spares all others. */
  readonly plain: boolean;
  /** Draws of connect times and of reset times so far. */
  connects = 0;
  resets = 0;
  readonly clientTrip: Nanos;
  readonly serverTrip: Nanos;

  /** Sums up what `touch` has read, or it would be optimized away. */
  protected touched = 0;

  /** Time of the event at hand. */
  now: Nanos = START;
  /** When the client of the event at hand has its answer, seen from the pooler's end of the way. */
  seen: Nanos = START;

  // What is measured, between `from` and `to`.
  readonly from: Nanos;
  readonly to: Nanos;
  readonly active = new Level();
  /** Clients that wait for a server, and those of them that wait to be let in. */
  readonly waiting = new Level();
  readonly knocking = new Level();
  readonly connections = new Level();
  readonly connected = new Level();
  readonly timeline: Moment[] = [];
  readonly trace: Trace | undefined;
  readonly dashboard: Dashboard | undefined;
  /** Most connections that the database has had a backend for. */
  backendsMost = 0;
  /** Set at the window's end. */
  averages: Averages = { active: 0, waiting: 0, knocking: 0, connections: 0, connected: 0 };
  /** Of the window, set at its end. */
  coresFigures: CoresFigures | undefined;
  stationFigures: StationFigures | undefined;
  /** SHOW STATS' totals at the window's begin and end. */
  readonly totals: Float64Array[] = [];
  /** Most server connections that the pools are meant to have, without reserve; 0: no limit. */
  size = 0;
  /** Events taken from the agenda. */
  events = 0;
  /** Server connections begun within the window. */
  opened = 0;
  /** Transactions sent within the window and not over yet. */
  pending = 0;

  readonly workload: Workload;
  readonly options: RunOptions;

  constructor(workload: Workload, options: RunOptions) {
    this.workload = workload;
    this.options = options;
    const { pooler } = workload;
    const { processes = 1, cpu_per_message: work = 0 } = pooler ?? {};
    const { seed } = options;
    const places = takesOver(workload) ? 2 * processes : processes;
    this.start(0);
    const room = roomFor(workload);
    this.clients = new Population(room);
    this.clientOf = new Int32Array(room);
    this.station = work > 0 ? new Station(work, processes, places) : undefined;
    this.rousing = pooler && new Rousing(pooler, seed);
    this.from = options.warmup;
    this.to = options.warmup + options.duration;
    this.trace = options.trace ? emptyTrace() : undefined;
    this.dashboard = options.dashboard && new Dashboard(options.dashboard);
    this.clientTrip = workload.network.client;
    this.serverTrip = workload.network.server;
    this.extras = extrasOf(workload, options);
    this.ideal = isIdeal(options.machine);
    const sharing = sharingOf(workload.server);
    this.cores = sharing && new Cores(sharing);
    this.services = serviceCourse(workload, this.from);
    this.faults = workload.faults && new Faults(workload.faults);
    this.cancels = workload.clients.some((kind) => kind.cancels) ? new Cancels() : undefined;
    this.backends = backendsOf(workload);
    this.plain =
      this.ideal &&
      this.cores === undefined &&
      this.faults === undefined &&
      this.backends === undefined &&
      workload.schedule.length === 0 &&
      workload.curves === undefined &&
      !workload.clients.some(isDemanding);
    this.kinds = workload.clients.map((kind, index) => this.kindOf(kind, index));
    const ahead = (items: Int32Array, from: number, to: number): void =>
      this.touch(items, from, to);
    this.agenda = new Agenda(expectedGap(workload), room, room > CACHED ? ahead : undefined);
  }

  /** A pooler begins that knows nobody. */
  start(now: Nanos): void {
    const { pooler, settings } = this.workload;
    const { discipline = "fifo", processes: count = 1 } = pooler ?? {};
    const { seed, deal } = this.options;
    const peering = pooler?.peering !== undefined;
    const relieved = takesOver(this.workload);
    const rule = discipline === "fifo" ? {} : { discipline: DISCIPLINES[discipline] };
    this.processes =
      count > 1 || relieved
        ? new Processes(settings, now, count, { seed, deal, peering, relieved }, rule)
        : undefined;
    this.core =
      this.processes ?? new Core(settings, now, { ...rule, room: roomFor(this.workload) });
    this.core.effects.joining = true;
    this.introduce();
  }

  /** Names get their handles in the order in which they are asked for, so these are the same each time. */
  introduce(): void {
    for (const { database, user } of this.workload.clients) {
      this.core.database(database);
      this.core.user(user);
    }
  }

  /** Puts an event on the agenda. */
  at(time: Nanos, event: number, handle: number): void {
    this.agenda.push(time, (event << SHIFT) | handle);
  }

  /**
   * Reads the records of the clients whose events come soon. With a million clients they are in no cache;
   * here the processor fetches many side by side, at the events it would wait for one after the other.
   */
  private touch(items: Int32Array, from: number, to: number): void {
    const { ints } = this.clients;
    let sum = 0;
    for (let i = from; i < to; i++) {
      const item = items[i] as number;
      if (item >>> SHIFT !== EVENT.arrive) continue;
      const handle = ints[(item << 4) | M.handle] as number;
      if (handle >= 0) sum += this.core.queryStart(handle);
    }
    this.touched = sum;
  }

  /** Which of the pooler's processes a client or a server belongs to, by the core's handle. */
  processOf(handle: number): number {
    return this.processes?.processOf(handle) ?? 0;
  }

  private kindOf(kind: ClientKind, index: number): Kind {
    const { seed } = this.options;
    const meter = new KindMeter(kind.name);
    if (kind.app_pool !== undefined) meter.app_wait = new Histogram();
    const draws = kindDraws(kind, seed);
    return {
      kind,
      draws,
      meter,
      database: this.core.database(kind.database),
      user: this.core.user(kind.user),
      arrived: 0,
      load: loadCourse(this.workload, kind.name, this.from),
      preparation: preparationOf(kind, index, this.backends, draws),
      app: kind.app_pool && new AppPools(kind.app_pool),
      attempts: isDemanding(kind) ? new Attempts(draws) : undefined,
    };
  }
}

/** The kind of a client. */
export const kindOf = (run: Run, client: number): Kind =>
  run.kinds[run.clients.ints[(client << 4) | M.kind] as number] as Kind;

/** For a while there are two poolers. */
const takesOver = ({ faults = [] }: Workload): boolean =>
  faults.some(({ fault }) => fault === "pooler_takeover");

/** Clients that may be connected at a time, roughly. */
function roomFor({ clients }: Workload): number {
  return clients.reduce((sum, kind) => sum + (kind.count ?? 64), 64);
}

function extrasOf(workload: Workload, { machine, seed }: RunOptions): Extras {
  const { variant = 0 } = machine;
  const extra = (purpose: string, spec: Machine["statement"]): Sampler =>
    sampler(spec, new Stream(seed, variant === 0 ? "machine" : `machine ${variant}`, purpose));
  return {
    statement: extra("statement", machine.statement),
    client: extra("client", machine.client),
    lateness: extra("lateness", machine.lateness),
    login: extra("login", machine.login),
    reset: extra("reset", machine.reset),
    set: extra("set", machine.set ?? NOTHING),
    connect: extra("connect", workload.server.connect_time),
    connect_cpu: extra("connect_cpu", workload.server.connect_cpu ?? NOTHING),
  };
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
