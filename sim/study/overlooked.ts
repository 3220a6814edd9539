/** What a workload says and no simulation of it can show: it would look as if it had been looked at. */
import type { Workload } from "../../workloads/schema/workload.ts";
import { inStep, type Pace, paceOf, rateOf } from "./pace.ts";
import { poolOf, poolsOf } from "./pools.ts";
import { changes, leastWarmUp } from "./warm-up.ts";

const SECOND = 1e9;

/** In sentences for the notes of a result; empty when everything has an effect. */
export function overlooked(workload: Workload): string[] {
  return [
    ...afterTheEnd(workload),
    ...shortWarmUp(workload),
    ...together(workload),
    ...shareWithoutCores(workload),
    ...moreThanAdmitted(workload),
  ];
}

/** A peak that begins when the run is over is the very thing that somebody wanted to see. */
function afterTheEnd({ schedule, faults = [], run }: Workload): string[] {
  const things = [
    // It rises before it is there.
    ...schedule.map(({ at, clients, factor, over = 0 }) => {
      return { begins: at - over, what: `load of ${clients} x ${factor}` };
    }),
    ...faults.map(({ at, fault }) => ({ begins: at, what: `fault: ${fault}` })),
  ];
  return things
    .filter(({ begins }) => begins >= run.duration)
    .map(
      ({ begins, what }) =>
        `the schedule's ${what} begins at ${seconds(begins)}, after the ${seconds(run.duration)} that are ` +
        "simulated: it has no effect; give it more with --duration",
    );
}

/** Share of the transactions up to which a kind of clients is not waited for. */
const RARE = 0.01;

/** Sessions that begin together end together, until each client has had some. */
function shortWarmUp(workload: Workload): string[] {
  const { warmup, duration } = workload.run;
  if (warmup !== "auto" || changes(workload)) return [];
  const paces = workload.clients.map((kind) => paceOf(workload, kind));
  const rates = workload.clients.map((kind, i) => rateOf(kind, paces[i] as Pace));
  const few = RARE * rates.reduce((sum, rate) => sum + rate, 0);
  const ending = workload.clients.filter((_, i) => {
    return Number.isFinite(paces[i]?.transactions) && (rates[i] as number) >= few;
  });
  const needed = leastWarmUp({ ...workload, clients: ending });
  if (needed <= duration / 2) return [];
  return [
    `sessions are out of step after ${seconds(needed)}, and the warm-up is a quarter of run.duration, ` +
      `${seconds(duration / 4)}: it may be too short; give it more with --duration`,
  ];
}

/** Clients who begin together and think for nearly the same time come together, again and again. */
function together(workload: Workload): string[] {
  const { warmup, duration } = workload.run;
  if (warmup !== "auto") return [];
  return workload.clients.flatMap((kind) => {
    const time = inStep(kind, paceOf(workload, kind), poolOf(workload, kind).size);
    if (time <= duration / 4 || kind.session.transactions !== "forever") return [];
    const long = Number.isFinite(time) ? `are in step for ${seconds(time)}` : "stay in step";
    return [
      `clients of ${kind.name} begin together, think for much the same time and ${long}: their waits are ` +
        "those of a crowd; let think vary, or give it more with --duration",
    ];
  });
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
