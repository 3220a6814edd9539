/**
 * Distributions as plain data. Times are in nanoseconds; for counts (statements, transactions) the same
 * shapes hold plain numbers.
 */
import { gamma as gammaOf } from "simple-statistics";
import { exponential } from "./exponential.ts";
import type { Stream } from "./streams.ts";

/** A distribution by its parameters. */
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

/** The distribution of `factor` times what `spec` draws: draw for draw, not only in law. */
export function scaled(spec: DistributionSpec, factor: number): DistributionSpec {
  const by = (value: number): number => value * factor;
  switch (spec.kind) {
    case "constant":
      return { ...spec, value: by(spec.value) };
    case "exponential":
    case "erlang":
    case "gamma":
    case "lognormal":
      return { ...spec, mean: by(spec.mean) };
    case "hyperexponential":
      return { ...spec, means: spec.means.map(by) };
    case "weibull":
      return { ...spec, scale: by(spec.scale) };
    case "pareto":
    case "uniform":
      return { ...spec, min: by(spec.min), max: by(spec.max) };
    case "empirical":
      return { ...spec, values: spec.values.map(by) };
    case "quantiles":
      return { ...spec, points: spec.points.map(([percent, value]) => [percent, by(value)]) };
    case "mixture":
      return {
        ...spec,
        parts: spec.parts.map((part) => ({ ...part, of: scaled(part.of, factor) })),
      };
  }
}

/** Binds a distribution to a stream. */
export function sampler(spec: DistributionSpec, stream: Stream): Sampler {
  return new Sampler(spec, stream);
}

/** One class for all of them, the two frequent ones first: so the simulator's calls stay inlined. */
export class Sampler {
  /** Of a constant; -1 for the others. */
  private readonly value: number;
  /** Of an exponential distribution; 0 for the others. */
  private readonly mean: number;
  private readonly spec: DistributionSpec;
  private readonly stream: Stream;
  private readonly source: Source;

  constructor(spec: DistributionSpec, stream: Stream) {
    this.value = spec.kind === "constant" ? Math.round(spec.value) : -1;
    this.mean = spec.kind === "exponential" ? spec.mean : 0;
    this.spec = spec;
    this.stream = stream;
    this.source = new Source(stream);
  }

  /**
   * The `draw`-th number of `client`; `part` tells several of one draw apart (the statements of a
   * transaction): a whole number, not below zero.
   */
  draw(client: number, draw: number, part: number): number {
    if (this.value >= 0) return this.value;
    if (this.mean > 0) return Math.round(this.mean * exponential(this.stream, client, draw, part));
    this.source.aim(client, draw, part);
    return Math.max(0, Math.round(number(this.spec, this.source)));
  }
}

/** The random words of one draw, one after the other. */
class Source {
  private readonly stream: Stream;
  private client = 0;
  private drawn = 0;
  private part = 0;
  constructor(stream: Stream) {
    this.stream = stream;
  }
  aim(client: number, draw: number, part: number): void {
    this.client = client;
    this.drawn = draw;
    this.part = part;
  }
  uniform(): number {
    const u = this.stream.uniform(this.client, this.drawn, this.part);
    this.part += 0x10000; // Parts of one transaction are numbered below this.
    return u;
  }
  /** Standard normal. Source: G. Marsaglia, T. Bray, SIAM Review 6 (3), 1964 (the polar method). */
  normal(): number {
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const s = x * x + y * y;
      if (s < 1 && s > 0) return x * Math.sqrt((-2 * Math.log(s)) / s);
    }
  }
}

function number(spec: DistributionSpec, source: Source): number {
  switch (spec.kind) {
    case "constant":
      return spec.value;
    case "exponential":
      return -spec.mean * Math.log(source.uniform());
    case "erlang":
      return (spec.mean / spec.k) * erlang(spec.k, source);
    case "hyperexponential": {
      const mean = spec.means[pick(spec.weights, source.uniform())] as number;
      return -mean * Math.log(source.uniform());
    }
    case "gamma":
      return spec.mean * spec.cv ** 2 * gamma(1 / spec.cv ** 2, source);
    case "lognormal": {
      const variance = Math.log(1 + spec.cv ** 2);
      return spec.mean * Math.exp(Math.sqrt(variance) * source.normal() - variance / 2);
    }
    case "weibull":
      return spec.scale * (-Math.log(source.uniform())) ** (1 / spec.shape);
    case "pareto":
      return pareto(spec.min, spec.max, spec.shape, source.uniform());
    case "uniform":
      return spec.min + (spec.max - spec.min) * source.uniform();
    case "empirical":
      return spec.values[Math.floor(source.uniform() * spec.values.length)] as number;
    case "quantiles":
      return interpolate(spec.points, 100 * source.uniform());
    case "mixture": {
      const weights = spec.parts.map((part) => part.weight);
      const part = spec.parts[pick(weights, source.uniform())] as { of: DistributionSpec };
      return number(part.of, source);
    }
  }
}

function erlang(k: number, source: Source): number {
  let sum = 0;
  for (let stage = 0; stage < k; stage++) sum -= Math.log(source.uniform());
  return sum;
}

/**
 * Gamma of scale 1. Source: G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables",
 * ACM TOMS 26 (3), 2000; below shape 1 by one power of a uniform.
 */
function gamma(shape: number, source: Source): number {
  if (shape < 1) return gamma(shape + 1, source) * source.uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = source.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(source.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v))
      return d * v;
  }
}

/** Bounded Pareto by inversion. */
function pareto(min: number, max: number, shape: number, u: number): number {
  const ratio = (min / max) ** shape;
  return min * (1 - u * (1 - ratio)) ** (-1 / shape);
}

/** Index of the weight that `u` in (0, 1) falls to; weights need not add up to 1. */
function pick(weights: readonly number[], u: number): number {
  let total = 0;
  for (const weight of weights) total += weight;
  let left = u * total;
  for (let i = 0; i < weights.length - 1; i++) {
    left -= weights[i] as number;
    if (left < 0) return i;
  }
  return weights.length - 1;
}

function interpolate(points: readonly [number, number][], percent: number): number {
  let [before, low] = points[0] as [number, number];
  for (const [at, value] of points) {
    if (percent <= at) {
      return at === before ? value : low + ((value - low) * (percent - before)) / (at - before);
    }
    [before, low] = [at, value];
  }
  return low;
}

/** The mean, by formula. */
export function mean(spec: DistributionSpec): number {
  switch (spec.kind) {
    case "constant":
      return spec.value;
    case "exponential":
    case "erlang":
    case "gamma":
    case "lognormal":
      return spec.mean;
    case "hyperexponential":
      return average(spec.means, spec.weights);
    case "weibull":
      return spec.scale * gammaOf(1 + 1 / spec.shape);
    case "pareto":
      return paretoMean(spec.min, spec.max, spec.shape);
    case "uniform":
      return (spec.min + spec.max) / 2;
    case "empirical":
      return spec.values.reduce((sum, value) => sum + value, 0) / spec.values.length;
    case "quantiles":
      return quantilesMean(spec.points);
    case "mixture":
      return average(
        spec.parts.map((part) => mean(part.of)),
        spec.parts.map((part) => part.weight),
      );
  }
}

/** The largest number that it may draw; Infinity where there is no end. */
export function largest(spec: DistributionSpec): number {
  switch (spec.kind) {
    case "constant":
      return spec.value;
    case "pareto":
    case "uniform":
      return spec.max;
    case "empirical":
      return spec.values.reduce((most, value) => Math.max(most, value), 0);
    case "quantiles":
      return Math.max(...spec.points.map(([, value]) => value));
    case "mixture":
      return Math.max(...spec.parts.map((part) => largest(part.of)));
    default:
      return mean(spec) > 0 ? Number.POSITIVE_INFINITY : 0;
  }
}

function average(values: readonly number[], weights: readonly number[]): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    sum += (values[i] as number) * (weights[i] as number);
    total += weights[i] as number;
  }
  return sum / total;
}

function paretoMean(min: number, max: number, shape: number): number {
  const ratio = (min / max) ** shape;
  if (shape === 1) return (min / (1 - ratio)) * Math.log(max / min);
  return ((min * shape) / (shape - 1)) * ((1 - (min / max) ** (shape - 1)) / (1 - ratio));
}

function quantilesMean(points: readonly [number, number][]): number {
  let sum = ((points[0] as [number, number])[0] / 100) * (points[0] as [number, number])[1];
  for (let i = 1; i < points.length; i++) {
    const [from, low] = points[i - 1] as [number, number];
    const [to, high] = points[i] as [number, number];
    sum += ((to - from) / 100) * ((low + high) / 2);
  }
  const [last, highest] = points[points.length - 1] as [number, number];
  return sum + ((100 - last) / 100) * highest;
}
