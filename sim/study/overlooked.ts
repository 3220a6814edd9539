/** What a workload says and no simulation of it can show: it would look as if it had been looked at. */
import type { Workload } from "../../workloads/schema/workload.ts";
import { poolsOf } from "./pools.ts";
import { leastWarmUp } from "./warm-up.ts";

const SECOND = 1e9;

/** In sentences for the notes of a result; empty when everything has an effect. */
export function overlooked(workload: Workload): string[] {
  return [...afterTheEnd(workload), ...shareWithoutCores(workload), ...moreThanAdmitted(workload)];
}

/** A peak that begins when the run is over is the very thing that somebody wanted to see. */
function afterTheEnd(workload: Workload): string[] {
  const { schedule, faults = [], run } = workload;
  const end = run.duration + Math.min(run.duration / 4, leastWarmUp(workload));
  const things = [
    ...schedule.map(({ at, clients, factor }) => ({ at, what: `load of ${clients} x ${factor}` })),
    ...faults.map(({ at, fault }) => ({ at, what: `fault: ${fault}` })),
  ];
  return things
    .filter(({ at }) => at >= end)
    .map(
      ({ at, what }) =>
        `the schedule's ${what} begins at ${seconds(at)}, after the ${seconds(run.duration)} that are ` +
        "simulated: it has no effect; give it more with --duration",
    );
}

function shareWithoutCores({ server }: Workload): string[] {
  if (server.cpu_share === 1 || server.cores !== undefined || server.speed !== undefined) return [];
  return ["server.cpu_share has no effect without server.cores: service times never stretch"];
}

function moreThanAdmitted(workload: Workload): string[] {
  const { max_connections } = workload.server;
  const told = poolsOf(workload)
    .filter((pool) => pool.size > max_connections)
    .map((pool) => {
      const name = pool.ownerOf("pool_size")?.settings.name;
      const setting = name === undefined ? "default_pool_size" : `pool_size of ${name}`;
      return (
        `${setting} is ${pool.size}, and server.max_connections ${max_connections}: the database refuses ` +
        "what is beyond"
      );
    });
  return [...new Set(told)];
}

const seconds = (nanos: number): string => `${Number((nanos / SECOND).toPrecision(4))} s`;
