/** How fast the database works: what so many busy statements get done together, one alone being 1. */
import type { ServerModel } from "../../workloads/schema/workload.ts";
import type { Shares, Speed } from "../kernel/shares.ts";
import { Sharing } from "../kernel/sharing.ts";
import { Turns } from "../kernel/turns.ts";

/** undefined: nothing is shared, every statement is as fast as one alone. */
export function speedOf({ cores, speed, usl }: ServerModel): Speed | undefined {
  const laws: Speed[] = [];
  if (cores !== undefined) laws.push((jobs) => Math.min(jobs, cores));
  if (speed !== undefined) laws.push(capped(speed.cap, speed.knee));
  if (usl !== undefined) laws.push(universal(usl.sigma, usl.kappa));
  if (laws.length === 0) return undefined;
  return (jobs) => Math.min(...laws.map((law) => law(jobs)));
}

/** How busy statements share the cores: all at the same rate, or in turns of a quantum. */
export function sharingOf(server: ServerModel): Shares | undefined {
  const speed = speedOf(server);
  if (speed === undefined) return undefined;
  const { quantum, cores, max_connections } = server;
  if (quantum === undefined) return new Sharing(speed);
  const most = cores ?? NEARLY * topSpeed(speed, Math.min(max_connections, MOST_CONNECTIONS));
  return new Turns({ speed, slots: Math.max(1, Math.ceil(most)), quantum });
}

/** PostgreSQL has no more, whatever is asked for. Source: MAX_BACKENDS, src/include/storage/procnumber.h. */
const MOST_CONNECTIONS = 262_143;

/** A speed that was measured to be a little above a whole number of cores is that of so many. */
const NEARLY = 0.95;

/** The most that the database gets done with up to `connections` busy statements. */
export function topSpeed(speed: Speed, connections: number): number {
  let top = 0;
  for (let jobs = 1; jobs <= connections; jobs++) top = Math.max(top, speed(jobs));
  return top;
}

/**
 * A soft minimum of `jobs` and `cap`: 1 for one job, `cap` for ever more of them; the larger `knee`, the
 * sharper the bend between. Two measured numbers, the time of a statement alone and the rate at
 * saturation, give a throughput over the pool size that is within 1 to 2 % of a CPU-bound PostgreSQL's.
 */
function capped(cap: number, knee: number): Speed {
  if (cap <= 1) return () => cap;
  const share = 1 / (cap ** knee - 1);
  return (jobs) => jobs * ((1 + share) / (1 + share * jobs ** knee)) ** (1 / knee);
}

/**
 * The Universal Scalability Law: `sigma` of the work is serial, and each pair costs `kappa`.
 * Source: N. Gunther, "Guerrilla Capacity Planning", Springer 2007, chapter 4.
 */
function universal(sigma: number, kappa: number): Speed {
  return (jobs) => jobs / (1 + sigma * (jobs - 1) + kappa * jobs * (jobs - 1));
}
