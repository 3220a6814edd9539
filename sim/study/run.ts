/**
 * A study: one workload simulated again and again under independent seeds, until its figures are as
 * precise as asked for or the time is up. Several configurations can be studied in lockstep on the same
 * seeds; then the difference between two of them is free of the noise that they share.
 */
import type { Nanos } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { replicationSeed } from "../kernel/streams.ts";
import {
  Abandoned,
  type DashboardOptions,
  type DashboardView,
  type Machine,
} from "../model/index.ts";
import type { Samples } from "./estimates.ts";
import { occupancyOf } from "./occupancy.ts";
import type { Occupancy, Run, SettingValue } from "./results/index.ts";
import { noInterval, type Scarce } from "./scarce.ts";
import { HERE, type ReplicationOptions, type Simulated, type Simulator } from "./simulator.ts";
import { LEAST_REPLICATIONS, nextLook } from "./statistics.ts";
import { Tally } from "./tally.ts";
import { overloaded, type WarmUpTime, warmUpTime } from "./warm-up.ts";

export interface StudyOptions {
  /** Master seed; the workload's own when left out. */
  seed?: number | undefined;
  /** Relative half-width of the 95 % intervals to reach; the workload's own when left out. */
  precision?: number | undefined;
  /**
   * When it has done enough: every figure is as precise as asked, or also as soon as every term of the
   * objective lies, with its interval, on one side of its limit; `both`: not before. Default: figures.
   */
  goal?: "figures" | "objective" | "both" | undefined;
  /**
   * Real milliseconds to spend at most. Two replications are made all the same; what is under way beyond them is
   * given up soon after.
   */
  timeLimit?: number | undefined;
  /** Unix time in ms at which everything that is under way is given up; never when left out. */
  deadline?: number | undefined;
  /** Length of a replication's window; the workload's own when left out. The warm-up is the same. */
  window?: Nanos | undefined;
  /** Length of the run in which the warm-up's end is looked for, at most; the window's when left out. */
  pilot?: Nanos | undefined;
  /** Exactly so many replications, whatever `precision` and `timeLimit` say; the same on every machine. */
  replications?: number | undefined;
  /** Where replications are simulated; in this thread when left out. */
  simulator?: Simulator | undefined;
  /** What a real machine adds. */
  machine?: Machine | undefined;
  /** Look at the first replication as dashboards do, so often. */
  dashboard?: Pick<DashboardOptions, "every"> | undefined;
  /** Tell who has which server connection, for so long from the start of the first replication. */
  occupancy?: Nanos | undefined;
  /** Settings that were changed, for the record. */
  settings?: Record<string, SettingValue> | undefined;
  /** Stops the study and gives up what is under way; what is known by then is the answer. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: StudyProgress) => void) | undefined;
}

export interface StudyProgress {
  /** Replications done, of each configuration. */
  replications: number;
  /** Widest relative half-width so far; infinite while it cannot be told. */
  precision: number;
  /** Guess of how far along the study is, 0 to 1. */
  share: number;
  /** What is being simulated, where there is more than one thing. */
  what?: string;
}

/** One configuration's answer. */
export interface Study {
  run: Run;
  /** Figures of each replication; the same index in two studies of one call is a pair. */
  samples: Samples;
  /** What a reader should know before believing the figures. */
  notes: string[];
  /** Of these, the quantiles without an interval though the time is up. */
  scarce: readonly Scarce[];
  /** What dashboards see of the first replication, where somebody looks. */
  dashboard: DashboardView | undefined;
}

/** The deadline came before two replications were done: there is no answer. */
export class TimeUp extends Error {
  override readonly name = "TimeUp";
}

/** The study was stopped before one replication was done: there is no answer. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** Real time a study takes at most unless told otherwise. */
export const TIME_LIMIT_MS = 20_000;
/** Without which there is no interval. */
const LEAST = 2;
const TIMELINE_ROWS = 240;
/** A first look at an objective. */
const EARLY = 4;

/**
 * Studies one workload. Errors: ConfigError when the model refuses the workload; TimeUp; Interrupted.
 */
export async function study(workload: Workload, options: StudyOptions = {}): Promise<Study> {
  const [only] = await studies([workload], options);
  return only as Study;
}

/** Studies several configurations in lockstep: replication i of each has the same seed. Errors: see `study`. */
export async function studies(
  workloads: readonly Workload[],
  options: StudyOptions = {},
): Promise<Study[]> {
  const start = performance.now();
  const elapsed = (): number => performance.now() - start;
  const limit = options.timeLimit ?? TIME_LIMIT_MS;
  const until = options.replications === undefined ? Date.now() + limit + slackOf(limit) : NO_END;
  const seed = options.seed ?? workloads[0]?.run.seed ?? 1;
  const simulator = options.simulator ?? HERE;
  const { machine, window, deadline, signal } = options;
  const length = options.pilot ?? window;
  const pilot = { machine, seed, duration: length, until: deadline, signal };
  const begins = await inTime(
    Promise.all(workloads.map((workload) => warmUpTime(workload, pilot, simulator))),
  );
  if (begins === undefined) throw unanswered(0, signal);
  // One window for all of them: pairs then see the same stretch of every client's life.
  const warmup = Math.max(0, ...begins.map((begin) => begin.warmup));
  const entries = workloads.map(
    (workload, i) => new Entry(workload, warmup, begins[i], seed, { ...options, until }),
  );
  const worth = (): number => {
    if (options.replications !== undefined) return options.replications;
    if (signal?.aborted) return 0;
    return elapsed() > limit ? LEAST : Number.POSITIVE_INFINITY;
  };
  const results = new Ahead(entries, seed, simulator, worth);
  for (let done = 0, look = LEAST_REPLICATIONS; ; ) {
    if (signal?.aborted && done > 0) break;
    const made = await inTime(results.round());
    if (made === undefined && done >= (signal?.aborted ? 1 : LEAST)) break;
    if (made === undefined) throw unanswered(done, signal);
    entries.forEach((entry, i) => {
      entry.add(made[i] as Simulated);
    });
    done++;
    options.onProgress?.(progressOf(entries, done, elapsed() / limit, options.replications));
    if (options.replications !== undefined) {
      if (done >= options.replications) break;
      continue;
    }
    // What is far from its limit needs no ten replications to be told so.
    if (done === EARLY && entries.every((entry) => entry.decided)) break;
    if (done >= look) {
      if (entries.every((entry) => entry.enough)) break;
      look = nextLook(done);
    }
    // One more would take as long as the others did.
    if (done >= LEAST && (elapsed() * (done + 1)) / done > limit) break;
  }
  return entries.map((entry) => entry.study(options.settings ?? {}));
}

/** What `work` comes to; undefined: it was given up, for the time was up or somebody stopped it. */
export async function inTime<Found>(work: Promise<Found>): Promise<Found | undefined> {
  try {
    return await work;
  } catch (error) {
    if (GIVEN_UP.some((each) => error instanceof each)) return undefined;
    throw error;
  }
}

const GIVEN_UP = [Abandoned, TimeUp, Interrupted];

function unanswered(done: number, signal: AbortSignal | undefined): TimeUp | Interrupted {
  if (!signal?.aborted) return new TimeUp(timeUp(done));
  return new Interrupted(
    "interrupted before the first replication was done: there is no answer; a shorter one is done sooner, " +
      "with --duration",
  );
}

const timeUp = (done: number): string =>
  `--time-limit: the time was up, and as long again or 10 s, with ${done} of the two replications done ` +
  "without which there is no interval; give it more, or make them shorter with --duration";

const NO_END = Number.POSITIVE_INFINITY;

/** A replication that was to end in time, and nearly does, is worth a little more. Milliseconds. */
const slackOf = (limit: number): number => Math.max(1000, 0.1 * limit);

/**
 * Replications in order, entry by entry, with as many under way as the simulator is wide: what order they
 * end in changes nothing. Those that nobody asks for in the end are thrown away.
 */
class Ahead {
  private readonly entries: readonly Entry[];
  private readonly seed: number;
  private readonly simulator: Simulator;
  private readonly worth: () => number;
  private readonly underWay: Promise<Simulated>[] = [];
  private begun = 0;

  /** `worth`: how many of each entry are worth beginning before they are asked for. */
  constructor(entries: readonly Entry[], seed: number, simulator: Simulator, worth: () => number) {
    this.entries = entries;
    this.seed = seed;
    this.simulator = simulator;
    this.worth = worth;
  }

  /** One of each entry. */
  async round(): Promise<Simulated[]> {
    const made: Simulated[] = [];
    while (made.length < this.entries.length) made.push(await this.next());
    return made;
  }

  private next(): Promise<Simulated> {
    const most = this.worth() * this.entries.length;
    const { underWay } = this;
    while (underWay.length < this.simulator.width && (underWay.length === 0 || this.begun < most))
      underWay.push(this.begin());
    return underWay.shift() as Promise<Simulated>;
  }

  private begin(): Promise<Simulated> {
    const replication = Math.floor(this.begun / this.entries.length);
    const entry = this.entries[this.begun++ % this.entries.length] as Entry;
    const made = entry.replicate(
      this.simulator,
      replicationSeed(this.seed, replication),
      replication,
    );
    made.catch(() => undefined); // Whoever asks for it hears of a failure; perhaps nobody does.
    return made;
  }
}

/** One configuration on its way. */
class Entry {
  private readonly workload: Workload;
  private readonly precision: number;
  private readonly tally: Tally;
  private readonly simulation: ReplicationOptions;
  /** Unix time in ms at which the first replications are given up, and later ones. */
  private readonly deadline: number;
  private readonly until: number;
  private readonly notes: string[] = [];
  private readonly goal: StudyOptions["goal"];
  private readonly dashboard: DashboardOptions | undefined;
  private readonly occupancy: Occupancy | undefined;
  private wall = 0;

  constructor(
    workload: Workload,
    warmup: number,
    begin: WarmUpTime | undefined,
    seed: number,
    options: StudyOptions & { until: number },
  ) {
    this.workload = workload;
    this.precision = options.precision ?? workload.run.precision;
    this.goal = options.goal;
    this.deadline = options.deadline ?? NO_END;
    this.until = Math.min(this.deadline, options.until);
    const { stats_period } = workload;
    this.dashboard = options.dashboard && { ...options.dashboard, stats_period };
    this.tally = new Tally(workload);
    if (options.occupancy !== undefined) {
      const first = { ...workload, run: { ...workload.run, seed } };
      this.occupancy = occupancyOf(first, options.occupancy);
    }
    const { machine, window, signal } = options;
    this.simulation = { machine, warmup, duration: window, signal };
    this.tally.unsteady = begin?.unsteady;
    this.notes.push(...(begin?.unsteady === undefined ? overloaded(workload) : [begin.unsteady]));
  }

  replicate(simulator: Simulator, seed: number, replication: number): Promise<Simulated> {
    const first = replication === 0;
    const moments = first ? TIMELINE_ROWS : 0;
    const dashboard = first ? this.dashboard : undefined;
    const until = replication < LEAST ? this.deadline : this.until;
    return simulator.run(this.workload, { ...this.simulation, seed, moments, dashboard, until });
  }

  add({ result, wall }: Simulated): void {
    this.tally.add(result);
    this.wall += wall;
  }

  get enough(): boolean {
    if (this.decided) return true;
    if (!this.tally.enough(this.precision)) return false;
    return this.goal !== "both" || this.tally.unsteady !== undefined || this.tally.decided();
  }

  get decided(): boolean {
    return this.goal === "objective" && this.tally.decided();
  }

  /** Widest relative half-width, and how many times more replications it would take. */
  get progress(): { precision: number; share: number } {
    const worst = this.tally.worst();
    // The half-width falls with the square root of the replications.
    const share = worst === 0 || this.enough ? 1 : (this.precision / worst) ** 2;
    return { precision: worst, share };
  }

  study(settings: Record<string, SettingValue>): Study {
    const made = this.tally.run(this.precision, this.wall / 1000, settings);
    const { samples, dashboard, scarce } = this.tally;
    const run = { ...made, ...(this.occupancy && { occupancy: this.occupancy }) };
    const refusals = scarce.map((each) => noInterval([each]));
    return { run, samples, notes: [...this.notes, ...refusals], scarce, dashboard };
  }
}

function progressOf(
  entries: readonly Entry[],
  done: number,
  spent: number,
  wanted: number | undefined,
): StudyProgress {
  const all = entries.map((entry) => entry.progress);
  const share = Math.max(spent, Math.min(...all.map((each) => each.share)));
  return {
    replications: done,
    precision: Math.max(...all.map((each) => each.precision)),
    share: wanted === undefined ? Math.min(1, share, done / LEAST_REPLICATIONS) : done / wanted,
  };
}
