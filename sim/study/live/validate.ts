/**
 * `validate`: the same draws played live and simulated, side by side, with a verdict. Every repeat has a
 * seed of its own, for the live run and its prediction alike; the configurations of one repeat run at the
 * same time, each on its own pool, so that all of them meet the same machine.
 */
import { type Nanos, type PoolMode, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import { type LiveResult, runLive } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { type RunResult, simulate } from "../../model/index.ts";
import { type Calibration, calibrate, calibrationWorkload } from "./calibrate.ts";
import {
  type Figures,
  figuresOf,
  liveLevels,
  liveSamples,
  type Samples,
  simulatedLevels,
  simulatedSamples,
} from "./figures.ts";
import { type Cell, entriesOf, openStand, type Stand } from "./stand.ts";
import { type Comparison, compareFigures } from "./verdict.ts";

export interface ValidateOptions {
  workload: Workload;
  database: Address;
  cells: readonly Cell[];
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
  const { workload, cells } = options;
  const calibrating: Cell = {
    name: "calibration",
    pool_mode: "transaction",
    pool_size: Math.max(1, clientsOf(workload)),
  };
  const cold = Array.from({ length: COLD_ENTRIES }, (_, i): Cell => {
    return { name: `cold${i}`, pool_mode: "transaction", pool_size: 1 };
  });
  const all = [calibrating, ...cells, ...cold];
  const { database, pgbouncer, journal } = options;
  const stand = await openStand({ workload, database, cells: all, pgbouncer, journal });
  try {
    return await onStand(stand, options, calibrating, cold);
  } finally {
    await stand.close();
  }
}

async function onStand(
  stand: Stand,
  options: ValidateOptions,
  calibrating: Cell,
  cold: readonly Cell[],
): Promise<Validation> {
  const { workload, cells, repeats } = options;
  const steps = 1 + repeats * Math.ceil(cells.length / (options.together ?? cells.length));
  let step = 0;
  const tell = (what: string): void => options.onProgress?.({ done: step++ / steps, what });
  tell("calibrating");
  const calibration = await calibrated(stand, options, calibrating, cold);
  const runs: Pair[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const group of groups(cells, options.together ?? cells.length)) {
      tell(`repeat ${repeat + 1} of ${repeats}: ${group.map(nameOf).join(", ")}`);
      const seed = replicationSeed(options.seed, repeat);
      const live = await Promise.all(group.map((cell) => playCell(stand, options, cell, seed)));
      group.forEach((cell, i) => {
        const run = predict(options, cell, seed, calibration);
        runs.push({ cell, seed, live: live[i] as LiveResult, run });
      });
    }
  }
  options.onProgress?.({ done: 1, what: "done" });
  return {
    pooler: stand.pooler,
    calibration,
    cells: cells.map((cell) => cellResult(workload, cell, runs, calibration)),
    seeds: [...new Set(runs.map((run) => run.seed))],
    ...instrument(runs),
    notes: [...new Set(runs.flatMap((run) => run.live.notes))],
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
  const seed = replicationSeed(options.seed, CALIBRATION_SEED);
  const live = await playCell(stand, { ...options, workload }, cell, seed);
  const coldEntries = cold.flatMap((entry): Address[] => {
    const { host, port, user, databases = {} } = stand.target(entry);
    return Object.values(databases)
      .slice(0, 1)
      .map((database) => ({ host, port, user, database }));
  });
  return await calibrate(live, entriesOf(workload, cell), options.database, coldEntries);
}

function playCell(
  stand: Stand,
  options: ValidateOptions,
  cell: Cell,
  seed: number,
): Promise<LiveResult> {
  const { workload, database, warmup, duration, signal } = options;
  return runLive({
    workload,
    target: stand.target(cell),
    direct: database,
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
  options: ValidateOptions,
  cell: Cell,
  seed: number,
  calibration: Calibration,
): RunResult {
  const { workload, warmup, duration } = options;
  const { machine, connect_time } = calibration;
  const twin: Workload = {
    ...withPool(workload, cell.pool_mode, cell.pool_size),
    network: { client: 0, server: 0 },
    server: { ...workload.server, connect_time, cores: undefined },
  };
  return simulate(twin, { seed, warmup, duration, machine, trace: true });
}

/** The workload with every pool in this mode and of this size. */
export function withPool(workload: Workload, pool_mode: PoolMode, pool_size: number): Workload {
  const settings = {
    ...workload.settings,
    pool_mode,
    default_pool_size: pool_size,
    databases: workload.settings.databases.map((entry) => ({ ...entry, pool_mode, pool_size })),
  };
  return { ...workload, settings };
}

function cellResult(
  workload: Workload,
  cell: Cell,
  runs: readonly Pair[],
  calibration: Calibration,
): CellResult {
  const own = runs.filter((run) => run.cell === cell);
  const entries = entriesOf(workload, cell);
  const seconds = (run: RunResult): number => run.duration / SECOND;
  const liveParts = own.map(({ live }) => liveSamples(live, calibration.path));
  const parts = own.map(({ run }) => simulatedSamples(run.trace ?? fail()));
  const live = own.map((pair, i) =>
    figuresOf(
      liveParts[i] as Samples,
      seconds(pair.run),
      liveLevels(pair.live, entries, cell.pool_size),
    ),
  );
  const predicted = own.map(({ run }, i) =>
    figuresOf(parts[i] as Samples, seconds(run), simulatedLevels(run)),
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
