/**
 * One configuration of a validation: each of its live runs is simulated on the same draws, and the figures
 * of both sides are compared.
 */
import { MILLISECOND, type Nanos, SECOND } from "../../../engine/core/index.ts";
import { type LiveResult, playedFaults } from "../../../workloads/live/index.ts";
import type { PoolerModel, Workload } from "../../../workloads/schema/workload.ts";
import type { RunResult } from "../../model/index.ts";
import { type Configuration, configured } from "../pools.ts";
import { simulateHearing } from "../simulator.ts";
import { type Calibration, meanWait } from "./calibrate.ts";
import { onCapacity } from "./capacity.ts";
import {
  type AppWaits,
  type Figures,
  figuresOf,
  type Levels,
  type Losses,
  liveAppWait,
  liveLevels,
  liveLosses,
  liveSamples,
  NO_LOSSES,
  type Samples,
  simulatedAppWait,
  simulatedLevels,
  simulatedLosses,
  simulatedSamples,
  stallsOf,
} from "./figures.ts";
import { type PreparingCosts, withParse } from "./preparing.ts";
import { dealOf, processesOf } from "./several.ts";
import type { Cell, Stand } from "./stand.ts";
import { type Comparison, compareFigures, comparePairs, median, middleFigures } from "./verdict.ts";

/** One configuration, compared. */
export interface CellResult {
  cell: Cell;
  /** Mode and size of its pools, and each of several. */
  configuration: Configuration;
  comparisons: Comparison[];
  /** By variant: what the repeats would have shown, medians over them. */
  predicted: Figures[];
  /** By repeat. */
  live: Figures[];
  /** Waits of all repeats together, in ms, for the chart. */
  samples: { predicted: Samples; live: Samples };
  /** Live errors by text, over all repeats. */
  errors: Record<string, number>;
  holds: boolean;
  /** It missed a tolerance after fewer repeats: how it looked then. */
  firstLook?: CellResult | undefined;
}

/** A live run, and what the machine added before it. */
export interface Pair {
  cell: Cell;
  seed: number;
  live: LiveResult;
  calibration: Calibration;
}

/** Window of the live runs, and what was measured once for all of them. */
interface Measured {
  warmup: Nanos;
  duration: Nanos;
  signal?: AbortSignal | undefined;
  /** Where servers must be told what they do not know. */
  preparing?: PreparingCosts | undefined;
}

/** Simulations of each live run: near saturation a small delay moves all that follows. */
const VARIANTS = 25;
/** So many of them are kept for the chart. */
const SHOWN = 9;

/** Connections of a database that has room for all. */
const ROOMY = Number.MAX_SAFE_INTEGER;

/**
 * The simulated twins of a live run, by number: the cell's settings, the calibrated machine in place of network
 * and connect time; the same clients' draws, each time with other draws of what the machine adds.
 */
function twinsOf(
  workload: Workload,
  { warmup, duration, preparing, refuses, signal }: Measured & { refuses: boolean },
  { seed, calibration, live }: Pair,
): (variant: number) => Promise<RunResult> {
  const { connect_time, capacity } = calibration;
  const set = { kind: "constant", value: preparing?.set ?? 0 } as const;
  const machine = { ...calibration.machine, set };
  // Where cores are shared it says how many statements may share them.
  const counts = refuses || capacity !== undefined;
  const max_connections = counts ? workload.server.max_connections : ROOMY;
  const sleeping: Workload = {
    ...withParse(workload, preparing),
    network: { client: 0, server: 0 },
    pooler: workload.pooler && calibratedPooler(workload.pooler),
    // Sleeping statements share nothing.
    server: {
      ...workload.server,
      connect_time,
      max_connections,
      cores: undefined,
      speed: undefined,
      usl: undefined,
    },
  };
  const twin = capacity === undefined ? sleeping : onCapacity(sleeping, capacity);
  const deal = processesOf(workload) > 1 ? dealOf(live) : undefined;
  const options = { seed, warmup, duration, trace: true, deal };
  return (variant) =>
    simulateHearing(signal, twin, { ...options, machine: { ...machine, variant } });
}

/** What a message costs is part of what was calibrated, and its processes are on one machine. */
export const calibratedPooler = (pooler: PoolerModel): PoolerModel => ({
  ...pooler,
  cpu_per_message: 0,
  peering: pooler.peering && 0,
});

/** What is known of a run beside its transactions. */
type Seen = Levels & { app_wait: AppWaits; losses: Losses };

/** Compares the live runs of `cell` with what is predicted for them. Errors: the signal's reason. */
export async function cellResult(
  stand: Stand,
  cell: Cell,
  runs: readonly Pair[],
  options: Measured,
): Promise<CellResult> {
  const own = runs.filter((run) => run.cell === cell);
  const resolution = median(runs.map((run) => run.calibration.resolution)) / MILLISECOND;
  const workload = stand.workloadOf(cell);
  const refuses = stand.refuses?.(cell) ?? false;
  const stalls = stallsOf(workload, options.warmup);
  const breaks = playedFaults(workload, options.duration).length > 0;
  const figures = (samples: Samples, levels: Seen): Figures =>
    figuresOf(samples, options.duration / SECOND, levels, resolution);
  const [entries, connections] = [stand.entries(cell), stand.connections(cell)];
  const liveParts = own.map((pair) => liveSamples(pair.live, pair.calibration.path));
  const live = own.map((pair, i) => {
    const levels = liveLevels(pair.live, entries, connections);
    const app_wait = liveAppWait(pair.live);
    const losses = breaks ? liveLosses(pair.live) : NO_LOSSES;
    const seen = figures(liveParts[i] as Samples, { ...levels, app_wait, losses });
    return pair.calibration.capacity === undefined ? seen : byConsole(seen, pair.live, entries);
  });
  const parts: Samples[] = [];
  const twins: Figures[][] = [];
  for (const pair of own) {
    const simulated = twinsOf(workload, { ...options, refuses }, pair);
    const variants: Figures[] = [];
    for (let variant = 0; variant < VARIANTS; variant++) {
      const run = await simulated(variant);
      const samples = simulatedSamples(run.trace ?? fail(), stalls);
      const losses = breaks ? simulatedLosses(run) : NO_LOSSES;
      if (variant < SHOWN) parts.push(samples);
      const app_wait = simulatedAppWait(run);
      variants.push(figures(samples, { ...simulatedLevels(run), app_wait, losses }));
    }
    twins.push(variants);
  }
  const predicted = acrossRepeats(twins);
  const shared = own.some((pair) => pair.calibration.capacity !== undefined);
  const comparisons = shared
    ? comparePairs(twins.map(middleFigures), live)
    : compareFigures(predicted, live);
  return {
    cell,
    configuration: configured(workload),
    comparisons,
    predicted,
    live,
    samples: { predicted: together(parts), live: together(liveParts) },
    errors: countErrors(own),
    holds: comparisons.every((comparison) => comparison.holds !== false),
  };
}

/**
 * Figures by repeat and variant, as one for each variant: the median over the repeats of one simulation of each,
 * as the live figure is that of one live run of each. Medians of every repeat's variants would be another
 * thing: the middle one of five runs of which two are far up is none of these two's medians, but one of
 * three that happens to lie high.
 */
export function acrossRepeats(twins: readonly (readonly Figures[])[]): Figures[] {
  const variants = twins[0]?.length ?? 0;
  return Array.from({ length: variants }, (_, variant) =>
    middleFigures(twins.map((repeat) => repeat[variant] as Figures)),
  );
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
