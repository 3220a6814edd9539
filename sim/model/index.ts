/**
 * `simulate`: one run of a workload under one seed. Everything that is random comes from (seed, kind,
 * client, purpose), so two runs with the same seed are paired, whatever their settings.
 */
import { type Nanos, REASON_NAMES, SECOND } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { Histogram } from "../kernel/histogram.ts";
import { Resting } from "./abandoned.ts";
import type { DashboardOptions } from "./dashboard.ts";
import { IDEAL, type Machine } from "./machine.ts";
import { inUse } from "./measuring.ts";
import type { KindMeter } from "./meters.ts";
import { drive } from "./model.ts";
import { measurePools } from "./pool-sizes.ts";
import type { Deal } from "./processes.ts";
import type { Figures, RunResult } from "./result.ts";
import { Run } from "./run.ts";
import { viewOf } from "./scraping.ts";
import { REFUSALS, TIMEOUTS } from "./sessions.ts";

export { Abandoned } from "./abandoned.ts";
export type { DashboardOptions, DashboardView, Scrape } from "./dashboard.ts";
export { IDEAL, type Machine, NOTHING } from "./machine.ts";
export { inUse } from "./measuring.ts";
export type { Moment, Trace } from "./meters.ts";
export { sizeTogether } from "./pool-sizes.ts";
export type { CoresFigures, Figures, RequestFigures, RunResult } from "./result.ts";
export { speedOf, topSpeed } from "./speed.ts";
export type { StationFigures } from "./station.ts";

/** What a run is told beside its workload. */
export interface SimulateOptions {
  /** The workload's own when left out. */
  seed?: number | undefined;
  /** Simulated before the window; default none, or the workload's if it names one. */
  warmup?: Nanos | undefined;
  /** The measured window; the workload's `run.duration` when left out. */
  duration?: Nanos | undefined;
  /** What a real machine adds; nothing when left out. */
  machine?: Machine | undefined;
  /** Keep every transaction of the window in `trace`. */
  trace?: boolean | undefined;
  /** Rows of the timeline; default 0. */
  moments?: number | undefined;
  /** Look at the run as dashboards do; the course is in `dashboard`. */
  dashboard?: DashboardOptions | undefined;
  /** Who is at which of the pooler's processes, where that is known; chance otherwise. */
  deal?: Deal | undefined;
  /** Asked at every maintenance tick of the pooler: true gives the run up. */
  isAbandoned?: (() => boolean) | undefined;
}

/** Longest that a run goes on after its window for the sake of transactions sent within it. */
const PATIENCE: Nanos = 600 * SECOND;

/** Errors that are the application's own: it has not been dropped. */
export const OWN = ["client_timeout", "client_cancel", "app_pool_timeout"];

/** Simulates `workload` once. Errors: Abandoned when `options.isAbandoned` says so. */
export function simulate(workload: Workload, options: SimulateOptions = {}): RunResult {
  const { run, length } = runOf(workload, options);
  drive(run);
  return resultOf(run, length);
}

/**
 * The same in turns: at every maintenance tick of the pooler at which `isToRest` says so it yields. The result
 * does not depend on that. Errors: Abandoned.
 */
export function* simulateInTurns(
  workload: Workload,
  options: SimulateOptions,
  isToRest: () => boolean,
): Generator<void, RunResult> {
  const { run, length } = runOf(workload, options, isToRest);
  for (;;)
    try {
      drive(run);
      return resultOf(run, length);
    } catch (error) {
      if (!(error instanceof Resting)) throw error;
      yield;
    }
}

type Length = Pick<RunResult, "seed" | "warmup" | "duration">;

function runOf(
  workload: Workload,
  options: SimulateOptions,
  isToRest?: () => boolean,
): { run: Run; length: Length } {
  const own = workload.run.warmup;
  const warmup = options.warmup ?? (own === "auto" ? 0 : own);
  const duration = options.duration ?? workload.run.duration;
  const seed = options.seed ?? workload.run.seed;
  const run = new Run(workload, {
    seed,
    warmup,
    duration,
    machine: options.machine ?? IDEAL,
    trace: options.trace ?? false,
    moments: options.moments ?? 0,
    dashboard: options.dashboard,
    deal: options.deal,
    isAbandoned: options.isAbandoned,
    isToRest,
    patience: PATIENCE,
  });
  return { run, length: { seed, warmup, duration } };
}

function resultOf(run: Run, length: Length): RunResult {
  const seconds = length.duration / SECOND;
  const kinds = run.kinds.map((kind) => kind.meter);
  measurePools(run);
  const size = run.size || Math.max(1, run.connections.max);
  const { active, waiting, knocking, connections, connected } = run.averages;
  const [before, after] = run.totals as [Float64Array, Float64Array];
  return {
    ...length,
    events: run.events,
    all: figuresOf(kinds, seconds),
    kinds: Object.fromEntries(kinds.map((kind) => [kind.name, figuresOf([kind], seconds)])),
    servers_active: active,
    utilization: inUse(active, size, connections),
    clients_waiting: { mean: waiting, max: run.waiting.max, logins: knocking },
    clients_connected: connected,
    server_connections: { mean: connections, max: run.connections.max, opened: run.opened },
    cores: run.coresFigures,
    station: run.stationFigures,
    requests: requestsOf(run),
    memory: run.backendsMost * run.workload.server.memory_per_connection,
    stats: after.map((value, i) => value - (before[i] as number)),
    timeline: run.timeline,
    trace: run.trace,
    dashboard: run.dashboard && viewOf(run, run.dashboard, figuresOf(kinds, seconds).wait),
    unfinished: run.pending,
  };
}

function requestsOf({ cancels, processes }: Run): RunResult["requests"] {
  if (cancels === undefined || processes === undefined) return undefined;
  const { asked, forwarded, lost } = cancels;
  return { asked, forwarded, lost };
}

function figuresOf(kinds: readonly KindMeter[], seconds: number): Figures {
  const [wait, response] = [new Histogram(), new Histogram()];
  const errors: Record<string, number> = {};
  const add = (name: string, count: number): void => {
    if (count > 0) errors[name] = (errors[name] ?? 0) + count;
  };
  let [waited, retries, given_up, failed, lost] = [0, 0, 0, 0, 0];
  let app_wait: Histogram | undefined;
  for (const kind of kinds) {
    wait.merge(kind.wait);
    response.merge(kind.response);
    waited += kind.waited;
    kind.drops.forEach((count, reason) => {
      add(REASON_NAMES[reason] as string, count);
    });
    add("client_timeout", kind.impatient);
    add("client_cancel", kind.cancelled);
    add("app_pool_timeout", kind.expired);
    if (kind.app_wait !== undefined) {
      app_wait ??= new Histogram();
      app_wait.merge(kind.app_wait);
    }
    retries += kind.retries;
    given_up += kind.given_up;
    failed += kind.failed + kind.impatient + kind.cancelled + kind.expired;
    lost += kind.lost;
  }
  const sum = (reasons: readonly number[]): number =>
    reasons.reduce((total, reason) => total + (errors[REASON_NAMES[reason] as string] ?? 0), 0);
  return {
    wait,
    response,
    wait_probability: wait.count === 0 ? 0 : waited / wait.count,
    throughput: response.count / seconds,
    timeouts: OWN.reduce((total, name) => total + (errors[name] ?? 0), sum(TIMEOUTS)),
    refused: sum(REFUSALS),
    errors,
    failed,
    lost,
    app_wait,
    retries,
    given_up,
  };
}
