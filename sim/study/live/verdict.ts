/**
 * Does a prediction hold? Medians of the repeats are compared. The tolerance of a figure is what it may
 * be off by, or what the live run is off from itself, whichever is more, and a small absolute allowance.
 */
import { FIGURES, type Figure, type Figures } from "./figures.ts";

export interface Tolerance {
  /** Relative error that is accepted in any case. */
  relative: number;
  /** Added, in the figure's unit. */
  absolute: number;
}

/** Half a millisecond is what scheduling on a shared machine adds now and then. */
const MS = 0.5;

export type Tolerances = Partial<Record<Figure, Tolerance>>;

/**
 * Where real work shares the cores with pooler and driver: a response is more than what the pooler does to
 * it. Quantiles of the wait are not seen then, and the mean is the pooler's own.
 */
const SHARED_TOLERANCES: Tolerances = {
  "wait_ms.mean": { relative: 0.1, absolute: MS },
  "response_ms.mean": { relative: 0.1, absolute: MS },
  "response_ms.p95": { relative: 0.1, absolute: MS },
  throughput_tps: { relative: 0.03, absolute: 0 },
};

/** Figures that are shown without a verdict have none: an extreme of one run has no stable value. */
const TOLERANCES: Tolerances = {
  "wait_ms.mean": { relative: 0.05, absolute: MS },
  "wait_ms.p50": { relative: 0.05, absolute: MS },
  "wait_ms.p90": { relative: 0.05, absolute: MS },
  "wait_ms.p95": { relative: 0.05, absolute: MS },
  "wait_ms.p99": { relative: 0.1, absolute: MS },
  "app_wait_ms.mean": { relative: 0.05, absolute: MS },
  "app_wait_ms.p95": { relative: 0.05, absolute: MS },
  "app_wait_ms.p99": { relative: 0.1, absolute: MS },
  wait_probability: { relative: 0.05, absolute: 0.02 },
  "response_ms.mean": { relative: 0.05, absolute: MS },
  "response_ms.p50": { relative: 0.05, absolute: MS },
  "response_ms.p90": { relative: 0.05, absolute: MS },
  "response_ms.p95": { relative: 0.05, absolute: MS },
  "response_ms.p99": { relative: 0.1, absolute: MS },
  throughput_tps: { relative: 0.02, absolute: 0 },
  utilization: { relative: 0.05, absolute: 0.02 },
  "clients_waiting.mean": { relative: 0.1, absolute: 0.2 },
  // Few clients are served at the instant in which something fails, and a few milliseconds are some of them.
  failed: { relative: 0.1, absolute: 3 },
  lost: { relative: 0.1, absolute: 3 },
  refused: { relative: 0.1, absolute: 3 },
};

/** One figure, predicted and live. */
export interface Comparison {
  figure: Figure;
  predicted: number;
  live: number;
  /** predicted / live - 1; NaN where live is 0. Of pairs: the median of theirs. */
  error: number;
  /** Coefficient of variation of the live repeats; of pairs: of their ratios. */
  noise: number;
  /** What the prediction may be off by, in the figure's unit; NaN: no verdict. */
  tolerance: number;
  holds: boolean | undefined;
}

/** How far one side of a figure is from the other; `off` in its unit. */
type Apart = Pick<Comparison, "error" | "noise"> & { off: number };

/** Compares the repeats' figures, predicted and live: the middle of the ones with the middle of the others. */
export const compareFigures = (
  predicted: readonly Figures[],
  live: readonly Figures[],
): Comparison[] => compared({ predicted, live }, TOLERANCES, middlesApart);

/**
 * Compares where each repeat has a prediction of its own, from what was measured just before and after it: a
 * machine whose speed drifts from one repeat to the next takes both along. What two such runs are apart
 * from each other is then the noise.
 */
export const comparePairs = (
  predicted: readonly Figures[],
  live: readonly Figures[],
): Comparison[] => compared({ predicted, live }, SHARED_TOLERANCES, pairsApart);

function middlesApart(predicted: readonly number[], live: readonly number[]): Apart {
  const [a, b] = [median(predicted), median(live)];
  return { error: b === 0 ? Number.NaN : a / b - 1, noise: variation(live), off: a - b };
}

function pairsApart(predicted: readonly number[], live: readonly number[]): Apart {
  const ratios = predicted.map((value, i) => value / (live[i] as number));
  if (!ratios.every(Number.isFinite)) return middlesApart(predicted, live);
  const [middle, b] = [median(ratios), median(live)];
  return { error: middle - 1, noise: variation(ratios), off: middle * b - b };
}

function compared(
  runs: Record<"predicted" | "live", readonly Figures[]>,
  tolerances: Tolerances,
  apart: (predicted: readonly number[], live: readonly number[]) => Apart,
): Comparison[] {
  return FIGURES.map((figure) => {
    const of = (side: keyof typeof runs): number[] => runs[side].map((run) => run[figure]);
    const [predicted, live] = [of("predicted"), of("live")];
    const { off, ...rest } = apart(predicted, live);
    const sides = { predicted: median(predicted), live: median(live) };
    return judged({ figure, ...sides, ...rest }, off, runs.live.length, tolerances[figure]);
  });
}

/** With its verdict, of so many repeats: the prediction is `off` by that much. No `rule`, no verdict. */
function judged(
  found: Omit<Comparison, "tolerance" | "holds">,
  off: number,
  repeats: number,
  rule: Tolerance | undefined,
): Comparison {
  if (rule === undefined) return { ...found, tolerance: Number.NaN, holds: undefined };
  const relative = Math.max(rule.relative, (2 * found.noise) / Math.sqrt(repeats));
  const tolerance = relative * Math.abs(found.live) + rule.absolute;
  const known = !Number.isNaN(tolerance) && !Number.isNaN(off);
  return { ...found, tolerance, holds: known ? Math.abs(off) <= tolerance : undefined };
}

/** The median of each figure. */
export function middleFigures(runs: readonly Figures[]): Figures {
  const pairs = FIGURES.map((figure) => [figure, median(runs.map((run) => run[figure]))] as const);
  return Object.fromEntries(pairs) as Figures;
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** Sample standard deviation over the mean; 0 where there is nothing to vary. */
export function variation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2 || mean === 0) return 0;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1)) / Math.abs(mean);
}
