/**
 * Distributions as plain data. Times are in nanoseconds; for counts (statements, transactions) the same
 * shapes hold plain numbers.
 */
export type DistributionSpec =
  | { kind: "constant"; value: number }
  | { kind: "exponential"; mean: number }
  | { kind: "erlang"; mean: number; k: number }
  | { kind: "hyperexponential"; means: number[]; weights: number[] }
  | { kind: "gamma"; mean: number; cv: number }
  | { kind: "lognormal"; mean: number; cv: number }
  | { kind: "weibull"; scale: number; shape: number }
  | { kind: "pareto"; min: number; max: number; shape: number }
  | { kind: "uniform"; min: number; max: number }
  | { kind: "empirical"; values: number[] }
  /** Points of the quantile function: percent and value, ascending; linear in between. */
  | { kind: "quantiles"; points: [percent: number, value: number][] }
  | { kind: "mixture"; parts: { weight: number; of: DistributionSpec }[] };
