/**
 * `validate`: the same draws played live and simulated, side by side, with a verdict. Every repeat has a
 * seed of its own, for the live run and its prediction alike; the configurations of one repeat run at the
 * same time, each on its own pool, so that all of them meet the same machine.
 */
import { ConfigError } from "../../../engine/config/index.ts";
import { MILLISECOND, type Nanos, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import { type LiveResult, rowTimeOf, usesCores } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { type RunResult, simulate } from "../../model/index.ts";
import { type Calibration, type CalibrationParts, meanWait } from "./calibrate.ts";
import {
  type Calibrating,
  calibratingOwn,
  calibratingRunning,
  calibrationCells,
  coldCells,
} from "./calibrating.ts";
import { calibratingCapacity, capacityCells, checkCapacity } from "./calibrating-capacity.ts";
import { onCapacity } from "./capacity.ts";
import { type CapacityFound, capacityFound, capacityNotes } from "./capacity-found.ts";
import {
  type Figures,
  figuresOf,
  type Levels,
  liveLevels,
  liveSamples,
  type Samples,
  simulatedLevels,
  simulatedSamples,
} from "./figures.ts";
import { playCell } from "./play-cell.ts";
import { openRunning } from "./running.ts";
import { type Cell, openStand, type Stand } from "./stand.ts";
import {
  type Comparison,
  compareFigures,
  median,
  middleFigures,
  SHARED_TOLERANCES,
} from "./verdict.ts";

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
  /** Time that the database takes to count a row, where a kind's work is `cpu`. */
  rowTime?: number | undefined;
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
  /** Medians over the repeats, each of which is predicted with its own. */
  calibration: CalibrationParts;
  cells: CellResult[];
  seeds: number[];
  /** The driver's own part, worst of all runs, in ms; none of it is taken off the waits. */
  driver: { timer_lateness_p99: number; event_loop_delay_p99: number; processing_p99: number };
  clock: { resolution_us: number; round_trip_us: number };
  /** Where statements are real work. */
  capacity?: CapacityFound | undefined;
  notes: string[];
}

/** Runs everything. Errors: OutsideError, ConfigError, the signal's reason. */
export async function validate(options: ValidateOptions): Promise<Validation> {
  const { workload, cells, database, running, pgbouncer, journal } = options;
  if (usesCores(workload)) return await validateCapacity(options);
  if (running !== undefined) {
    const stand = await openRunning({ workload, pooler: running, database });
    const notes = [...stand.notes];
    const tell = (text: string): unknown => notes.push(text);
    const calibrating = calibratingRunning(stand, options, stand.cell, tell);
    const found = await onStand(stand, { ...options, cells: [stand.cell] }, calibrating);
    return { ...found, notes: [...notes, ...found.notes] };
  }
  if (database === undefined) throw new TypeError("validate: no database to run against");
  const extra = calibrationCells(workload);
  const all = [extra.roomy, ...cells, ...extra.cold];
  const stand = await openStand({ workload, database, cells: all, pgbouncer, journal });
  const calibrating = calibratingOwn(stand, options, extra);
  const found = await onStand(stand, options, calibrating).finally(() => stand.close());
  return { ...found, notes: [...stand.notes, ...found.notes] };
}

/** Real work: nothing runs beside anything else, and the database's capacity is measured as well. */
async function validateCapacity(options: ValidateOptions): Promise<Validation> {
  const { workload, cells, database, running, pgbouncer, journal } = options;
  checkCapacity(workload);
  if (running !== undefined || database === undefined) throw noOwnPools(workload);
  const sizes = cells.map((cell) => cell.pool_size);
  const extra = capacityCells(workload, sizes, coldCells());
  const all = [extra.alone, extra.full, ...cells, ...extra.cold];
  const stand = await openStand({ workload, database, cells: all, pgbouncer, journal });
  try {
    options.onProgress?.({ done: 0, what: "how long counting a row takes" });
    const playing = { ...options, together: 1, rowTime: await rowTimeOf(database) };
    const found = await onStand(stand, playing, calibratingCapacity(stand, playing, extra));
    const measured = [extra.alone, extra.full].map((cell) => cell.pool_size);
    const capacity = capacityFound(found.cells, found.calibrations, measured, playing);
    return { ...found, capacity, notes: [...found.notes, ...capacityNotes(capacity, sizes)] };
  } finally {
    await stand.close();
  }
}

function noOwnPools({ file }: Workload): ConfigError {
  return new ConfigError({
    at: file,
    name: "transaction.work",
    expected:
      "a pooler of our own for work: cpu, whose capacity is measured at two other pool sizes",
    fix: "leave out --pooler-dsn",
  });
}

async function onStand(
  stand: Stand,
  options: ValidateOptions,
  calibrating: Calibrating,
): Promise<Validation & { calibrations: Calibration[] }> {
  const { cells, repeats, together = cells.length } = options;
  const steps = repeats * (1 + Math.ceil(cells.length / together));
  let step = 0;
  const calibrations: Calibration[] = [];
  const runs: Pair[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    const seed = replicationSeed(options.seed, repeat);
    const tell = (what: string): void =>
      options.onProgress?.({
        done: step++ / steps,
        what: `repeat ${repeat + 1} of ${repeats}: ${what}`,
      });
    tell("calibrating");
    const calibration = await calibrating(repeat);
    calibrations.push(calibration);
    for (const group of groups(cells, together)) {
      tell(group.map(nameOf).join(", "));
      const live = await Promise.all(
        group.map((cell) => playCell(stand, options, cell, seed, stand.workloadOf(cell))),
      );
      group.forEach((cell, i) => {
        runs.push({ cell, seed, live: live[i] as LiveResult, calibration });
      });
    }
  }
  options.onProgress?.({ done: 1, what: "done" });
  return {
    pooler: stand.pooler,
    calibrations,
    calibration: middleParts(calibrations),
    cells: cells.map((cell) => cellResult(stand, cell, runs, options)),
    seeds: [...new Set(runs.map((run) => run.seed))],
    ...instrument(runs),
    notes: [...new Set(runs.flatMap((run) => run.live.notes))],
  };
}

/** Medians over the repeats. */
function middleParts(calibrations: readonly Calibration[]): CalibrationParts {
  const parts = calibrations.map((calibration) => calibration.parts);
  const names = Object.keys(parts[0] ?? {}) as (keyof CalibrationParts)[];
  const middle = names.map((name) => [name, median(parts.map((part) => part[name]))] as const);
  return Object.fromEntries(middle) as unknown as CalibrationParts;
}

interface Pair {
  cell: Cell;
  seed: number;
  live: LiveResult;
  calibration: Calibration;
}

export const nameOf = (cell: Cell): string => `${cell.pool_mode}/${cell.pool_size}`;

function groups<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}

/** Simulations of each live run: near saturation a small delay moves all that follows. */
const VARIANTS = 9;

/**
 * The simulated twins of a live run: the cell's settings, the calibrated machine in place of network and
 * connect time; the same clients' draws, each time with other draws of what the machine adds.
 */
function predict(
  workload: Workload,
  { warmup, duration }: ValidateOptions,
  { seed, calibration }: Pair,
): RunResult[] {
  const { machine, connect_time, capacity } = calibration;
  const sleeping: Workload = {
    ...workload,
    network: { client: 0, server: 0 },
    // Sleeping statements share nothing.
    server: {
      ...workload.server,
      connect_time,
      cores: undefined,
      speed: undefined,
      usl: undefined,
    },
  };
  const twin = capacity === undefined ? sleeping : onCapacity(sleeping, capacity);
  return Array.from({ length: VARIANTS }, (_, variant) =>
    simulate(twin, { seed, warmup, duration, machine: { ...machine, variant }, trace: true }),
  );
}

function cellResult(
  stand: Stand,
  cell: Cell,
  runs: readonly Pair[],
  options: ValidateOptions,
): CellResult {
  const own = runs.filter((run) => run.cell === cell);
  const resolution = median(runs.map((run) => run.calibration.resolution)) / MILLISECOND;
  const figures = (samples: Samples, levels: Levels): Figures =>
    figuresOf(samples, options.duration / SECOND, levels, resolution);
  const [entries, connections] = [stand.entries(cell), stand.connections(cell)];
  const liveParts = own.map((pair) => liveSamples(pair.live, pair.calibration.path));
  const live = own.map((pair, i) => {
    const seen = figures(liveParts[i] as Samples, liveLevels(pair.live, entries, connections));
    return pair.calibration.capacity === undefined ? seen : byConsole(seen, pair.live, entries);
  });
  const parts: Samples[] = [];
  const predicted = own.map((pair) =>
    middleFigures(
      predict(stand.workloadOf(cell), options, pair).map((run) => {
        const samples = simulatedSamples(run.trace ?? fail());
        parts.push(samples);
        return figures(samples, simulatedLevels(run));
      }),
    ),
  );
  const shared = own.some((pair) => pair.calibration.capacity !== undefined);
  const comparisons = compareFigures(predicted, live, shared ? SHARED_TOLERANCES : undefined);
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

/** Waits as the pooler itself counts them; it tells their mean only. */
function byConsole(seen: Figures, live: LiveResult, entries: ReadonlySet<string>): Figures {
  const unseen = Object.keys(seen).filter((figure) => figure.startsWith("wait_"));
  const nothing = Object.fromEntries(unseen.map((figure) => [figure, Number.NaN]));
  const mean = (meanWait(live, entries) ?? Number.NaN) / MILLISECOND;
  return { ...seen, ...nothing, "wait_ms.mean": mean };
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
