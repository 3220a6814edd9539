/**
 * What a database's cores do, fitted to measurements at two pool sizes: one connection, and several for
 * each core. Two numbers predict all other sizes: how long a statement's work takes alone, and how many
 * statements' work gets done together at most (`cap`). Two more are about the shape: how sharp the bend
 * between them is (`knee`), from as many clients as cores at the larger size, and how long a turn on a core
 * is (`quantum`), from how much longer those with more work take there. Each is found by simulating the very
 * run that was measured, on its own draws, until its figure is met: so no steady state and no law of service
 * times need be assumed.
 */
import type { Nanos } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { mean, scaled } from "../../kernel/distributions.ts";
import type { Machine, RunResult, Trace } from "../../model/index.ts";
import { simulateHearing } from "../simulator.ts";
import { servedSimulated, steepness } from "./steepness.ts";

/** How the database's speed depends on the number of busy connections. */
export interface Capacity {
  /** A statement's work alone on a core, over the service that was asked for. */
  work: number;
  /** `server.speed`: cores' worth of work at most, and the sharpness of the bend. */
  cap: number;
  knee: number;
  /** `server.quantum`: a core's time for a statement before another's turn; undefined: none is seen. */
  quantum: Nanos | undefined;
  /** False: the load was not enough to keep one connection, or the cores, busy: these are guesses. */
  reached: boolean;
}

/** A run that was measured: what was played, transactions a second, and how much longer those with more work took. */
export interface Measured {
  workload: Workload;
  seed: number;
  throughput: number;
  steepness: number;
}

/** The three runs of a calibration. */
export interface Measurements {
  /** One connection, all clients. */
  alone: Measured;
  /** Several connections for each core, all clients. */
  full: Measured;
  /** As many connections, as many clients as cores. */
  few: Measured;
}

/** Window of the runs, and what the machine adds to them. */
export interface Playing {
  warmup: Nanos;
  duration: Nanos;
  machine: Machine;
  signal?: AbortSignal | undefined;
}

/** Of one connection any bend says the same; a first guess for several. */
const SHARP = 8;
/** Beyond it the bend is a corner. */
const SHARPEST = 32;
const SOFTEST = 1;
/** A statement's work is found within a factor of so much of what was asked for. */
const FACTOR = 20;
/** Halvings: the last step is less than a twentieth of a per cent. */
const STEPS = 14;
/** Of the quantum, which is known less well than the others. */
const COARSE_STEPS = 8;
/** Over the mean work of a statement: what is shorter is as good as none, what is longer has no end. */
const [SHORT, LONG] = [1 / 20, 10];

/** Fits the capacity. `most`: connections of the larger size. Errors: the signal's reason. */
export async function fitCapacity(
  runs: Measurements,
  most: number,
  playing: Playing,
): Promise<Capacity> {
  const start: Capacity = { work: 1, cap: most, knee: SHARP, quantum: undefined, reached: true };
  const rate = async (run: Measured, capacity: Capacity): Promise<number> =>
    (await simulated(run, capacity, playing)).all.throughput;
  const work = await solve(1 / FACTOR, FACTOR, async (value) => {
    return (await rate(runs.alone, { ...start, work: value })) < runs.alone.throughput;
  });
  const { full, few } = runs;
  const capAt = (knee: number): Promise<number> =>
    solve(1, most, async (cap) => {
      return (await rate(full, { ...start, work, knee, cap })) >= full.throughput;
    });
  const guess = await capAt(SHARP);
  const knee = await solve(SOFTEST, SHARPEST, async (value) => {
    return (await rate(few, { ...start, work, cap: guess, knee: value })) >= few.throughput;
  });
  const bent = { ...start, work, cap: await capAt(knee), knee };
  const found = { ...bent, quantum: await quantumOf(full, bent, playing) };
  const busy = async (run: Measured): Promise<number> =>
    (await simulated(run, found, playing)).cores?.speed ?? 0;
  const reached = (await busy(runs.alone)) >= BUSY && (await busy(full)) >= BUSY * found.cap;
  return { ...found, reached };
}

/**
 * The quantum at which those with more work take as much longer, at the larger size, as they did. The longer
 * the turns, the less a long statement waits behind short ones, again and again. Times themselves are the
 * throughput's affair. Where all ask for the same there is nothing to see, and little to predict.
 */
async function quantumOf(
  full: Measured,
  capacity: Capacity,
  playing: Playing,
): Promise<Nanos | undefined> {
  if (Number.isNaN(full.steepness)) return undefined;
  const work = capacity.work * meanService(full.workload);
  const enough = async (quantum: Nanos): Promise<boolean> => {
    const turns = { ...capacity, quantum: Math.round(quantum) };
    const { workload, seed } = full;
    const { trace } = await simulated(full, turns, playing);
    return steepness(servedSimulated(trace as Trace, workload, seed)) <= full.steepness;
  };
  const found = await solve(SHORT * work, LONG * work, enough, COARSE_STEPS);
  return found < 1.1 * SHORT * work ? undefined : Math.round(found);
}

/** Mean service of a statement, kinds weighted by their clients. */
export function meanService({ clients }: Workload): Nanos {
  const count = clients.reduce((sum, kind) => sum + (kind.count ?? 0), 0);
  const sum = clients.reduce(
    (total, { count = 0, transaction }) => total + count * mean(transaction.service),
    0,
  );
  return sum / Math.max(1, count);
}

/** Part of what they can do from which on one connection, and the cores, count as fully busy. */
const BUSY = 0.9;

/** The value from which on `enough` holds; the upper end when it never does. On a scale of ratios. */
async function solve(
  from: number,
  to: number,
  enough: (value: number) => Promise<boolean>,
  steps = STEPS,
): Promise<number> {
  let [low, high] = [from, to];
  for (let step = 0; step < steps; step++) {
    const middle = Math.sqrt(low * high);
    if (await enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function simulated(
  { workload, seed }: Measured,
  capacity: Capacity,
  { signal, ...playing }: Playing,
): Promise<RunResult> {
  const options = { seed, ...playing, trace: true };
  return simulateHearing(signal, onCapacity(workload, capacity), options);
}

/** The workload on a database of this capacity, in place of what its file says of the server's speed. */
export function onCapacity(workload: Workload, capacity: Capacity): Workload {
  const { work, cap, knee, quantum } = capacity;
  const { cores: _, usl: __, ...server } = workload.server;
  return {
    ...workload,
    network: { client: 0, server: 0 },
    server: { ...server, cpu_share: 1, speed: { cap, knee }, quantum },
    clients: workload.clients.map((kind) => ({
      ...kind,
      transaction: { ...kind.transaction, service: scaled(kind.transaction.service, work) },
    })),
  };
}

/** As many clients as cores, who never think: all of them busy all the time. */
export function fewBusy(workload: Workload, cores: number): Workload {
  const all = workload.clients.reduce((sum, kind) => sum + (kind.count ?? 0), 0);
  let left = Math.max(1, cores);
  const clients = workload.clients.flatMap((kind, i) => {
    const last = i === workload.clients.length - 1;
    const share = Math.round((cores * (kind.count ?? 0)) / Math.max(1, all));
    const count = last ? left : Math.min(left, share);
    left -= count;
    return count === 0 ? [] : [{ ...kind, count, think: { kind: "constant" as const, value: 0 } }];
  });
  return { ...workload, clients };
}
