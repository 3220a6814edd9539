/** Jobs on the database's cores, as events. */
import type { Nanos } from "../../engine/core/index.ts";
import { type Cores, PURPOSE } from "./cores.ts";
import { EVENT } from "./events.ts";
import type { Run } from "./run.ts";

/**
 * A statement of `server` begins that alone would take `service`: its part without a core, with all that
 * surrounds it (`around`), then its work.
 */
export function serveOnCores(
  run: Run,
  cores: Cores,
  server: number,
  service: Nanos,
  around: Nanos,
): void {
  const work = Math.round(service * run.workload.server.cpu_share);
  const job = cores.take(server, PURPOSE.statement, work);
  compute(run, job, passed(run, service - work) + around);
}

/** How long it takes until `service` of a statement that begins now has passed. */
export function passed(run: Run, service: Nanos): Nanos {
  if (run.services === undefined) return service;
  return run.services.after(run.now, service) - run.now;
}

/** All statements stand still, or go on. */
export function hold(run: Run, stopped: boolean): void {
  const { cores } = run;
  if (cores === undefined) return;
  if (stopped) cores.sharing.stop(run.now);
  else cores.sharing.resume(run.now);
  plan(run, cores);
}

/** `job` takes its time without a core, then its work. */
export function compute(run: Run, job: number, delay: Nanos): void {
  if (delay > 0) run.at(run.now + delay, EVENT.cores, job + 1);
  else begin(run, job);
}

/**
 * EVENT.cores. With a `target` the job of that number, less one, begins its work; without, the job that is
 * done next is done, unless the event is stale. Returns the job that is done; -1: none.
 */
export function progress(run: Run, target: number): number {
  const cores = run.cores as Cores;
  if (target > 0) {
    begin(run, target - 1);
    return -1;
  }
  const job = cores.due(run.now);
  plan(run, cores);
  return job;
}

/** An event for the next completion. */
export function plan(run: Run, cores: Cores): void {
  const due = cores.arm(run.now);
  if (due >= 0) run.at(due, EVENT.cores, 0);
}

/** The statement of `server` stops where it is, if it has not been answered. True: it has not. */
export function abort(run: Run, server: number): boolean {
  const { cores } = run;
  if (cores === undefined || !cores.abort(run.now, server)) return false;
  plan(run, cores);
  return true;
}

function begin(run: Run, job: number): void {
  const cores = run.cores as Cores;
  if (cores.compute(run.now, job)) plan(run, cores);
}
