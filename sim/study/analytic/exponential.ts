/**
 * Erlang's pool of exponential services, open (requests arrive from outside) and closed (a fixed number
 * of clients who think in between).
 */
import { demand, poissonWindow, quantileOf, type WaitLaw } from "./law.ts";

/**
 * Erlang's loss formula B(c, a): the share of arrivals that find all `servers` busy when nobody may
 * wait. `load` is arrival rate times mean service time (Erlangs).
 * Source: A. K. Erlang 1917; the recursion B(c) = aB(c-1) / (c + aB(c-1)).
 */
export function erlangB(servers: number, load: number): number {
  demand("erlangB", {
    "servers must be a natural number": Number.isInteger(servers) && servers >= 0,
    "load must not be negative": load >= 0,
  });
  let blocked = 1;
  for (let c = 1; c <= servers; c++) blocked = (load * blocked) / (c + load * blocked);
  return blocked;
}

/**
 * Erlang's delay formula C(c, a): the share of arrivals that wait when they may; 1 when load reaches
 * the number of servers. Source: A. K. Erlang 1917; C = cB / (c - a(1 - B)).
 */
export function erlangC(servers: number, load: number): number {
  if (load >= servers) return 1;
  const blocked = erlangB(servers, load);
  return (servers * blocked) / (servers - load * (1 - blocked));
}

/** Poisson arrivals at a pool: M/M/c. */
export interface OpenPool {
  /** Arrivals per unit of time. */
  rate: number;
  /** Mean service time. */
  service: number;
  servers: number;
}

/**
 * M/M/c: Poisson arrivals, exponential service. Errors: RangeError when the load reaches the number
 * of servers, where no steady state exists. Source: Erlang; P(W > t) = C exp(-(c mu - lambda) t).
 */
export function openPool({ rate, service, servers }: OpenPool): WaitLaw {
  const load = rate * service;
  demand("openPool", {
    "rate and service must be positive": rate > 0 && service > 0,
    "load must be below the number of servers": load < servers,
  });
  const probability = erlangC(servers, load);
  const drain = servers / service - rate;
  return {
    probability,
    mean: probability / drain,
    utilization: load / servers,
    throughput: rate,
    tail: (time) => probability * Math.exp(-drain * time),
    quantile: (p) => Math.max(0, Math.log(probability / (1 - p)) / drain),
  };
}

/** A fixed population of clients who think, then need a server: M/M/c//N, "machine repair". */
export interface ClosedPool {
  clients: number;
  /** Mean think time between two requests of a client; 0 = none. */
  think: number;
  /** Mean service time. */
  service: number;
  servers: number;
}

/**
 * M/M/c//N: exponential think and service times. What an arriving client sees is the steady state of
 * the pool without it, with N - 1 clients (arrival theorem: Sevcik and Mitrani 1981, Lavenberg and
 * Reiser 1980); given n >= c there, it waits for n - c + 1 departures at rate c/service, which is an
 * Erlang law. O(N) once, then O(sqrt(n)) a tail.
 */
export function closedPool({ clients, think, service, servers }: ClosedPool): WaitLaw {
  demand("closedPool", {
    "clients must be a natural number": Number.isInteger(clients) && clients >= 1,
    "servers must be a natural number": Number.isInteger(servers) && servers >= 1,
    "think must not be negative": think >= 0,
    "service must be positive": service > 0,
  });
  const law = waitSeeing(seenByArrival(clients - 1, think / service, servers), servers, service);
  const throughput = clients / (think + law.mean + service);
  return { ...law, utilization: (throughput * service) / servers, throughput };
}

/**
 * The law of the wait of an arrival that sees n clients at the pool with probability `seen[n]`: it waits
 * for n - c + 1 departures at rate c/service, first come, first served. `service` is the mean of an
 * exponential law.
 */
export function waitSeeing(
  seen: Float64Array,
  servers: number,
  service: number,
): Pick<WaitLaw, "probability" | "mean" | "tail" | "quantile"> {
  const drain = servers / service;
  const above = queueTail(seen, servers);
  const departures = above.reduce((sum, share) => sum + share, 0);
  const tail = (time: number): number => erlangMixture(above, drain * time);
  return {
    probability: above[0] ?? 0,
    mean: departures / drain,
    tail,
    quantile: (p) => quantileOf(tail, service, p),
  };
}

/** Probabilities of 0..others clients being at the pool, when each thinks `ratio` service times. */
function seenByArrival(others: number, ratio: number, servers: number): Float64Array {
  const state = new Float64Array(others + 1);
  if (ratio === 0) {
    state[others] = 1;
    return state;
  }
  // Logarithms first: the plain products overflow from some hundred clients on.
  for (let n = 0; n < others; n++) {
    const up = (others - n) / (ratio * Math.min(n + 1, servers));
    state[n + 1] = (state[n] as number) + Math.log(up);
  }
  const top = state.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
  let total = 0;
  for (let n = 0; n <= others; n++) total += state[n] = Math.exp((state[n] as number) - top);
  return state.map((weight) => weight / total);
}

/** Entry j: probability that an arrival must wait for more than j departures. */
function queueTail(seen: Float64Array, servers: number): Float64Array {
  const above = new Float64Array(Math.max(0, seen.length - servers));
  let sum = 0;
  for (let j = above.length - 1; j >= 0; j--) above[j] = sum += seen[servers + j] as number;
  return above;
}

/** P(W > t) with `passed` = expected departures within t: more than the Poisson count are needed. */
function erlangMixture(above: Float64Array, passed: number): number {
  if (passed === 0) return above[0] ?? 0;
  const { from, weights } = poissonWindow(passed);
  let sum = 0;
  for (let i = 0; i < weights.length && from + i < above.length; i++) {
    sum += (weights[i] as number) * (above[from + i] as number);
  }
  return sum;
}
