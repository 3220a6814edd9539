/** What a validation found out about the database's cores, and about the best pool size. */
import { MILLISECOND } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { Calibration } from "./calibrate.ts";
import { meanService } from "./capacity.ts";
import type { Figures } from "./figures.ts";
import type { Cell } from "./stand.ts";
import { median } from "./verdict.ts";

/** Medians over the repeats. */
export interface CapacityFound {
  /** The sizes that were measured; all others are predicted. */
  measured: { pool_size: number; throughput_tps: number }[];
  /** Time that the database takes to count a row, and the work of a mean statement alone on a core. */
  row_ns: number;
  statement_ms: number;
  /** `server.speed` of a workload file for this database. */
  cap: number;
  knee: number;
  /** `server.quantum`, in ms; 0: all statements advance alike. */
  quantum_ms: number;
  /** False: the load was too little to tell. */
  reached: boolean;
  best?: BestSize;
}

/** The size with the shortest response at p99, predicted and live, of those that were compared. */
export interface BestSize {
  predicted: number;
  live: number;
  /** How many of the compared sizes they are apart. */
  steps: number;
  holds: boolean;
}

/** A compared configuration, as far as it is needed here. */
interface Compared {
  cell: Cell;
  predicted: readonly Figures[];
  live: readonly Figures[];
}

/** Puts it together. `sizes`: those of the calibration, in the order of their throughputs. */
export function capacityFound(
  cells: readonly Compared[],
  calibrations: readonly Calibration[],
  sizes: readonly number[],
  { workload, rowTime }: { workload: Workload; rowTime: number },
): CapacityFound {
  const fits = calibrations.flatMap(({ capacity }) => (capacity === undefined ? [] : [capacity]));
  const middle = (pick: (fit: (typeof fits)[number]) => number): number => median(fits.map(pick));
  const best = bestSize(cells);
  return {
    measured: sizes.map((pool_size, i) => ({
      pool_size,
      throughput_tps: middle(({ measured }) => measured[i] ?? Number.NaN),
    })),
    row_ns: rowTime,
    statement_ms: (middle(({ work }) => work) * meanService(workload)) / MILLISECOND,
    cap: middle(({ cap }) => cap),
    knee: middle(({ knee }) => knee),
    quantum_ms: middle(({ quantum = 0 }) => quantum) / MILLISECOND,
    reached: fits.every(({ reached }) => reached),
    ...(best && { best }),
  };
}

/** What a reader should know before believing it. `sizes`: those that were compared. */
export function capacityNotes(
  { measured, reached }: CapacityFound,
  sizes: readonly number[],
): string[] {
  const known = measured.filter(({ pool_size }) => sizes.includes(pool_size));
  return [
    "the speed of the database's cores is measured; what the file says of it is not used",
    "each repeat is held against its own prediction: errors and noise are those of the pairs",
    ...known.map(({ pool_size }) => `${pool_size} is a size of the calibration: no prediction`),
    ...(reached
      ? []
      : ["the load did not keep one connection, or the cores, busy: what was fitted is a guess"]),
  ];
}

/** See `BestSize`; undefined for a single size. */
export function bestSize(cells: readonly Compared[]): BestSize | undefined {
  if (cells.length < 2) return undefined;
  const sorted = [...cells].sort((a, b) => a.cell.pool_size - b.cell.pool_size);
  const lowest = (side: "predicted" | "live"): number => {
    const tails = sorted.map((each) => median(each[side].map((run) => run["response_ms.p99"])));
    return tails.indexOf(Math.min(...tails));
  };
  const [predicted, live] = [lowest("predicted"), lowest("live")];
  const steps = Math.abs(predicted - live);
  const size = (index: number): number => sorted[index]?.cell.pool_size ?? Number.NaN;
  return { predicted: size(predicted), live: size(live), steps, holds: steps <= 1 };
}
