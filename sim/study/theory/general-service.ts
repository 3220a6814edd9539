/**
 * M/G/1: Poisson arrivals, one server, services of any law. The mean wait is Pollaczek and Khinchine's;
 * the whole law is a geometric sum of residual services, added up on a grid.
 */
import { gammaln } from "simple-statistics";
import { demand, quantileOf, type WaitLaw } from "../analytic/law.ts";

/** A law of services: mean, second moment, and probability of taking longer than `time`. */
export interface Services {
  mean: number;
  square: number;
  survival(time: number): number;
}

/** Gamma with this mean and cv = standard deviation / mean; Erlang k is cv = 1 / sqrt(k). */
export function gammaServices(mean: number, cv: number): Services {
  const shape = 1 / cv ** 2;
  const survival = (time: number): number => gammaTail(shape, (shape * time) / mean);
  return { mean, square: mean ** 2 * (1 + cv ** 2), survival };
}

export function lognormalServices(mean: number, cv: number): Services {
  const variance = Math.log(1 + cv ** 2);
  const centre = Math.log(mean) - variance / 2;
  const survival = (time: number): number =>
    time <= 0 ? 1 : normalTail((Math.log(time) - centre) / Math.sqrt(variance));
  return { mean, square: mean ** 2 * (1 + cv ** 2), survival };
}

export function uniformServices(min: number, max: number): Services {
  const survival = (time: number): number => Math.min(1, Math.max(0, (max - time) / (max - min)));
  return { mean: (min + max) / 2, square: (min ** 2 + min * max + max ** 2) / 3, survival };
}

/** Bounded Pareto; moments by the integral of its density, shape neither 1 nor 2. */
export function paretoServices(min: number, max: number, shape: number): Services {
  const whole = 1 - (min / max) ** shape;
  const moment = (k: number): number =>
    ((shape * min ** shape) / whole) * ((max ** (k - shape) - min ** (k - shape)) / (k - shape));
  const survival = (time: number): number =>
    time <= min ? 1 : time >= max ? 0 : 1 - (1 - (min / time) ** shape) / whole;
  return { mean: moment(1), square: moment(2), survival };
}

/** One of several laws, by weights that add up to 1. */
export function mixedServices(parts: readonly (readonly [number, Services])[]): Services {
  const sum = (value: (services: Services) => number): number =>
    parts.reduce((total, [weight, services]) => total + weight * value(services), 0);
  return {
    mean: sum((services) => services.mean),
    square: sum((services) => services.square),
    survival: (time) => sum((services) => services.survival(time)),
  };
}

/** The mean wait in M/G/1. Source: F. Pollaczek 1930, A. Khinchine 1932. */
export function meanWait(rate: number, { mean, square }: Services): number {
  return (rate * square) / (2 * (1 - rate * mean));
}

/**
 * The law of the wait in M/G/1. Errors: RangeError at full load. `cell`: width of the grid, in mean
 * services; the tail is off by its square. Source: Pollaczek and Khinchine: the wait is a sum of N
 * residual services, P(N = n) = (1 - load) load^n; the recursion for such sums is H. Panjer's, ASTIN
 * Bulletin 12, 1981.
 */
export function generalService(rate: number, services: Services, cell = 1 / 200): WaitLaw {
  const load = rate * services.mean;
  demand("generalService", { "load must be below one server": load < 1 });
  const width = cell * services.mean;
  const below = geometricSum(load, residuals(services, width));
  const tail = (time: number): number => {
    if (time === 0) return load;
    // Sums are known just after the middles between grid points; linear in between.
    const at = time / width - 0.5;
    const from = Math.floor(at);
    const low = from < 0 ? 1 - load : below(from);
    return 1 - (low + (below(from + 1) - low) * (from < 0 ? 2 * (at + 0.5) : at - from));
  };
  return {
    probability: load,
    mean: meanWait(rate, services),
    utilization: load,
    throughput: rate,
    tail,
    quantile: (p) => quantileOf(tail, services.mean, p),
  };
}

/** Probabilities of a residual service of 0, 1, 2, .. grid widths, each rounded to the nearest. */
function residuals({ mean, survival }: Services, width: number): (n: number) => number {
  const known: number[] = [];
  // Gauss's two points on halves of a cell: none is on an edge, where a law may jump.
  const area = (from: number, to: number): number => {
    const middle = (from + to) / 2;
    const off = (to - from) / 2 / Math.sqrt(3);
    return ((to - from) / 2) * (survival(middle - off) + survival(middle + off));
  };
  return (n) => {
    for (let k = known.length; k <= n; k++) {
      const before = k === 0 ? 0 : area((k - 0.5) * width, k * width);
      known.push((before + area(k * width, (k + 0.5) * width)) / mean);
    }
    return known[n] as number;
  };
}

/** P(sum <= n widths) for a geometric number of terms, extended as far as anybody asks. */
function geometricSum(load: number, term: (n: number) => number): (n: number) => number {
  const first = 1 - load * term(0);
  const density = [(1 - load) / first];
  const below = [...density];
  return (n) => {
    for (let k = density.length; k <= n; k++) {
      let sum = 0;
      for (let j = 1; j <= k; j++) sum += term(j) * (density[k - j] as number);
      density.push((load / first) * sum);
      below.push((below[k - 1] as number) + (density[k] as number));
    }
    return below[n] as number;
  };
}

/** P(Z > x) of a standard normal: half an incomplete gamma function of x^2 / 2. */
export function normalTail(x: number): number {
  const half = gammaTail(0.5, (x * x) / 2) / 2;
  return x < 0 ? 1 - half : half;
}

/**
 * P(X > x) of a gamma variable of scale 1: the series below shape + 1, the continued fraction above.
 * Source: Abramowitz and Stegun 6.5.29 and 6.5.31 (Lentz's evaluation).
 */
export function gammaTail(shape: number, x: number): number {
  if (x <= 0) return 1;
  const scale = Math.exp(shape * Math.log(x) - x - gammaln(shape));
  if (x < shape + 1) {
    let term = 1 / shape;
    let sum = term;
    for (let k = 1; term > 1e-17 * sum; k++) sum += term *= x / (shape + k);
    return 1 - scale * sum;
  }
  let b = x + 1 - shape;
  let c = 1e300;
  let d = 1 / b;
  let fraction = d;
  for (let k = 1; k < 1000; k++) {
    const a = -k * (k - shape);
    b += 2;
    d = 1 / (a * d + b);
    c = b + a / c;
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return scale * fraction;
}
