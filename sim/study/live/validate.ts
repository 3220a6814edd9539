/**
 * `validate`: the same draws played live and simulated, side by side, with a verdict. Every repeat has a
 * seed of its own, for the live run and its prediction alike; the configurations of one repeat run at the
 * same time, each on its own pool, so that all of them meet the same machine.
 */
import { ConfigError } from "../../../engine/config/index.ts";
import { type Nanos, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import {
  type LiveResult,
  playedFaults,
  rowTimeOf,
  type runLive,
  usesCores,
} from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import type { Calibration, CalibrationParts } from "./calibrate.ts";
import {
  type Calibrating,
  calibratingOwn,
  calibratingRunning,
  calibrationCells,
  coldCells,
} from "./calibrating.ts";
import {
  between,
  calibratingCapacity,
  capacityCells,
  checkCapacity,
} from "./calibrating-capacity.ts";
import { type CapacityFound, capacityFound, capacityNotes } from "./capacity-found.ts";
import { type CellResult, cellResult, type Pair } from "./compared.ts";
import { checkFaults, checkPredictableFaults, foreignOf } from "./faults.ts";
import { playCell } from "./play-cell.ts";
import { preparingCosts, standWithoutTelling, withoutTelling } from "./preparing.ts";
import { roomNotes } from "./room.ts";
import { openRunning } from "./running.ts";
import { checkComparable } from "./several.ts";
import { type Cell, openStand, type Played, type Stand } from "./stand.ts";
import { isCrowded } from "./stand-ini.ts";
import { isPrivate } from "./stand-names.ts";
import { type MeasuredAgain, standstillOf, Watch } from "./standstill.ts";
import { median } from "./verdict.ts";

export interface ValidateOptions {
  workload: Workload;
  /** May be left out beside `running` only. */
  database?: Played | undefined;
  cells: readonly Cell[];
  /** A pooler that runs already, in place of `cells`: its one configuration is validated. */
  running?: Address | undefined;
  repeats: number;
  /**
   * Further repeats of what was played together with a configuration that misses a tolerance; none when left
   * out. Its verdict is then that of all repeats, with the tolerance of so many.
   */
  secondLook?: number | undefined;
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
  /** Plays a live run; `runLive` when left out. */
  play?: typeof runLive | undefined;
  onProgress?: ((progress: ValidateProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface ValidateProgress {
  /** 0 to 1. */
  done: number;
  what: string;
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
  /** What was measured again because the machine stood still. */
  again: readonly MeasuredAgain[];
  /** Where statements are real work. */
  capacity?: CapacityFound | undefined;
  notes: string[];
}

type Watching = ValidateOptions & { watch: Watch };

/** Runs everything. Errors: OutsideError, ConfigError, the signal's reason. */
export async function validate(given: ValidateOptions): Promise<Validation> {
  const options = { ...alone(given), watch: new Watch() };
  const { workload, cells, database, running, pgbouncer, journal } = options;
  checkComparable(workload);
  const foreign = foreignOf(running, database);
  checkFaults(workload, { foreign, duration: options.duration });
  checkPredictableFaults(workload, options.duration);
  if (usesCores(workload)) return await validateCapacity(options);
  if (running !== undefined) {
    const stand = await openRunning({ workload, pooler: running, database });
    const notes = [...stand.notes, ...roomNotes([stand.workloadOf(stand.cell)])];
    const tell = (text: string): unknown => notes.push(text);
    const plain = standWithoutTelling(stand);
    const calibrating = calibratingRunning(plain, options, stand.cell, tell);
    const found = await onStand(stand, { ...options, cells: [stand.cell] }, calibrating);
    return { ...found, notes: [...notes, ...found.notes] };
  }
  if (database === undefined) throw new TypeError("validate: no database to run against");
  const extra = calibrationCells(workload, cells, database);
  const { roomy, cold } = extra;
  const all = [roomy, ...cells];
  const { together = cells.length } = options;
  const own = { workload, database, cells: all, cold, together, pgbouncer, journal };
  const stand = await openStand(own);
  const plain = { ...options, workload: withoutTelling(workload) };
  const calibrating = calibratingOwn(stand, plain, extra);
  const found = await onStand(stand, options, calibrating).finally(() => stand.close());
  const configurations = cells.map((cell) => stand.workloadOf(cell));
  const room = isPrivate(database) ? [] : roomNotes(configurations);
  return { ...found, notes: [...room, ...stand.notes, ...found.notes] };
}

/**
 * A fault meets everybody, and max_client_conn holds for all clients of a pooler: then nothing runs beside
 * anything else.
 */
function alone(options: ValidateOptions): ValidateOptions {
  const { workload, duration } = options;
  const breaks = playedFaults(workload, duration).length > 0;
  return breaks || isCrowded(workload) ? { ...options, together: 1 } : options;
}

/** Real work: nothing runs beside anything else, and the database's capacity is measured as well. */
async function validateCapacity(options: Watching): Promise<Validation> {
  const { workload, cells, database, running, pgbouncer, journal } = options;
  checkCapacity(workload);
  if (running !== undefined || database === undefined) throw noOwnPools(workload);
  const sizes = cells.map((cell) => cell.pool_size);
  const extra = capacityCells(workload, sizes, coldCells());
  const all = [extra.alone, extra.full, ...cells, ...extra.cold];
  const own = { workload, database, cells: all, together: 1, pgbouncer, journal };
  const stand = await openStand(own);
  try {
    options.onProgress?.({ done: 0, what: "how long counting a row takes" });
    const playing = { ...options, together: 1, rowTime: await rowTimeOf(database) };
    const calibrating = calibratingCapacity(standWithoutTelling(stand), playing, extra);
    const found = await onStand(stand, playing, calibrating, between);
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

/** `bracket`: what holds for a repeat between two calibrations; without it, the one before it does. */
type Bracket = (before: Calibration, after: Calibration) => Calibration;

async function onStand(
  stand: Stand,
  options: Watching,
  calibrating: Calibrating,
  bracket?: Bracket,
): Promise<Validation & { calibrations: Calibration[] }> {
  const preparing = await preparingCosts(stand, options.cells[0] as Cell);
  const play = (look: Look) => playAll(stand, options, calibrating, look, bracket);
  const judge = async (of: readonly Cell[], pairs: readonly Pair[]): Promise<CellResult[]> => {
    options.onProgress?.({ done: 1, what: "predicting what was played" });
    const results: CellResult[] = [];
    for (const cell of of)
      results.push(await cellResult(stand, cell, pairs, { ...options, preparing }));
    return results;
  };
  const { cells, repeats, secondLook = 0 } = options;
  let runs = await play({ cells, from: 0, to: repeats });
  let found = await judge(cells, runs);
  if (secondLook > 0 && found.some(({ holds }) => !holds)) {
    const again = withCompany(options, found);
    runs = [...runs, ...(await play({ cells: again, from: repeats, to: repeats + secondLook }))];
    const second = await judge(again, runs);
    found = found.map((one): CellResult => {
      const judged = second.find(({ cell }) => cell === one.cell);
      if (judged === undefined) return one;
      return one.holds ? judged : { ...judged, firstLook: one };
    });
  }
  const calibrations = [...new Set(runs.map((run) => run.calibration))];
  options.onProgress?.({ done: 1, what: "done" });
  return {
    pooler: stand.pooler,
    calibrations,
    calibration: middleParts(calibrations),
    cells: found,
    seeds: [...new Set(runs.map((run) => run.seed))],
    ...instrument(runs),
    again: options.watch.again,
    notes: [...new Set(runs.flatMap((run) => run.live.notes))],
  };
}

/** What misses a tolerance, and what meets the machine together with it. */
function withCompany({ cells, together = cells.length }: Watching, found: CellResult[]): Cell[] {
  const missed = found.filter(({ holds }) => !holds).map(({ cell }) => cell);
  return groups(cells, together)
    .filter((group) => group.some((cell) => missed.includes(cell)))
    .flat();
}

/** Repeats of some configurations; those `from` on, before `to`. */
interface Look {
  cells: readonly Cell[];
  from: number;
  to: number;
}

/** Calibrates before each repeat, with `bracket` after the last one too, and plays the configurations. */
async function playAll(
  stand: Stand,
  options: Watching,
  calibrating: Calibrating,
  { cells, from, to }: Look,
  bracket: Bracket | undefined,
): Promise<Pair[]> {
  const { together = options.cells.length } = options;
  const last = to + (bracket === undefined ? 0 : 1);
  const steps = last - from + (to - from) * Math.ceil(cells.length / together);
  let step = 0;
  const look = from === 0 ? "" : "second look, ";
  const tell = (repeat: number, what: string): void =>
    options.onProgress?.({
      done: step / steps,
      what: `${look}repeat ${Math.min(repeat + 1, to)} of ${to}: ${what}`,
    });
  options.watch.onAgain = ({ repeat }, longest) =>
    tell(repeat, `once more, for the machine stood still for ${(longest / SECOND).toFixed(1)} s`);
  const calibrated = async (repeat: number): Promise<Calibration> => {
    tell(repeat, "calibrating");
    const calibrate = (): Promise<Calibration> => calibrating(repeat);
    const calibration = await (stand.calmly?.(calibrate) ?? calibrate());
    step++;
    return calibration;
  };
  const runs: Pair[] = [];
  let before = await calibrated(from);
  for (let repeat = from; repeat < to; repeat++) {
    const seed = replicationSeed(options.seed, repeat);
    const played: Omit<Pair, "calibration">[] = [];
    for (const group of groups(cells, together)) {
      tell(repeat, group.map(nameOf).join(", "));
      const live = await playGroup(stand, options, group, { seed, repeat });
      group.forEach((cell, i) => void played.push({ cell, seed, live: live[i] as LiveResult }));
      step++;
    }
    const after = repeat + 1 < last ? await calibrated(repeat + 1) : before;
    const calibration = bracket?.(before, after) ?? before;
    runs.push(...played.map((pair) => ({ ...pair, calibration })));
    before = after;
  }
  return runs;
}

/** The configurations of a group meet the same machine: if it stood still for one, all play again. */
function playGroup(
  stand: Stand,
  options: Watching,
  group: readonly Cell[],
  { seed, repeat }: { seed: number; repeat: number },
): Promise<LiveResult[]> {
  return options.watch.quietly({ what: "live", repeat }, async () => {
    const found = await Promise.all(
      group.map((cell) => playCell(stand, options, cell, seed, stand.workloadOf(cell))),
    );
    return { found, longest: Math.max(0, ...found.map(standstillOf)) };
  });
}

/** Medians over the repeats. */
function middleParts(calibrations: readonly Calibration[]): CalibrationParts {
  const parts = calibrations.map((calibration) => calibration.parts);
  const names = Object.keys(parts[0] ?? {}) as (keyof CalibrationParts)[];
  const middle = names.map((name) => [name, median(parts.map((part) => part[name]))] as const);
  return Object.fromEntries(middle) as unknown as CalibrationParts;
}

export const nameOf = (cell: Cell): string => `${cell.pool_mode}/${cell.pool_size}`;

function groups<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
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
