/** Where a live run differs from the workload file: said, not hidden. */
import { ConfigError } from "../../engine/config/errors.ts";
import { type Nanos, SECOND } from "../../engine/core/units.ts";
import { mean } from "../../sim/kernel/distributions.ts";
import type { Fault, PoolerModel, Workload } from "../schema/workload.ts";
import { loginParameters } from "./parameters.ts";
import { prepares } from "./prepared.ts";
import { burns, usesCores } from "./work.ts";

/** The measured window, the faults that fall into it, and whether there is somebody to play them. */
interface Breakage {
  duration: Nanos;
  faults: readonly Fault[];
  breaks: boolean;
}

/**
 * What is played differently, in sentences. Errors: ConfigError for what cannot be played at all.
 */
export function notPlayed(workload: Workload, { duration, faults, breaks }: Breakage): string[] {
  const [first] = faults;
  if (first !== undefined && !breaks)
    throw noFault(workload, first, "cannot be played on what is not the run's own");
  const { pooler } = workload;
  if (pooler !== undefined && pooler.discipline !== "fifo") throw noOtherPooler(workload, pooler);
  const notes = workload.clients.every(burns) ? [] : [...sleepNotes(workload)];
  for (const { fault, at } of workload.faults?.slice(faults.length) ?? [])
    notes.push(`the ${fault} at ${at / SECOND} s is not played: by then the run is over`);
  notes.push(...loadNotes(workload, duration));
  if (usesCores(workload)) notes.push(...coreNotes(workload));
  if (pooler !== undefined && pooler.cpu_per_message > 0)
    notes.push("cpu_per_message is not played: a message costs what it costs");
  if ((pooler?.peering ?? 0) > 0)
    notes.push("pooler.peering is not played: a round trip between processes is what it is here");
  if (pooler !== undefined && pooler.processes > 1)
    notes.push("the system deals the clients out among the processes, anew in every run");
  if (prepares(workload))
    notes.push("prepared statements are played, but a Parse takes as long as it takes here");
  if (workload.clients.some((kind) => loginParameters(kind, workload.file).length > 0))
    notes.push(
      "parameters are the clients' own from login on: equal to the database's they cost no SET",
    );
  if (workload.network.client > 0 || workload.network.server > 0)
    notes.push("network is not played: round trips are those of the real path");
  if (mean(workload.server.connect_time) > 0 || workload.server.connect_cpu !== undefined)
    notes.push("server.connect_time is not played: a connection takes as long as it takes here");
  return notes;
}

/** Load that would change when the run is over. */
function loadNotes({ schedule, curves = [] }: Workload, duration: Nanos): string[] {
  const late = schedule.filter(({ at, over = 0 }) => at - over >= duration);
  const long = curves.filter(({ points }) => points.some(({ at }) => at >= duration));
  return [
    ...late.map(
      ({ at, clients }) =>
        `the load of ${clients} from ${at / SECOND} s on is not played: by then the run is over`,
    ),
    ...long.map(
      ({ clients }) =>
        `of the curve of ${clients} the first ${duration / SECOND} s are played: then the run is over`,
    ),
  ];
}

function sleepNotes({ server: { cores, speed, usl } }: Workload): string[] {
  const sleeps =
    "service times are pg_sleep's: whole milliseconds, rounded up, without load on a core";
  if ((cores ?? speed ?? usl) === undefined) return [sleeps];
  return [
    sleeps,
    "the database's cores are not played: sleeping statements do not share any " +
      "(transaction.work: cpu is what does)",
  ];
}

function coreNotes({ server: { cores, cpu_share, speed, usl } }: Workload): string[] {
  const notes = [
    "service on a core is rows that the database counts: how fast, was measured alone",
  ];
  if ((cores ?? speed ?? usl) !== undefined)
    notes.push("server.cores, speed and usl are not played: the database has the machine's cores");
  if (cpu_share < 1)
    notes.push("server.cpu_share is not played: all of such a service is work for a core");
  return notes;
}

/** The error of a fault that cannot be played, and why. */
export function noFault(
  workload: Workload,
  { fault }: Fault,
  problem: string,
  expected = "no fault, or a private database and a pooler that the run starts",
  fix = "remove it, or simulate instead",
): ConfigError {
  return new ConfigError({
    at: workload.file,
    name: `schedule (${fault})`,
    problem,
    expected,
    fix,
  });
}

function noOtherPooler(workload: Workload, { discipline }: PoolerModel): ConfigError {
  return new ConfigError({
    at: workload.file,
    name: "pooler.discipline",
    got: discipline,
    expected: "none in a live run, whose pooler serves the oldest waiter",
    fix: "remove it, or simulate instead",
  });
}
