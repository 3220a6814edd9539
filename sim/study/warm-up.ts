/**
 * How long a run is simulated before it is measured. `auto` looks at a pilot run from an empty pool and
 * lets MSER-5 find where its level of work settles; the load's own cycle is the least, and for clients who
 * come from outside the time in which theory has their queue settled.
 */
import type { Workload } from "../../workloads/schema/workload.ts";
import { mean } from "../kernel/distributions.ts";
import { replicationSeed } from "../kernel/streams.ts";
import { bottleneck, settlingTime } from "./offered.ts";
import { cycleOf, inStep, paceOf, roundOf } from "./pace.ts";
import { keyOf, poolOf, poolsOf } from "./pools.ts";
import { HERE, type ReplicationOptions, type Simulator } from "./simulator.ts";
import { warmUp } from "./statistics.ts";

/** Rows of a pilot's timeline: MSER-5 then cuts in steps of half a per cent. */
const MOMENTS = 1000;
/**
 * Cycles of a client to let pass, so that all clients are out of step: think and transaction; and where sessions
 * end, login to login, for until then there are too few or too many of them.
 */
const CYCLES = 5;

/** Time to leave out at the start of each replication, and whether there is a steady state at all. */
export interface WarmUpTime {
  warmup: number;
  /** Why nothing that is measured after it is a steady state's. */
  unsteady?: string;
}

/** Pilots that must all drift the same way before a workload is said to have no steady state. */
const PILOTS = 5;

/**
 * The warm-up of a workload: its own when it names one. With a `schedule` nothing is ever steady, and
 * what comes first may be the point, so that only the clients' cycles are left out. `simulator`: where
 * pilots are simulated.
 */
export async function warmUpTime(
  workload: Workload,
  simulation: ReplicationOptions,
  simulator: Simulator = HERE,
): Promise<WarmUpTime> {
  const own = workload.run.warmup;
  if (own !== "auto") return { warmup: own };
  const duration = simulation.duration ?? workload.run.duration;
  const most = workload.run.duration / 4; // Whatever part of it is measured.
  const cycles = Math.min(most, leastWarmUp(workload));
  if (changes(workload)) return { warmup: Math.round(cycles) };
  const least = Math.min(most, Math.max(cycles, settlingTime(workload)));
  for (let length = Math.min(duration, Math.max(duration / 4, 4 * least)); ; length *= 2) {
    const options = { ...simulation, duration: Math.round(Math.min(length, duration)) };
    const { cut, trusted, drift } = await pilot(workload, options, 1, simulator);
    if (trusted) return { warmup: Math.round(Math.max(least, cut)) };
    if (length < duration) continue;
    if (drift === 0 || !(await driftsAgain(workload, options, drift, simulator)))
      return { warmup: Math.round(Math.max(least, duration / 4)) };
    return { warmup: Math.round(duration / 2), unsteady: unsteady(workload) };
  }
}

/** Whether other pilots drift the same way. One alone may: a queue near its limit comes and goes slowly. */
async function driftsAgain(
  workload: Workload,
  options: ReplicationOptions,
  drift: number,
  simulator: Simulator,
): Promise<boolean> {
  for (let number = 2; number <= PILOTS; number++)
    if ((await pilot(workload, options, number, simulator)).drift !== drift) return false;
  return true;
}

/** The warm-up that the clients' own cycles, and pools that are empty at first, need, however long the run. */
export function leastWarmUp(workload: Workload): number {
  const { run, clients } = workload;
  if (run.warmup !== "auto") return run.warmup;
  const cycles = clients.map((kind) => {
    const pace = paceOf(workload, kind);
    if (Number.isFinite(pace.transactions)) return CYCLES * roundOf(kind, pace);
    const spread = inStep(kind, pace, poolOf(workload, kind).size);
    // Who never gets out of step is as good at the start as ever.
    return Math.max(CYCLES * cycleOf(pace), Number.isFinite(spread) ? spread : 0);
  });
  return Math.max(0, ...cycles, opening(workload));
}

/**
 * How long the pools of a start take to open their connections, each one after the other, if all clients want
 * one; in session mode they do, and their number, waiting or served, shows nothing of it.
 */
function opening(workload: Workload): number {
  const { connect_time, connect_cpu } = workload.server;
  const work = connect_cpu === undefined ? 0 : mean(connect_cpu);
  const each = mean(connect_time) + work + workload.network.server;
  const times = poolsOf(workload).map((pool) => {
    const own = workload.clients.filter((kind) => keyOf(poolOf(workload, kind)) === keyOf(pool));
    const clients = own.reduce((sum, { count = pool.size }) => sum + count, 0);
    return (pool.size === 0 ? clients : Math.min(pool.size, clients)) * each; // 0 is no limit.
  });
  return SLACK * Math.max(0, ...times);
}

/** Connection times vary. */
const SLACK = 1.25;

/** Says that a queue does not settle, and why, where the offered load tells. */
function unsteady(workload: Workload): string {
  const { load, what } = bottleneck(workload);
  const reason = !Number.isFinite(load)
    ? "sessions arrive that never end"
    : load < 1
      ? "the queue still changes at the end; give it more with --duration"
      : `arrivals bring ${Math.round(100 * load)} % of what ${what} can serve, and the queue grows`;
  return `no steady state within the simulated time: ${reason}`;
}

/**
 * What a reader should know where a queue grows so slowly that it looks settled: how long it gets is a matter of
 * the time that is simulated.
 */
export function overloaded(workload: Workload): string[] {
  if (changes(workload)) return [];
  const { load, what } = bottleneck(workload);
  const spare = poolsOf(workload).some((pool) => pool.reserve_size > 0);
  if (!(load >= 1) || !Number.isFinite(load) || spare) return [];
  return [
    `arrivals bring ${Math.round(100 * load)} % of what ${what} can serve: the queue grows until a timeout or a ` +
      "limit ends it, and till then waits are as long as the run",
  ];
}

/** The load changes with time, or something fails: no part of the window stands for the whole. */
export function changes({ schedule, curves, faults }: Workload): boolean {
  return schedule.length > 0 || curves !== undefined || faults !== undefined;
}

interface Pilot {
  /** Where MSER-5 cuts, ns. */
  cut: number;
  trusted: boolean;
  /** 1 or -1 where the last quarter lies more than 5 % above or below the third, else 0. */
  drift: number;
}

/**
 * Pilots are numbered from 1. They have draws of their own: were a pilot's also those of the first
 * replication, its cut would have been chosen for that replication's course, and leave out its worst queues.
 */
async function pilot(
  workload: Workload,
  options: ReplicationOptions,
  number: number,
  simulator: Simulator,
): Promise<Pilot> {
  const seed = replicationSeed(options.seed ?? workload.run.seed, -number);
  const look = { ...options, seed, warmup: 0, moments: MOMENTS };
  const { timeline, duration } = (await simulator.run(workload, look)).result;
  const busy = timeline.map(
    ({ app_waiting = 0, clients_waiting, servers_active }) =>
      app_waiting + clients_waiting + servers_active,
  );
  const { cut, trusted } = warmUp(busy);
  const quarter = Math.floor(busy.length / 4);
  // MSER-5 finds no cut either where rare events are all that varies; a drift tells the two apart.
  const [third, last] = [
    average(busy.slice(-2 * quarter, -quarter)),
    average(busy.slice(-quarter)),
  ];
  const drifts = Math.abs(last - third) > 0.05 * Math.max(third, last);
  return {
    cut: (cut / Math.max(1, busy.length)) * duration,
    trusted,
    drift: drifts ? Math.sign(last - third) : 0,
  };
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
