/**
 * The calibration of a database whose cores are what is scarce: before every repeat anew and after the last,
 * one run after the other, for two at a time would share the cores. Two sizes are measured, on pools and
 * seeds of their own; no size that is to be predicted is among them.
 */
import { availableParallelism } from "node:os";
import { ConfigError } from "../../../engine/config/index.ts";
import { SECOND } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { NOTHING } from "../../model/index.ts";
import {
  type Calibration,
  calibrate,
  calibrationWorkload,
  fewClients,
  latenessOf,
} from "./calibrate.ts";
import { type CalibratingOptions, playQuietly, probe } from "./calibrating.ts";
import { fewBusy, fitCapacity } from "./capacity.ts";
import type { Cell, Stand } from "./stand.ts";
import { servedLive, steepness } from "./steepness.ts";

/** Far from the numbers of replications and of other calibrations; four for each repeat. */
const SEED = 2_000_003;

/** The entries that a pooler of ours needs to have its database's capacity measured. */
export interface CapacityCells {
  /** One connection. */
  alone: Cell;
  /** Several for each core. */
  full: Cell;
  /** Nobody has used them yet. */
  cold: Cell[];
  /** Of the database, as far as that is known. */
  cores: number;
}

/** Connections for each core at the larger size: enough to keep all of them busy whatever the pauses. */
const PER_CORE = 10;

/** See `CapacityCells`. The larger size is none of the `sizes` that are to be predicted. */
export function capacityCells(
  workload: Workload,
  sizes: readonly number[],
  cold: Cell[],
): CapacityCells {
  const cores = Math.ceil(workload.server.cores ?? availableParallelism());
  let large = PER_CORE * cores;
  while (sizes.includes(large)) large++;
  const cell = (name: string, pool_size: number): Cell => {
    return { name, pool_mode: "transaction", pool_size, plain: true };
  };
  return { alone: cell("alone", 1), full: cell("full", large), cold, cores };
}

/** Refuses workloads whose capacity cannot be measured so. Errors: ConfigError. */
export function checkCapacity(workload: Workload): void {
  const { clients, file } = workload;
  const refuse = (name: string, expected: string): ConfigError =>
    new ConfigError({ at: file, name, expected });
  if (clients.some((kind) => kind.transaction.work !== "cpu"))
    throw refuse("transaction.work", "cpu for all kinds of clients, or for none, in a validation");
  if (new Set(clients.map(({ database, user }) => JSON.stringify([database, user]))).size > 1)
    throw refuse("clients", "one database and user, so that one pool has all busy connections");
  if (clients.some((kind) => kind.count === undefined))
    throw refuse(
      "clients",
      "a count of clients: arrivals cannot keep a pool of one connection busy",
    );
}

/** Calibrates before each repeat. Errors: OutsideError, the signal's reason. */
export function calibratingCapacity(
  stand: Stand,
  options: CalibratingOptions,
  { alone, full, cold, cores }: CapacityCells,
): (repeat: number) => Promise<Calibration> {
  let quiet: Calibration | undefined;
  return async (repeat) => {
    quiet ??= await withoutQueue(stand, options, { alone, cold }, repeat);
    const play = async (cell: Cell, which: number, workload: Workload) => {
      const seed = replicationSeed(options.seed, SEED + 4 * repeat + which);
      const live = await playQuietly(stand, options, { cell, seed, workload, repeat });
      const served = servedLive(live);
      const throughput = (served.work.length * SECOND) / options.duration;
      return { workload, seed, live, throughput, steepness: steepness(served) };
    };
    const runs = {
      alone: await play(alone, 1, stand.workloadOf(alone)),
      full: await play(full, 2, stand.workloadOf(full)),
      few: await play(full, 3, fewBusy(stand.workloadOf(full), cores)),
    };
    // Whatever a statement needs beside its service is part of the work that is fitted.
    const lateness = latenessOf(runs.full.live);
    const machine = { ...quiet.machine, statement: NOTHING, lateness, granularity: 0 };
    const { warmup, duration, signal } = options;
    const playing = { warmup, duration, machine, signal };
    const capacity = await fitCapacity(runs, full.pool_size, playing);
    const measured = [runs.alone, runs.full].map(({ throughput }) => throughput);
    return { ...quiet, machine, capacity: { ...capacity, measured } };
  };
}

/**
 * What holds for the repeat between two calibrations: a machine's speed drifts by some per cent within
 * minutes, and a repeat of many sizes takes minutes. Halfway on a scale of ratios.
 */
export function between(before: Calibration, after: Calibration): Calibration {
  const [a, b] = [before.capacity, after.capacity];
  if (a === undefined || b === undefined) return before;
  const middle = (one: number, other: number): number => Math.sqrt(one * other);
  const capacity = {
    work: middle(a.work, b.work),
    cap: middle(a.cap, b.cap),
    knee: middle(a.knee, b.knee),
    quantum: a.quantum && b.quantum && Math.round(middle(a.quantum, b.quantum)),
    reached: a.reached && b.reached,
    measured: a.measured.map((throughput, i) => middle(throughput, b.measured[i] ?? throughput)),
  };
  return { ...before, capacity };
}

/** What the machine adds, with one client of the workload at a time: it never waits for anybody. */
async function withoutQueue(
  stand: Stand,
  options: CalibratingOptions,
  { alone, cold }: Pick<CapacityCells, "alone" | "cold">,
  repeat: number,
): Promise<Calibration> {
  const workload = calibrationWorkload(fewClients(stand.workloadOf(alone), () => 1));
  const seed = replicationSeed(options.seed, SEED);
  const live = await playQuietly(stand, options, { cell: alone, seed, workload, repeat });
  return calibrate(live, stand.entries(alone), await probe(stand, options, cold, repeat));
}
