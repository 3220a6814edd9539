/**
 * What a live run stands on: a database and, in front of it, a pooler with an entry for every pool of
 * every configuration that is to be measured, so that nothing has to be restarted between runs.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CoreSettings, Pool, PoolMode } from "../../../engine/core/index.ts";
import { DEFAULTS, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import type { Database } from "../../../workloads/database/index.ts";
import { type Breaker, type LiveTarget, prepares } from "../../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { keyOf, poolOf, poolsOf } from "../pools.ts";
import { breakerOf } from "./faults.ts";
import { checkVersion, freePort } from "./pooler-process.ts";
import { PoolerSeat } from "./pooler-seat.ts";
import { connectionsOf, withPool } from "./pools.ts";
import { checkProcesses, processesOf } from "./several.ts";

/** One configuration to measure: an entry of the pooler for each pool of the workload. */
export interface Cell {
  /** Starts the entries' names; letters, digits and `_`. */
  name: string;
  pool_mode: PoolMode;
  pool_size: number;
  /** True: each pool keeps the mode and the size that the workload gives it. */
  own?: boolean;
  /** True: what the machine does is measured there, without the limits of the workload's databases. */
  plain?: boolean;
}

export interface Stand {
  /** What it is, for the report. */
  readonly pooler: string;
  /** The consoles of its processes; undefined: there is none for us. */
  readonly admin: readonly Address[] | undefined;
  /** The database itself, past the pooler; undefined: it is not known. */
  readonly direct: Address | undefined;
  /** Plays faults; undefined: what is there is not ours to break. */
  readonly breaker?: Breaker | undefined;
  /** Where the clients of a cell connect to. */
  target(cell: Cell): LiveTarget;
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

/** A database to play against; one with a `server` is private, and may be broken. */
export type Played = Address & Pick<Database, "server">;

export interface StandOptions {
  workload: Workload;
  database: Played;
  cells: readonly Cell[];
  /** More of them, whose clients all come to the same process where there are several. */
  cold?: readonly Cell[] | undefined;
  /** Path of a PgBouncer to measure; ours when left out. */
  pgbouncer?: string | undefined;
  /** Ours only: write the scheduler's inputs to this file. */
  journal?: string | undefined;
}

/** Starts a pooler for the cells. Errors: OutsideError when it does not come up; ConfigError. */
export async function openStand(options: StandOptions): Promise<Stand> {
  const { workload, database, cold = [] } = options;
  checkProcesses(workload, options);
  const directory = await mkdtemp(join(tmpdir(), "poolwise-pooler-"));
  const several = processesOf(workload) > 1;
  const port = several ? await freePort() : 6432;
  const directories = await directoriesFor(directory, processesOf(workload));
  const [first = directory] = directories;
  const seats: PoolerSeat[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(seats.map((seat) => seat.stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const own of directories) seats.push(await start(options, directories, own, port));
    const [seat] = seats as [PoolerSeat];
    const host = (cell: Cell): string => (several && !cold.includes(cell) ? LOCAL : first);
    return {
      pooler: options.pgbouncer === undefined ? "poolwise" : options.pgbouncer,
      admin: directories.map((own) => ({
        ...{ host: own, port, user: database.user, database: "pgbouncer" },
      })),
      direct: database,
      breaker: breakerOf({ server: database.server, seat }),
      target: (cell) => targetOf(options, cell, host(cell), port),
      entries: (cell) => new Set(Object.values(entryNames(workload, cell))),
      connections: (cell) => connectionsOf(workloadOf(workload, cell)) * processesOf(workload),
      workloadOf: (cell) => workloadOf(workload, cell),
      get notes() {
        return seats.flatMap((each) => each.notes);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Where several processes share a port: Unix sockets cannot be shared. */
const LOCAL = "127.0.0.1";

/** A directory of its own for each process: there is its console. */
async function directoriesFor(directory: string, processes: number): Promise<string[]> {
  if (processes === 1) return [directory];
  const own = Array.from({ length: processes }, (_, i) => join(directory, String(i + 1)));
  for (const each of own) await mkdir(each);
  return own;
}

/**
 * The entry of each kind of clients: one for each pool, for here all of them log in as the one user whom the
 * database knows.
 */
function entryNames(workload: Workload, cell: Cell): Record<string, string> {
  const pools = poolsOf(workload);
  const nameOf = (kind: ClientKind): string => {
    const key = keyOf(poolOf(workload, kind));
    const name = `${cell.name}_${kind.database}`;
    const own = pools.filter((pool) => pool.database.settings.name === kind.database);
    const at = own.findIndex((pool) => keyOf(pool) === key);
    return at === 0 ? name : `${name}_${at + 1}`;
  };
  return Object.fromEntries(workload.clients.map((kind) => [kind.name, nameOf(kind)]));
}

function targetOf(
  { workload, database: { user } }: StandOptions,
  cell: Cell,
  host: string,
  port: number,
): LiveTarget {
  const users = Object.fromEntries(workload.clients.map((kind) => [kind.user, user]));
  return { host, port, user, databases: entryNames(workload, cell), users };
}

const workloadOf = (workload: Workload, cell: Cell): Workload =>
  cell.own ? workload : withPool(workload, cell.pool_mode, cell.pool_size);

async function start(
  options: StandOptions,
  directories: readonly string[],
  directory: string,
  port: number,
): Promise<PoolerSeat> {
  const ini = join(directory, "pooler.ini");
  const users = join(directory, "users.txt");
  const { user, password = "" } = options.database;
  await writeFile(users, `"${user}" "${password.replaceAll('"', '""')}"\n`, { mode: 0o644 });
  const sections = [
    ...iniLines(options, directory, users, port),
    ...processLines(options.workload, directories, directory, port),
  ];
  await writeFile(ini, `${sections.join("\n")}\n`, { mode: 0o644 });
  const { pgbouncer, journal } = options;
  if (pgbouncer !== undefined) await checkVersion(pgbouncer, options.workload);
  return PoolerSeat.take({ ini, directory, port, pgbouncer, journal });
}

/** The ini: the workload's settings where they differ from the defaults, and an entry for each cell. */
function iniLines(options: StandOptions, directory: string, users: string, port: number): string[] {
  const { workload, database, cells, cold = [] } = options;
  const settings = workload.settings;
  const server = [
    `host=${database.host}`,
    `port=${database.port}`,
    `dbname=${database.database}`,
  ].join(" ");
  const entries = [...cells, ...cold].flatMap((cell) =>
    entryLines(workloadOf(workload, cell), cell, server),
  );
  return [
    "[databases]",
    ...entries,
    "[pgbouncer]",
    `listen_port = ${port}`,
    `unix_socket_dir = ${directory}`,
    "auth_type = trust",
    `auth_file = ${users}`,
    `admin_users = ${database.user}`,
    "log_connections = 0",
    "log_disconnections = 0",
    "server_tls_sslmode = disable",
    ...changedSettings(settings),
    ...preparedLines(workload),
  ];
}

/** An entry for each pool of a cell. */
function entryLines(workload: Workload, cell: Cell, server: string): string[] {
  const names = entryNames(workload, cell);
  const lines = workload.clients.map((kind) => {
    const pool = poolOf(workload, kind);
    const own = [
      `pool_mode=${pool.mode}`,
      `pool_size=${pool.size}`,
      ...(cell.plain ? [] : ownKeys(pool, workload)),
    ];
    return `${names[kind.name]} = ${server} ${own.join(" ")}`;
  });
  return [...new Set(lines)];
}

/** What else a database or a user has of its own; an older PgBouncer may not know a key that nobody needs. */
function ownKeys(pool: Pool, { settings }: Workload): string[] {
  const { query_wait_timeout = pool.query_wait_timeout } = pool.user.settings;
  const keys = [
    // The name that every version knows.
    ["reserve_pool", pool.reserve_size, settings.reserve_pool_size, 1],
    ["min_pool_size", pool.min_size, settings.min_pool_size, 1],
    ["max_db_connections", pool.max_db_connections, settings.max_db_connections, 1],
    ["server_lifetime", pool.server_lifetime, settings.server_lifetime, SECOND],
    ["query_wait_timeout", query_wait_timeout, settings.query_wait_timeout, SECOND],
  ] as const;
  return keys
    .filter(([, own, global]) => own !== global)
    .map(([key, own, , unit]) => `${key}=${own / unit}`);
}

/** One of several processes on a port: each can be told by its number, and may know the others. */
function processLines(
  { pooler }: Workload,
  directories: readonly string[],
  own: string,
  port: number,
): string[] {
  if (directories.length === 1) return [];
  const peers = directories.map((host, i) => `${i + 1} = host=${host} port=${port}`);
  return [
    `listen_addr = ${LOCAL}`,
    "so_reuseport = 1",
    `peer_id = ${directories.indexOf(own) + 1}`,
    ...(pooler?.peering === undefined ? [] : ["[peers]", ...peers]),
  ];
}

/** Only where it matters: a PgBouncer before 1.21 does not know the setting. */
function preparedLines(workload: Workload): string[] {
  const { max_prepared_statements } = workload;
  if (!prepares(workload) || max_prepared_statements === undefined) return [];
  return [`max_prepared_statements = ${max_prepared_statements}`];
}

const DURATION = /_(timeout|lifetime|retry|delay|notify)$/;

/** Lines for the settings that are not PgBouncer's defaults; an older PgBouncer may not know the rest. */
function changedSettings(settings: CoreSettings): string[] {
  const lines: string[] = [];
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = settings[name as keyof typeof DEFAULTS];
    if (value === standard || name === "pool_mode" || name === "default_pool_size") continue;
    if (name === "server_check_query" || name === "server_reset_query") lines.push(`${name} =`);
    else if (typeof value === "boolean") lines.push(`${name} = ${value ? 1 : 0}`);
    else if (DURATION.test(name)) lines.push(`${name} = ${(value as number) / SECOND}`);
    else lines.push(`${name} = ${value}`);
  }
  return lines;
}
