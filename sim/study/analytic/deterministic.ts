/**
 * M/D/c: Poisson arrivals, every service exactly as long. The nearest textbook case to a pool that
 * serves one kind of short query, and the sharpest check on ties and on the order of events.
 */
import { demand, poissonWindow, quantileOf, type WaitLaw } from "./law.ts";

/** Poisson arrivals at a pool whose services all take the same time. */
export interface DeterministicPool {
  /** Arrivals per unit of time. */
  rate: number;
  /** Length of every service. */
  service: number;
  servers: number;
}

/**
 * The exact law of the wait in M/D/c. Errors: RangeError when the load reaches the number of servers.
 * Source: C. D. Crommelin 1932 (generating function of the number present, whose denominator has the
 * roots found below); G. J. Franx, "A simple solution for the M/D/c waiting time distribution",
 * Operations Research Letters 29 (2001): whoever arrives at t starts by t + x, x in [(k-1)D, kD), just
 * when the queue at t + x - kD and the arrivals from then to t are fewer than kc in all.
 */
export function deterministicPool({ rate, service, servers }: DeterministicPool): WaitLaw {
  const load = rate * service;
  demand("deterministicPool", {
    "rate and service must be positive": rate > 0 && service > 0,
    "load must be below the number of servers": load < servers,
  });
  const roots = crommelinRoots(servers, load);
  const queued = queueBelow(stateProbabilities(servers, load, roots), servers);
  const tail = (time: number): number => franxTail(queued, servers, rate, service, time);
  return {
    probability: tail(0),
    mean: meanWait(servers, load, rate, roots),
    utilization: load / servers,
    throughput: rate,
    tail,
    quantile: (p) => quantileOf(tail, service, p),
  };
}

/** A complex number as [real, imaginary]. */
type Complex = readonly [number, number];
const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const over = ([a, b]: Complex, [c, d]: Complex): Complex => {
  const size = c * c + d * d;
  return [(a * c + b * d) / size, (b * c - a * d) / size];
};
const exponential = ([a, b]: Complex): Complex => [
  Math.exp(a) * Math.cos(b),
  Math.exp(a) * Math.sin(b),
];

/**
 * The roots of z^c = exp(load (z - 1)) inside the unit circle, one for each c-th root of unity but 1:
 * z = w exp(load (z - 1) / c), which contracts because load < c.
 */
function crommelinRoots(servers: number, load: number): Complex[] {
  const roots: Complex[] = [];
  for (let k = 1; k < servers; k++) {
    const unity = exponential([0, (2 * Math.PI * k) / servers]);
    let root: Complex = [0, 0];
    for (let round = 0; round < 10_000; round++) {
      const [x, y] = root;
      root = times(unity, exponential([(load * (x - 1)) / servers, (load * y) / servers]));
      if (Math.hypot(root[0] - x, root[1] - y) < 1e-15) break;
    }
    roots.push(root);
  }
  return roots;
}

/** E(L) is the derivative of the generating function at 1; Little's law turns it into a wait. */
function meanWait(servers: number, load: number, rate: number, roots: Complex[]): number {
  const spare = servers - load;
  let present = (servers - spare * spare) / (2 * spare);
  for (const [x, y] of roots) present += over([1, 0], [1 - x, -y])[0];
  return (present - load) / rate;
}

/** Stationary probabilities of 0, 1, 2, .. present, by inverting the generating function. */
function stateProbabilities(servers: number, load: number, roots: Complex[]): Float64Array {
  const size = transformSize(servers, load);
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  real[0] = 1;
  for (let k = 1; k <= size / 2; k++) {
    const angle = (2 * Math.PI * k) / size;
    const [x, y] = generating(angle, servers, load, roots);
    real[k] = x;
    imaginary[k] = y;
    // The probabilities are real, so the other half circle holds the conjugates.
    real[size - k] = x;
    imaginary[size - k] = k === size / 2 ? 0 : -y;
  }
  fourier(real, imaginary);
  return real.map((sum) => Math.max(0, sum / size));
}

/**
 * Points enough for the tail beyond to vanish: present counts decay like 1/tau^n, where tau > 1
 * solves tau^c = exp(load (tau - 1)).
 */
function transformSize(servers: number, load: number): number {
  let decay = (2 * (servers - load)) / load;
  for (let round = 0; round < 200; round++) decay = (servers * Math.log1p(decay)) / load;
  // The map's other fixed point, 0, repels; a step from above always lands on the root.
  const needed = servers + load + 40 / Math.log1p(decay) + 20 * Math.sqrt(load);
  return 2 ** Math.ceil(Math.log2(needed + 64));
}

/**
 * (c - a)(1 - z) prod (z - z_k)/(1 - z_k) / (1 - z^c exp(a(1 - z))) at z = exp(i angle), with both
 * sides of the fraction divided by exp(a(1 - z)), which would overflow.
 */
function generating(angle: number, servers: number, load: number, roots: Complex[]): Complex {
  const z = exponential([0, angle]);
  const damped = exponential([load * (z[0] - 1), load * z[1]]);
  let top: Complex = times([(servers - load) * (1 - z[0]), (load - servers) * z[1]], damped);
  for (const [x, y] of roots) top = times(top, over([z[0] - x, z[1] - y], [1 - x, -y]));
  const power = exponential([0, angle * servers]);
  return over(top, [damped[0] - power[0], damped[1] - power[1]]);
}

/** Forward Fourier transform in place, radix 2 (Cooley and Tukey 1965). */
function fourier(real: Float64Array, imaginary: Float64Array): void {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      swap(real, i, j);
      swap(imaginary, i, j);
    }
  }
  for (let length = 2; length <= size; length *= 2) {
    for (let k = 0; k < length / 2; k++) {
      const turn = exponential([0, (-2 * Math.PI * k) / length]);
      for (let at = k; at < size; at += length) {
        butterfly(real, imaginary, at, at + length / 2, turn);
      }
    }
  }
}

function swap(array: Float64Array, i: number, j: number): void {
  const kept = array[i] as number;
  array[i] = array[j] as number;
  array[j] = kept;
}

function butterfly(
  real: Float64Array,
  imaginary: Float64Array,
  low: number,
  high: number,
  turn: Complex,
): void {
  const [x, y] = times([real[high] as number, imaginary[high] as number], turn);
  real[high] = (real[low] as number) - x;
  imaginary[high] = (imaginary[low] as number) - y;
  real[low] = (real[low] as number) + x;
  imaginary[low] = (imaginary[low] as number) + y;
}

/** Entry m: probability that at most m wait. */
function queueBelow(states: Float64Array, servers: number): Float64Array {
  let sum = 0;
  const below = states.map((probability) => {
    sum += probability;
    return sum;
  });
  return below.subarray(servers);
}

function franxTail(
  queued: Float64Array,
  servers: number,
  rate: number,
  service: number,
  time: number,
): number {
  const k = Math.floor(time / service) + 1;
  const { from, weights } = poissonWindow(rate * (k * service - time));
  const room = k * servers - 1;
  let late = 0;
  for (let i = 0; i < weights.length; i++) {
    const most = room - from - i;
    const fits = most < 0 ? 0 : (queued[Math.min(most, queued.length - 1)] as number);
    late += (weights[i] as number) * (1 - fits);
  }
  return Math.max(0, late);
}
