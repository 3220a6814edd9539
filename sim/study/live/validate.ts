/**
 * `validate`: the same draws played live and simulated, side by side, with a verdict. Every repeat has a
 * seed of its own, for the live run and its prediction alike; the configurations of one repeat run at the
 * same time, each on its own pool, so that all of them meet the same machine.
 */
import { MILLISECOND, type Nanos, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import { type LiveResult, runLive } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { type RunResult, simulate } from "../../model/index.ts";
import { type Calibration, calibrate, calibrationWorkload, fewClients } from "./calibrate.ts";
import {
  type Figures,
  figuresOf,
  liveLevels,
  liveSamples,
  type Samples,
  simulatedLevels,
  simulatedSamples,
} from "./figures.ts";
import { effectivePool } from "./pools.ts";
import { connectTimes, loginTimes, resetTimes } from "./probes.ts";
import { openRunning } from "./running.ts";
import { type Cell, openStand, type Stand } from "./stand.ts";
import { type Comparison, compareFigures } from "./verdict.ts";

export interface ValidateOptions {
  workload: Workload;
  /** May be left out beside `running` only. */
  database?: Address | undefined;
  cells: readonly Cell[];
  /** A pooler that runs already, in place of `cells`: its one configuration is validated. */
  running?: Address | undefined;
  repeats: number;
  /** Of each live run. */
  warmup: Nanos;
  duration: Nanos;
  seed: number;
  /** Path of a PgBouncer to validate against instead of our pooler. */
  pgbouncer?: string | undefined;
  journal?: string | undefined;
  /** How many configurations run at the same time. */
  together?: number | undefined;
  onProgress?: ((progress: ValidateProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ValidateProgress {
  /** 0 to 1. */
  done: number;
  what: string;
}

/** One configuration, compared. */
export interface CellResult {
  cell: Cell;
  comparisons: Comparison[];
  predicted: Figures[];
  live: Figures[];
  /** Waits of all repeats together, in ms, for the chart. */
  samples: { predicted: Samples; live: Samples };
  /** Live errors by text, over all repeats. */
  errors: Record<string, number>;
  holds: boolean;
}

export interface Validation {
  pooler: string;
  calibration: Calibration;
  cells: CellResult[];
  seeds: number[];
  /** The driver's own part, worst of all runs, in ms; none of it is taken off the waits. */
  driver: { timer_lateness_p99: number; event_loop_delay_p99: number; processing_p99: number };
  clock: { resolution_us: number; round_trip_us: number };
  notes: string[];
}

const CALIBRATION_SEED = "calibration".length + 1_000_003;
const COLD_ENTRIES = 9;

/** Runs everything. Errors: OutsideError, ConfigError, the signal's reason. */
export async function validate(options: ValidateOptions): Promise<Validation> {
  const { workload, cells, database, running, pgbouncer, journal } = options;
  if (running !== undefined) {
    const stand = await openRunning({ workload, pooler: running, database });
    const found = await onStand(stand, { ...options, cells: [stand.cell] }, (tell) =>
      calibratedRunning(stand, options, stand.cell, tell),
    );
    return { ...found, notes: [...stand.notes, ...found.notes] };
  }
  if (database === undefined) throw new TypeError("validate: no database to run against");
  const calibrating: Cell = {
    name: "calibration",
    pool_mode: "transaction",
    pool_size: Math.max(1, clientsOf(workload)),
  };
  const cold = Array.from({ length: COLD_ENTRIES }, (_, i): Cell => {
    return { name: `cold${i}`, pool_mode: "transaction", pool_size: 1 };
  });
  const all = [calibrating, ...cells, ...cold];
  const stand = await openStand({ workload, database, cells: all, pgbouncer, journal });
  try {
    return await onStand(stand, options, () => calibrated(stand, options, calibrating, cold));
  } finally {
    await stand.close();
  }
}

async function onStand(
  stand: Stand,
  options: ValidateOptions,
  calibrateIt: (note: (text: string) => void) => Promise<Calibration>,
): Promise<Validation> {
  const { cells, repeats } = options;
  const steps = 1 + repeats * Math.ceil(cells.length / (options.together ?? cells.length));
  let step = 0;
  const tell = (what: string): void => options.onProgress?.({ done: step++ / steps, what });
  const notes: string[] = [];
  tell("calibrating");
  const calibration = await calibrateIt((text) => notes.push(text));
  const runs: Pair[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const group of groups(cells, options.together ?? cells.length)) {
      tell(`repeat ${repeat + 1} of ${repeats}: ${group.map(nameOf).join(", ")}`);
      const seed = replicationSeed(options.seed, repeat);
      const live = await Promise.all(
        group.map((cell) => playCell(stand, options, cell, seed, stand.workloadOf(cell))),
      );
      group.forEach((cell, i) => {
        const run = predict(stand.workloadOf(cell), options, seed, calibration);
        runs.push({ cell, seed, live: live[i] as LiveResult, run });
      });
    }
  }
  options.onProgress?.({ done: 1, what: "done" });
  return {
    pooler: stand.pooler,
    calibration,
    cells: cells.map((cell) => cellResult(stand, cell, runs, calibration)),
    seeds: [...new Set(runs.map((run) => run.seed))],
    ...instrument(runs),
    notes: [...new Set([...notes, ...runs.flatMap((run) => run.live.notes)])],
  };
}

interface Pair {
  cell: Cell;
  seed: number;
  live: LiveResult;
  run: RunResult;
}

export const nameOf = (cell: Cell): string => `${cell.pool_mode}/${cell.pool_size}`;

function groups<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}

/** Closed clients, or enough room for the open ones. */
function clientsOf(workload: Workload): number {
  let count = 0;
  for (const kind of workload.clients) count += kind.count ?? 64;
  return count;
}

async function calibrated(
  stand: Stand,
  options: ValidateOptions,
  cell: Cell,
  cold: readonly Cell[],
): Promise<Calibration> {
  const workload = calibrationWorkload(options.workload);
  const live = await playCell(stand, options, cell, calibrationSeed(options), workload);
  const coldEntries = cold.flatMap((entry): Address[] => {
    const { host, port, user, databases = {} } = stand.target(entry);
    return Object.values(databases)
      .slice(0, 1)
      .map((database) => ({ host, port, user, database }));
  });
  const { connect_time } = workload.server;
  const resets = stand.direct === undefined ? [] : await resetTimes(stand.direct);
  const probed = { connects: await connectTimes(coldEntries), resets, connect_time };
  return calibrate(live, stand.entries(cell), probed);
}

/** In a pooler that cannot be given entries of its own: with so few clients that nobody waits. */
async function calibratedRunning(
  stand: Stand,
  options: ValidateOptions,
  cell: Cell,
  note: (text: string) => void,
): Promise<Calibration> {
  const { direct } = stand;
  const own = stand.workloadOf(cell);
  const few = fewClients(own, (database) => effectivePool(own, database).size);
  const seed = calibrationSeed(options);
  const live = await playCell(stand, options, cell, seed, calibrationWorkload(few));
  if (direct === undefined)
    note(
      "server.connect_time is the workload's: with --dsn, of the database itself, it is measured",
    );
  const { host, port, user, password, sslmode } = stand.target(cell);
  const [database = user] = stand.entries(cell);
  const resets = await resetTimes(direct ?? { host, port, user, password, sslmode, database });
  const connects = direct === undefined ? [] : await loginTimes(direct);
  const { connect_time } = own.server;
  return calibrate(live, stand.entries(cell), { connects, resets, connect_time });
}

const calibrationSeed = (options: ValidateOptions): number =>
  replicationSeed(options.seed, CALIBRATION_SEED);

function playCell(
  stand: Stand,
  options: ValidateOptions,
  cell: Cell,
  seed: number,
  workload: Workload,
): Promise<LiveResult> {
  const { warmup, duration, signal } = options;
  return runLive({
    workload,
    target: stand.target(cell),
    direct: stand.direct,
    admin: stand.admin,
    poolMode: cell.pool_mode,
    seed,
    warmup,
    duration,
    signal,
  });
}

/** The simulated twin: the cell's settings, the calibrated machine in place of network and connect time. */
function predict(
  workload: Workload,
  options: ValidateOptions,
  seed: number,
  calibration: Calibration,
): RunResult {
  const { warmup, duration } = options;
  const { machine, connect_time } = calibration;
  const twin: Workload = {
    ...workload,
    network: { client: 0, server: 0 },
    server: { ...workload.server, connect_time, cores: undefined },
  };
  return simulate(twin, { seed, warmup, duration, machine, trace: true });
}

function cellResult(
  stand: Stand,
  cell: Cell,
  runs: readonly Pair[],
  calibration: Calibration,
): CellResult {
  const own = runs.filter((run) => run.cell === cell);
  const [entries, connections] = [stand.entries(cell), stand.connections(cell)];
  const seconds = (run: RunResult): number => run.duration / SECOND;
  const resolution = calibration.resolution / MILLISECOND;
  const liveParts = own.map(({ live }) => liveSamples(live, calibration.path));
  const parts = own.map(({ run }) => simulatedSamples(run.trace ?? fail()));
  const live = own.map((pair, i) =>
    figuresOf(
      liveParts[i] as Samples,
      seconds(pair.run),
      liveLevels(pair.live, entries, connections),
      resolution,
    ),
  );
  const predicted = own.map(({ run }, i) =>
    figuresOf(parts[i] as Samples, seconds(run), simulatedLevels(run), resolution),
  );
  const comparisons = compareFigures(predicted, live);
  return {
    cell,
    comparisons,
    predicted,
    live,
    samples: { predicted: together(parts), live: together(liveParts) },
    errors: countErrors(own),
    holds: comparisons.every((comparison) => comparison.holds !== false),
  };
}

function fail(): never {
  throw new Error("a simulated run without its trace");
}

function together(parts: readonly Samples[]): Samples {
  const join = (pick: (part: Samples) => Float64Array): Float64Array =>
    Float64Array.from(parts.flatMap((part) => [...pick(part)])).sort();
  return { wait: join((part) => part.wait), response: join((part) => part.response) };
}

function countErrors(runs: readonly Pair[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { live } of runs)
    for (const error of live.errors) {
      const text = `${error.sqlstate} ${error.text}`.trim();
      counts[text] = (counts[text] ?? 0) + error.count;
    }
  return counts;
}

function instrument(runs: readonly Pair[]): Pick<Validation, "driver" | "clock"> {
  const worst = (pick: (live: LiveResult) => number): number =>
    Math.max(0, ...runs.map(({ live }) => pick(live)));
  return {
    driver: {
      timer_lateness_p99: worst((live) => live.driver.timer_lateness.p99) / 1e6,
      event_loop_delay_p99: worst((live) => live.driver.event_loop_delay.p99) / 1e6,
      processing_p99: worst((live) => live.driver.processing.p99) / 1e6,
    },
    clock: {
      resolution_us: worst((live) => live.driver.clock_resolution) / 1e3,
      round_trip_us: worst((live) => live.clock.round_trip_before) / 1e3,
    },
  };
}
