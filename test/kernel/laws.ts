/** Distribution functions in closed form, against which draws are held. */
import { errorFunction, gamma as gammaOf } from "simple-statistics";
import { type DistributionSpec, mean } from "../../sim/kernel/distributions.ts";

/** P(X <= x) and the coefficient of variation of a distribution. */
export interface Law {
  below(x: number): number;
  cv: number;
}

/** The law of a continuous distribution. Errors: Error for those with atoms. */
export function lawOf(spec: DistributionSpec): Law {
  switch (spec.kind) {
    case "exponential":
      return { below: (x) => 1 - Math.exp(-x / spec.mean), cv: 1 };
    case "erlang":
      return { below: (x) => gammaBelow(spec.k, (x * spec.k) / spec.mean), cv: spec.k ** -0.5 };
    case "gamma": {
      const shape = spec.cv ** -2;
      return { below: (x) => gammaBelow(shape, (x * shape) / spec.mean), cv: spec.cv };
    }
    case "lognormal": {
      const variance = Math.log(1 + spec.cv ** 2);
      const middle = Math.log(spec.mean) - variance / 2;
      const below = (x: number): number =>
        (1 + errorFunction((Math.log(x) - middle) / Math.sqrt(2 * variance))) / 2;
      return { below, cv: spec.cv };
    }
    case "weibull": {
      const { scale, shape } = spec;
      const [first, second] = [gammaOf(1 + 1 / shape), gammaOf(1 + 2 / shape)];
      const cv = Math.sqrt(second / first ** 2 - 1);
      return { below: (x) => 1 - Math.exp(-((x / scale) ** shape)), cv };
    }
    case "pareto":
      return pareto(spec);
    case "uniform": {
      const width = spec.max - spec.min;
      const cv = width / Math.sqrt(12) / mean(spec);
      return { below: (x) => Math.min(1, Math.max(0, (x - spec.min) / width)), cv };
    }
    case "hyperexponential":
      return mixture(
        spec.means.map((value) => ({ kind: "exponential", mean: value })),
        spec.weights,
      );
    case "mixture":
      return mixture(
        spec.parts.map((part) => part.of),
        spec.parts.map((part) => part.weight),
      );
    default:
      throw new Error(`${spec.kind} has no density`);
  }
}

function pareto({ min, max, shape }: { min: number; max: number; shape: number }): Law {
  const whole = 1 - (min / max) ** shape;
  // Integral of x^(power - shape - 1) from min to max.
  const area = (power: number): number =>
    power === shape
      ? Math.log(max / min)
      : (max ** (power - shape) - min ** (power - shape)) / (power - shape);
  const moment = (power: number): number => (shape * min ** shape * area(power)) / whole;
  return {
    below: (x) => (x < min ? 0 : (1 - (min / Math.min(x, max)) ** shape) / whole),
    cv: Math.sqrt(moment(2) / moment(1) ** 2 - 1),
  };
}

function mixture(parts: readonly DistributionSpec[], weights: readonly number[]): Law {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const laws = parts.map(lawOf);
  const over = (value: (i: number) => number): number =>
    weights.reduce((sum, weight, i) => sum + (weight / total) * value(i), 0);
  const first = over((i) => mean(parts[i] as DistributionSpec));
  const second = over(
    (i) => mean(parts[i] as DistributionSpec) ** 2 * (1 + (laws[i] as Law).cv ** 2),
  );
  return {
    below: (x) => over((i) => (laws[i] as Law).below(x)),
    cv: Math.sqrt(second / first ** 2 - 1),
  };
}

/** The regularised incomplete gamma function, by its series: Abramowitz and Stegun 6.5.29. */
function gammaBelow(shape: number, x: number): number {
  if (x <= 0) return 0;
  if (x > shape + 50 + 10 * Math.sqrt(shape)) return 1;
  let term = 1 / shape;
  let sum = term;
  for (let n = 1; term > 1e-12 * sum; n++) {
    term *= x / (shape + n);
    sum += term;
  }
  return (sum * Math.exp(shape * Math.log(x) - x)) / gammaOf(shape);
}
