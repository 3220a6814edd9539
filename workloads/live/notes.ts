/** Where a live run differs from the workload file: said, not hidden. */
import { ConfigError } from "../../engine/config/errors.ts";
import { SECOND } from "../../engine/core/units.ts";
import type { Fault, PoolerModel, Workload } from "../schema/workload.ts";
import { loginParameters } from "./parameters.ts";
import { prepares } from "./prepared.ts";
import { burns, usesCores } from "./work.ts";

/** Faults of the schedule that fall into the run, and whether there is somebody to play them. */
interface Breakage {
  faults: readonly Fault[];
  breaks: boolean;
}

/**
 * What is played differently, in sentences. Errors: ConfigError for what cannot be played at all.
 */
export function notPlayed(workload: Workload, { faults, breaks }: Breakage): string[] {
  const [first] = faults;
  if (first !== undefined && !breaks)
    throw noFault(workload, first, "cannot be played on what is not the run's own");
  const { pooler } = workload;
  if (pooler !== undefined && pooler.discipline !== "fifo") throw noOtherPooler(workload, pooler);
  const notes = workload.clients.every(burns) ? [] : [...sleepNotes(workload)];
  for (const { fault, at } of workload.faults?.slice(faults.length) ?? [])
    notes.push(`the ${fault} at ${at / SECOND} s is not played: by then the run is over`);
  if (usesCores(workload))
    notes.push("service on a core is rows that the database counts: how fast, was measured alone");
  if (pooler !== undefined && pooler.cpu_per_message > 0)
    notes.push("cpu_per_message is not played: a message costs what it costs");
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
  return notes;
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
