/**
 * When and on what a calibration is played: before every repeat anew, because a machine does not stay
 * the same for minutes; on pools of its own, or with so few clients that nobody waits; on seeds of its
 * own, so that it never sees a run that is to be predicted.
 */
import type { Pool } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import type { LiveResult } from "../../../workloads/live/index.ts";
import { isDemanding } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { connectionsOf, poolsOf } from "../pools.ts";
import {
  type Calibration,
  calibrate,
  calibrationWorkload,
  fewClients,
  type Probed,
} from "./calibrate.ts";
import { type PlayOptions, playCell, playWatched } from "./play-cell.ts";
import { workloadOf } from "./pools.ts";
import { connectTimes, loginTimes, resetTimes } from "./probes.ts";
import { isContested } from "./room.ts";
import type { Cell, Played, Stand } from "./stand.ts";
import { isPrivate } from "./stand-names.ts";
import { ATTEMPTS, type Watch, watched } from "./standstill.ts";

/** Calibrates before repeat number `repeat`. */
export type Calibrating = (repeat: number) => Promise<Calibration>;

export interface CalibratingOptions extends PlayOptions {
  workload: Workload;
  cells: readonly Cell[];
  seed: number;
  together?: number | undefined;
  /** Has pieces measured again for which the machine stood still. */
  watch: Watch;
}

/** Far from the numbers of replications; a calibration and its rehearsal take two for each repeat. */
const CALIBRATION_SEED = 1_000_014;
/**
 * Server connections whose set-up is measured at an attempt. Where pools take connections from each other a
 * set-up is part of many a wait, and of the longest ones: then its own tail must be seen.
 */
const [SET_UPS, MANY_SET_UPS] = [9, 33];

/** Connections that a private database needs for them, for they stay open. */
export const ROOM_FOR_SET_UPS = ATTEMPTS * MANY_SET_UPS;

/** Entries that nobody has used yet, enough for every attempt at measuring with them. */
export const coldCells = (setUps = SET_UPS): Cell[] =>
  Array.from({ length: ATTEMPTS * setUps }, (_, i): Cell => {
    return { name: `cold${i}`, pool_mode: "transaction", pool_size: 1, plain: true };
  });

/** The entries that a pooler of ours needs for its calibration. */
export interface CalibrationCells {
  /** A connection for every client. */
  roomy: Cell;
  /** Nobody has used them yet. */
  cold: Cell[];
}

/** See `CalibrationCells`. `cells`: those that are to be predicted. */
export function calibrationCells(
  workload: Workload,
  cells: readonly Cell[],
  database: Played,
): CalibrationCells {
  const pool_mode = "transaction";
  const contested = cells.some((cell) => isContested(workloadOf(workload, cell)));
  return {
    roomy: {
      ...{ name: "calibration", pool_mode, pool_size: Math.max(1, clientsOf(workload)) },
      plain: true,
    },
    cold: coldCells(contested && isPrivate(database) ? MANY_SET_UPS : SET_UPS),
  };
}

/** Closed clients, and enough room for the open ones. */
function clientsOf(workload: Workload): number {
  let count = 0;
  for (const kind of workload.clients) count += kind.count ?? 64;
  return count;
}

/** Calibrates on entries of its own. */
export function calibratingOwn(
  stand: Stand,
  options: CalibratingOptions,
  { roomy, cold }: CalibrationCells,
): Calibrating {
  const workload = calibrationWorkload(options.workload);
  let probed: Probed | undefined;
  return async (repeat) => {
    const live = await options.watch.quietly({ what: "calibration", repeat }, async () => {
      const [own] = await Promise.all([
        playWatched(stand, options, roomy, seedOf(options, repeat, 0), workload),
        ...rehearsal(stand, options, repeat),
      ]);
      return own;
    });
    probed ??= await probe(stand, options, cold, repeat);
    return calibrate(live, stand.entries(roomy), probed);
  };
}

/** A run of the calibration, made again when the machine stood still. */
export interface CalibrationRun {
  cell: Cell;
  seed: number;
  workload: Workload;
  /** Of the repeat that it comes before. */
  repeat: number;
}

/** Plays it. Errors: OutsideError, the signal's reason. */
export function playQuietly(
  stand: Stand,
  options: CalibratingOptions,
  { cell, seed, workload, repeat }: CalibrationRun,
): Promise<LiveResult> {
  return options.watch.quietly({ what: "calibration", repeat }, () =>
    playWatched(stand, options, cell, seed, workload),
  );
}

/** What is measured on idle connections: set-up through `cold` entries, resets. */
export function probe(
  stand: Stand,
  { watch, workload }: CalibratingOptions,
  cold: readonly Cell[],
  repeat: number,
): Promise<Probed> {
  return watch.quietly({ what: "calibration", repeat }, (before) => {
    const each = cold.length / ATTEMPTS;
    const fresh = cold.slice(before * each, (before + 1) * each);
    return watched(() => probeOnce(stand, workload, fresh));
  });
}

async function probeOnce(stand: Stand, workload: Workload, cold: readonly Cell[]): Promise<Probed> {
  const coldEntries = cold.flatMap((entry): Address[] => {
    const { host, port, user, databases = {} } = stand.target(entry);
    return Object.values(databases)
      .slice(0, 1)
      .map((database) => ({ host, port, user, database }));
  });
  const { connect_time } = workload.server;
  const resets = stand.direct === undefined ? [] : await resetTimes(stand.direct);
  const { connects, logins } = await connectTimes(coldEntries);
  return { connects, logins: reconnects(workload) ? logins : [], resets, connect_time };
}

/**
 * What the machine adds depends on what else it does, and on how warm its caches are. So all but one of
 * the configurations that will be measured together play during the calibration, on seeds of their own;
 * what they did is not looked at.
 */
function rehearsal(
  stand: Stand,
  options: CalibratingOptions,
  repeat: number,
): Promise<LiveResult>[] {
  const { cells, together = cells.length } = options;
  const seed = seedOf(options, repeat, 1);
  const others = cells.slice(0, together).slice(1);
  return others.map((cell) => playCell(stand, options, cell, seed, stand.workloadOf(cell)));
}

/** Calibrates in a pooler that cannot be given entries of its own: with so few clients that nobody waits. */
export function calibratingRunning(
  stand: Stand,
  options: CalibratingOptions,
  cell: Cell,
  note: (text: string) => void,
): Calibrating {
  if (stand.direct === undefined)
    note(
      "server.connect_time is the workload's: with --dsn, of the database itself, it is measured",
    );
  const own = stand.workloadOf(cell);
  const few = fewClients(own, shareOf(own));
  let probed: Probed | undefined;
  return async (repeat) => {
    const [seed, workload] = [seedOf(options, repeat, 0), calibrationWorkload(few)];
    const live = await playQuietly(stand, options, { cell, seed, workload, repeat });
    probed ??= await options.watch.quietly({ what: "calibration", repeat }, () =>
      watched(() => probeRunning(stand, own, cell)),
    );
    return calibrate(live, stand.entries(cell), probed);
  };
}

/** The size of a pool, or its share of what limits of databases and users leave all pools together. */
function shareOf(workload: Workload): (pool: Pool) => number {
  const sizes = poolsOf(workload).reduce((sum, { size }) => sum + size, 0);
  const part = connectionsOf(workload) / Math.max(1, sizes);
  return ({ size }) => Math.floor(part * size);
}

async function probeRunning(stand: Stand, workload: Workload, cell: Cell): Promise<Probed> {
  const { direct } = stand;
  const { host, port, user, password, sslmode } = stand.target(cell);
  const [database = user] = stand.entries(cell);
  const pooler = { host, port, user, password, sslmode, database };
  const resets = await resetTimes(direct ?? pooler);
  const connects = direct === undefined ? [] : await loginTimes(direct);
  const logins = reconnects(workload) ? await loginTimes(pooler) : [];
  return { connects, logins, resets, connect_time: workload.server.connect_time };
}

/** Whether clients come back that a calibration never loses. */
const reconnects = ({ clients, faults = [] }: Workload): boolean =>
  faults.length > 0 || clients.some(isDemanding);

const seedOf = ({ seed }: CalibratingOptions, repeat: number, which: 0 | 1): number =>
  replicationSeed(seed, CALIBRATION_SEED + 2 * repeat + which);
