/**
 * Pools with a limited number of clients, as `max_client_conn` makes them: who finds `room` clients there
 * is refused. Times in milliseconds, or any unit.
 */
import { waitSeeing } from "../analytic/exponential.ts";
import { demand, type WaitLaw } from "../analytic/law.ts";

/** The law of the wait of those who are admitted, and the share of the others. */
export interface LossLaw extends WaitLaw {
  /** Share of the arrivals that are refused. */
  blocked: number;
}

/** Exponential services at `servers` servers, and room for this many clients in all. */
interface Room {
  service: number;
  servers: number;
  room: number;
}

/**
 * M/M/c/K; with K = c Erlang's loss system. `throughput` is that of the admitted. Source: the birth and
 * death chain, cut off at K; Poisson arrivals see its steady state, and the admitted the rest of it.
 */
export function limitedPool(pool: Room & { rate: number }): LossLaw {
  return limited(pool, () => pool.rate);
}

/**
 * M/M/c/K//N; with K = c Engset's loss system: `clients` who think, and think again when refused.
 * Source: T. Engset 1918; the arrival sees the steady state of a system with one client less.
 */
export function limitedClosedPool(pool: Room & { clients: number; think: number }): LossLaw {
  return limited(pool, (present) => Math.max(0, pool.clients - present) / pool.think);
}

function limited({ service, servers, room }: Room, arrivals: (present: number) => number): LossLaw {
  demand("limited", { "room must be at least the number of servers": room >= servers });
  const weights = [1];
  for (let n = 1; n <= room; n++) {
    const up = (arrivals(n - 1) * service) / Math.min(n, servers);
    weights.push((weights[n - 1] as number) * up);
  }
  const state = normed(weights);
  const offered = state.map((share, n) => share * arrivals(n));
  const rate = offered.reduce((sum, x) => sum + x, 0);
  const blocked = (offered[room] as number) / rate;
  const law = waitSeeing(normed(offered.slice(0, room)), servers, service);
  const throughput = rate * (1 - blocked);
  return { ...law, blocked, throughput, utilization: (throughput * service) / servers };
}

function normed(weights: ArrayLike<number>): Float64Array {
  const array = Float64Array.from(weights);
  const total = array.reduce((sum, weight) => sum + weight, 0);
  return array.map((weight) => weight / total);
}
