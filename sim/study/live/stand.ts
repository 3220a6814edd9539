/**
 * What a live run stands on: a database and, in front of it, a pooler with one entry for every
 * configuration that is to be measured, so that nothing has to be restarted between runs.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CoreSettings, PoolMode } from "../../../engine/core/index.ts";
import { DEFAULTS, SECOND } from "../../../engine/core/index.ts";
import type { Address } from "../../../workloads/database/dsn.ts";
import type { LiveTarget } from "../../../workloads/live/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { type PoolerProcess, startPooler } from "./pooler-process.ts";

/** One configuration to measure: an entry of the pooler for each database of the workload. */
export interface Cell {
  /** Starts the entries' names; letters, digits and `_`. */
  name: string;
  pool_mode: PoolMode;
  pool_size: number;
}

export interface Stand {
  /** What it is, for the report. */
  readonly pooler: string;
  /** The console. */
  readonly admin: Address;
  /** Where the clients of a cell connect to. */
  target(cell: Cell): LiveTarget;
  /** Ends the pooler and removes its files; the database stays. */
  close(): Promise<void>;
}

export interface StandOptions {
  workload: Workload;
  database: Address;
  cells: readonly Cell[];
  /** Path of a PgBouncer to measure; ours when left out. */
  pgbouncer?: string | undefined;
  /** Ours only: write the scheduler's inputs to this file. */
  journal?: string | undefined;
}

/** Starts a pooler for the cells. Errors: OutsideError when it does not come up. */
export async function openStand(options: StandOptions): Promise<Stand> {
  const directory = await mkdtemp(join(tmpdir(), "poolwise-pooler-"));
  const port = 6432;
  const admin: Address = {
    host: directory,
    port,
    user: options.database.user,
    database: "pgbouncer",
  };
  try {
    const pooler = await start(options, directory, port);
    return {
      pooler: options.pgbouncer === undefined ? "poolwise" : options.pgbouncer,
      admin,
      target: (cell) => ({
        host: directory,
        port,
        user: options.database.user,
        databases: entryNames(options.workload, cell),
        users: Object.fromEntries(
          options.workload.clients.map((kind) => [kind.user, options.database.user]),
        ),
      }),
      close: async () => {
        await pooler.stop();
        await rm(directory, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

const entryName = (cell: Cell, database: string): string => `${cell.name}_${database}`;

function entryNames(workload: Workload, cell: Cell): Record<string, string> {
  const names = workload.clients.map((kind) => kind.database);
  return Object.fromEntries(names.map((name) => [name, entryName(cell, name)]));
}

/** Names of the pooler's entries of a cell, as they stand in SHOW POOLS. */
export function entriesOf(workload: Workload, cell: Cell): ReadonlySet<string> {
  return new Set(Object.values(entryNames(workload, cell)));
}

async function start(
  options: StandOptions,
  directory: string,
  port: number,
): Promise<PoolerProcess> {
  const ini = join(directory, "pooler.ini");
  const users = join(directory, "users.txt");
  const { user, password = "" } = options.database;
  await writeFile(users, `"${user}" "${password.replaceAll('"', '""')}"\n`, { mode: 0o644 });
  await writeFile(ini, iniText(options, directory, users, port), { mode: 0o644 });
  const { pgbouncer, journal } = options;
  return startPooler({ ini, directory, port, pgbouncer, journal });
}

/** The ini: the workload's settings where they differ from the defaults, and an entry for each cell. */
function iniText(options: StandOptions, directory: string, users: string, port: number): string {
  const { workload, database, cells } = options;
  const settings = workload.settings;
  const server = [
    `host=${database.host}`,
    `port=${database.port}`,
    `dbname=${database.database}`,
  ].join(" ");
  const entries = cells.flatMap((cell) =>
    [...new Set(workload.clients.map((kind) => kind.database))].map(
      (name) =>
        `${entryName(cell, name)} = ${server} pool_mode=${cell.pool_mode} pool_size=${cell.pool_size}`,
    ),
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
    "",
  ].join("\n");
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
