/** A validation as the result of a command: what is printed, drawn and written as JSON. */
import { MILLISECOND } from "../../../engine/core/index.ts";
import type { ComparedQuantile, Result, Validated } from "../results/index.ts";
import type { CellResult } from "./compared.ts";
import { quantile } from "./figures.ts";
import { type MeasuredAgain, stoodStill } from "./standstill.ts";
import type { Validation } from "./validate.ts";
import type { Comparison } from "./verdict.ts";

/** The part of a result that is `validate`'s own. */
export function validationAnswer(validation: Validation): Pick<Result, "runs"> & Partial<Result> {
  const { calibration, driver, clock, cells, notes, seeds, capacity, again } = validation;
  const holds = cells.every((cell) => cell.holds) && capacity?.best?.holds !== false;
  return {
    runs: [],
    validations: cells.map(validated),
    calibration: { ...calibration },
    instrument: { ...driver, ...clock },
    measured_again: again.map(measuredAgain),
    ...(capacity && { capacity }),
    verdict: holds ? "pass" : "fail",
    notes: [`live against ${validation.pooler}; seeds ${seeds.join(", ")}`, ...notes],
  };
}

const measuredAgain = ({ what, repeat, times, longest, used }: MeasuredAgain) => ({
  what,
  repeat: repeat + 1,
  times,
  longest_ms: longest / MILLISECOND,
  used_ms: used / MILLISECOND,
  quiet: !stoodStill(used),
});

function validated(result: CellResult): Validated {
  const { comparisons, configuration, firstLook } = result;
  const pick = (value: (comparison: Comparison) => number) => finite(comparisons, value);
  return {
    ...configuration,
    repeats: result.live.length,
    predicted: pick((comparison) => comparison.predicted),
    live: pick((comparison) => comparison.live),
    noise: pick((comparison) => comparison.noise),
    error: pick((comparison) => comparison.error),
    tolerance: pick((comparison) => comparison.tolerance),
    verdict: result.holds ? "pass" : "fail",
    failed: missed(comparisons).map(({ figure }) => figure),
    ...(firstLook && { first_look: looked(firstLook) }),
    quantiles: quantiles(result),
    errors: result.errors,
  };
}

/** By figure; what is no number is left out. */
function finite(
  comparisons: readonly Comparison[],
  value: (comparison: Comparison) => number,
): Record<string, number> {
  return Object.fromEntries(
    comparisons
      .map((comparison) => [comparison.figure, value(comparison)] as const)
      .filter(([, number]) => Number.isFinite(number)),
  );
}

const missed = (comparisons: readonly Comparison[]): Comparison[] =>
  comparisons.filter(({ holds }) => holds === false);

function looked({ comparisons, live }: CellResult): Validated["first_look"] {
  const failed = missed(comparisons);
  return {
    repeats: live.length,
    failed: failed.map(({ figure }) => figure),
    error: finite(failed, ({ error }) => error),
  };
}

const POINTS = [
  0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1,
];

function quantiles({ samples }: CellResult): ComparedQuantile[] {
  return POINTS.map((p) => ({
    p,
    predicted_ms: quantile(samples.predicted.wait, p),
    live_ms: quantile(samples.live.wait, p),
  }));
}
