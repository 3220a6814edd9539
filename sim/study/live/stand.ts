/**
 * What a live run stands on: a database and, in front of it, a pooler with an entry for every pool of
 * every configuration that is to be measured, so that nothing has to be restarted between runs.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Address } from "../../../workloads/database/dsn.ts";
import {
  limitDatabases,
  makeRoles,
  outside,
  ownDirectory,
} from "../../../workloads/database/index.ts";
import { Yielding } from "../../../workloads/database/yielding.ts";
import { type Breaker, type LiveTarget, usesCores } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf } from "../pools.ts";
import { calmly } from "./calm.ts";
import type { Cell, Played } from "./cell.ts";
import { breakerOf, ofPooler } from "./faults.ts";
import { freePort } from "./pooler-process.ts";
import { journalOf, PoolerSeat, type SeatOptions } from "./pooler-seat.ts";
import { checkVersion } from "./pooler-version.ts";
import { workloadOf } from "./pools.ts";
import { ownDatabase } from "./room.ts";
import { checkProcesses, processesOf } from "./several.ts";
import { type IniOptions, iniLines, loginLines, sectionsOf } from "./stand-ini.ts";
import { checkUsers, isPrivate, namesOf } from "./stand-names.ts";
import { LOCAL, placeLines } from "./stand-places.ts";

export type { Cell, Played } from "./cell.ts";

export interface Stand {
  /** What it is, for the report. */
  readonly pooler: string;
  /** The consoles of its processes; undefined: there is none for us. */
  readonly admin: readonly Address[] | undefined;
  /** Those that a run of this workload has to watch; `admin` when left out. */
  consoles?(workload: Workload): readonly Address[];
  /** Does `work` without settings that would disturb a calibration; undefined: they are not ours to change. */
  calmly?<T>(work: () => Promise<T>): Promise<T>;
  /** The database itself, past the pooler; undefined: it is not known. */
  readonly direct: Address | undefined;
  /** Plays faults; undefined: what is there is not ours to break. */
  readonly breaker?: Breaker | undefined;
  /** Where the clients of a cell connect to. */
  target(cell: Cell): LiveTarget;
  /** Whether its database refuses connections as the workload's does; left out: it is as if it had room. */
  refuses?(cell: Cell): boolean;
  /** Names of the pooler's entries of a cell, as they stand in SHOW POOLS. */
  entries(cell: Cell): ReadonlySet<string>;
  /** Sizes of the cell's pools, added up. */
  connections(cell: Cell): number;
  /** The workload with the settings of the cell. */
  workloadOf(cell: Cell): Workload;
  /** What the person who measures should know of it; complete once it is closed. */
  readonly notes: readonly string[];
  /** Ends the pooler and removes its files; the database stays. */
  close(): Promise<void>;
}

export interface StandOptions {
  workload: Workload;
  database: Played;
  cells: readonly Cell[];
  /** More of them, whose clients all come to the same process where there are several. */
  cold?: readonly Cell[] | undefined;
  /** How many of the cells play at the same time; all of them when left out. */
  together?: number | undefined;
  /** Path of a PgBouncer to measure; ours when left out. */
  pgbouncer?: string | undefined;
  /** Ours only: write the scheduler's inputs to this file. */
  journal?: string | undefined;
}

/** Starts a pooler for the cells. Errors: OutsideError when it does not come up; ConfigError. */
export async function openStand(options: StandOptions): Promise<Stand> {
  const { workload, database, cells, cold = [], pgbouncer } = options;
  checkProcesses(workload, options);
  checkUsers(workload, database, cells.length + cold.length > 1);
  const all = [...cells, ...cold].map((cell) => ({ cell, workload: workloadOf(workload, cell) }));
  const sections = sectionsOf({ cells: all, database });
  if (pgbouncer !== undefined) await checkVersion(pgbouncer, workload, sections);
  return outside("no pooler can be set up", async () => {
    if (isPrivate(database)) {
      const names = all.map((each) => namesOf(each.workload, each.cell, database));
      await makeRoles(
        database,
        names.flatMap(({ users }) => Object.values(users)),
      );
      await limitDatabases(database, limitsOf(all, database));
    }
    const { together = cells.length } = options;
    const ini = { database, cells: all, together, workload };
    return setUp(options, ini, (place) => iniLines({ ...ini, place }, sections));
  });
}

/** Of databases of their own. */
function limitsOf(cells: IniOptions["cells"], database: Played): Map<string, number> {
  const limits = new Map<string, number>();
  for (const { cell, workload } of cells) {
    const own = ownDatabase(workload, cell, database);
    if (own !== undefined) limits.set(own, workload.server.max_connections);
  }
  return limits;
}

/** `linesOf`: of the ini, with those that say where it listens. */
async function setUp(
  options: StandOptions,
  ini: Omit<IniOptions, "place">,
  linesOf: (place: string[]) => string[],
): Promise<Stand> {
  const { workload, database, cold = [], pgbouncer } = options;
  const directory = await ownDirectory();
  const several = processesOf(workload) > 1;
  const seats: PoolerSeat[] = [];
  const { server } = database;
  const yielding = usesCores(workload) && server !== undefined ? new Yielding(server) : undefined;
  const close = async (): Promise<void> => {
    yielding?.stop();
    await Promise.all(seats.map((seat) => seat.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const port = several ? await freePort() : 6432;
    const directories = await directoriesFor(directory, processesOf(workload));
    for (const [i, own] of directories.entries()) {
      const users = join(own, "users.txt");
      await writeFile(users, loginLines(ini), { mode: 0o644 });
      const iniOf: SeatOptions["iniOf"] = (number, placeOf) => {
        const place = placeLines({ workload, directories, own, port }, number, placeOf);
        return [...linesOf([...place.settings, `auth_file = ${users}`]), ...place.peers];
      };
      const journal = options.journal && journalOf(options.journal, i);
      seats.push(await PoolerSeat.take({ iniOf, directory: own, port, pgbouncer, journal }));
    }
    const [seat] = seats as [PoolerSeat];
    const host = (cell: Cell): string => {
      if (!several) return seat.address;
      return cold.includes(cell) ? (directories[0] as string) : LOCAL;
    };
    const { user } = database;
    const consoleAt = (host: string): Address => ({ host, port, user, database: "pgbouncer" });
    const admin = (several ? directories : [seat.address]).map(consoleAt);
    return {
      pooler: pgbouncer ?? "poolwise",
      admin,
      consoles: (played) => consolesOf(played, seat)?.map(consoleAt) ?? admin,
      calmly: (work) => calmly(workload.settings, admin, work),
      direct: database,
      breaker: breakerOf({ server: database.server, seat }),
      target: (cell) => {
        const { entries, users } = namesOf(workloadOf(workload, cell), cell, database);
        return { host: host(cell), port, user: database.user, databases: entries, users };
      },
      refuses: (cell) => ownDatabase(workloadOf(workload, cell), cell, database) !== undefined,
      entries: (cell) =>
        new Set(Object.values(namesOf(workloadOf(workload, cell), cell, database).entries)),
      connections: (cell) => connectionsOf(workloadOf(workload, cell)) * processesOf(workload),
      workloadOf: (cell) => workloadOf(workload, cell),
      get notes() {
        const said = seats.flatMap((each) => each.notes);
        return [...coreNotes(workload, yielding), ...journalNotes(seats), ...said];
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Who gets the cores first. */
function coreNotes(workload: Workload, yielding: Yielding | undefined): string[] {
  if (!usesCores(workload)) return [];
  return yielding === undefined
    ? ["where the database is on this machine, it shares the cores with pooler and driver"]
    : ["pooler and driver get a core before the database does, as if they had another machine"];
}

function journalNotes(seats: readonly PoolerSeat[]): string[] {
  const journals = seats.flatMap((seat) => seat.journals);
  return journals.length < 2
    ? []
    : [`each pooler has a journal of its own: ${journals.join(", ")}`];
}

/** Where two are there at a time: the place of each that there will be; else undefined. */
function consolesOf({ faults = [] }: Workload, seat: PoolerSeat): string[] | undefined {
  if (!faults.some(({ fault }) => fault === "pooler_takeover")) return undefined;
  const coming = faults.filter(ofPooler).map((_, i) => i + 1);
  return [0, ...coming].map((further) => seat.placeOf(seat.number + further));
}

/** A directory of its own for each process: there is its console. */
async function directoriesFor(directory: string, processes: number): Promise<string[]> {
  if (processes === 1) return [directory];
  const own = Array.from({ length: processes }, (_, i) => join(directory, String(i + 1)));
  for (const each of own) await mkdir(each);
  return own;
}
