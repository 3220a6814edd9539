/**
 * A pooler that runs already, at an address that somebody gives: it has one configuration, which is read
 * from its console where that can be reached. Nothing in it is changed.
 */
import pg from "pg";
import { ConfigError, coreSettingsFrom, type WrittenKeys } from "../../../engine/config/index.ts";
import { type CoreSettings, DEFAULTS } from "../../../engine/core/index.ts";
import { type Address, showAddress } from "../../../workloads/database/dsn.ts";
import { OutsideError } from "../../../workloads/database/errors.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf, poolsOf } from "../pools.ts";
import { counted, nounFor } from "../words.ts";
import { checkProcesses } from "./several.ts";
import type { Cell, Stand } from "./stand.ts";
import { USER_COUNTS } from "./stand-names.ts";

export interface RunningOptions {
  workload: Workload;
  /** Where the clients connect to. */
  pooler: Address;
  /** The database behind it, past any pooler, where it can be reached. */
  database?: Address | undefined;
}

/** What stands there, its one configuration, and what a reader should know of it. */
export interface RunningStand extends Stand {
  readonly cell: Cell;
  readonly notes: readonly string[];
}

type Row = Record<string, string | number | null>;

interface Console {
  config: Row[];
  databases: Row[];
  users: Row[];
  pools: Row[];
}

/**
 * Looks at the pooler. Errors: OutsideError when it does not answer or the database is paused;
 * ConfigError when it lacks a database of the workload, or its pools differ in mode.
 */
export async function openRunning(options: RunningOptions): Promise<RunningStand> {
  const { pooler, database } = options;
  checkProcesses(options.workload, { running: showAddress(pooler) });
  await logIn(pooler); // An entry that is made on demand exists, and is shown, from now on.
  const admin: Address = { ...pooler, database: "pgbouncer" };
  const seen = await look(admin);
  const found = typeof seen === "string" ? undefined : seen;
  const workload = asRunning(options.workload, pooler, found);
  const names = [...new Set(workload.clients.map((kind) => kind.database))];
  const notes =
    typeof seen === "string"
      ? [`no console (${seen}): modes, sizes and timeouts are taken from the workload file`]
      : ["modes, sizes and timeouts are those that its console shows", ...othersIn(seen, names)];
  const users = new Set(options.workload.clients.map((kind) => kind.user));
  if (users.size > 1) notes.push(`all clients log in as ${pooler.user}: its pools are theirs`);
  const place = showAddress(pooler);
  const { host, port, user, password, sslmode } = pooler;
  return {
    pooler: place,
    cell: cellOf(workload, place),
    notes,
    admin: found && [admin],
    direct: database,
    target: () => ({ host, port, user, password, sslmode }),
    entries: () => new Set(names),
    connections: () => connectionsOf(workload),
    workloadOf: () => workload,
    close: async () => undefined,
  };
}

/** The pools have to agree in mode: it decides how the driver plays transactions. */
function cellOf(workload: Workload, place: string): Cell {
  const pools = poolsOf(workload);
  const [first] = pools;
  const modes = new Set(pools.map((pool) => pool.mode));
  if (first === undefined || modes.size > 1)
    throw new ConfigError({
      at: place,
      name: "pool_mode",
      got: [...modes].join(", "),
      expected: "one mode for all databases of the workload",
    });
  return { name: "running", pool_mode: first.mode, pool_size: first.size };
}

async function connect(address: Address): Promise<pg.Client> {
  const { sslmode, ...plain } = address;
  const ssl = sslmode === undefined ? false : { rejectUnauthorized: sslmode !== "require" };
  const client = new pg.Client({ ...plain, ssl, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined); // The query under way fails as well, and says so.
  await client.connect();
  return client;
}

async function logIn(pooler: Address): Promise<void> {
  try {
    await (await connect(pooler)).end();
  } catch (error) {
    const reason = error instanceof Error ? error.message || error.name : String(error);
    throw new OutsideError(`no pooler at ${showAddress(pooler)}: ${reason}`, "", error);
  }
}

/** What its console says; a sentence when there is none for this user. */
async function look(admin: Address): Promise<Console | string> {
  let client: pg.Client | undefined;
  try {
    client = await connect(admin);
    const ask = async (what: string): Promise<Row[]> =>
      (await (client as pg.Client).query<Row>(`SHOW ${what}`)).rows;
    const [config, databases] = [await ask("CONFIG"), await ask("DATABASES")];
    return { config, databases, users: await ask("USERS"), pools: await ask("POOLS") };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await client?.end().catch(() => undefined);
  }
}

/** The workload with the pooler's settings and names in place of its own. */
function asRunning(workload: Workload, pooler: Address, seen: Console | undefined): Workload {
  const names = [...new Set(workload.clients.map((kind) => kind.database))];
  const known = seen?.databases.map((row) => String(row.name));
  const nameOf = (name: string): string => {
    if (names.length === 1) return pooler.database;
    if (known === undefined || known.includes(name)) return name;
    const expected = `one of its databases: ${known.join(" | ")}`;
    throw new ConfigError({ at: showAddress(pooler), name: "database", got: name, expected });
  };
  const clients = workload.clients.map((kind) => {
    return { ...kind, database: nameOf(kind.database), user: pooler.user };
  });
  const used = new Set(clients.map((kind) => kind.database));
  const settings = seen
    ? settingsOf(seen, used, pooler)
    : renamed(workload.settings, nameOf, onlyUser(workload, pooler.user));
  const more = seen && { max_prepared_statements: preparedIn(seen) };
  return { ...workload, clients, settings, ...more };
}

/** The entry of the workload's only user, under the name that there is. */
function onlyUser({ clients, settings }: Workload, name: string): CoreSettings["users"] {
  const logins = new Set(clients.map((kind) => kind.user));
  const own = settings.users.filter((user) => logins.has(user.name));
  return logins.size === 1 ? own.map((user) => ({ ...user, name })) : [];
}

/** An older one has no such setting, and looks after none. */
function preparedIn({ config }: Console): number {
  return Number(config.find((row) => row.key === "max_prepared_statements")?.value ?? 0);
}

/** `users`: what is known of the one user. */
function renamed(
  settings: CoreSettings,
  nameOf: (name: string) => string,
  users: CoreSettings["users"],
): CoreSettings {
  const databases = settings.databases.map((entry) => ({ ...entry, name: nameOf(entry.name) }));
  const once = databases.filter(
    (entry, i) => databases.findIndex((e) => e.name === entry.name) === i,
  );
  return { ...settings, databases: once, users };
}

function settingsOf(seen: Console, used: ReadonlySet<string>, pooler: Address): CoreSettings {
  const names = new Set(Object.keys(DEFAULTS));
  const config = seen.config.filter((row) => names.has(String(row.key)));
  const settings = Object.fromEntries(
    config.map((row) => [String(row.key), String(row.value ?? "")]),
  );
  const rows = seen.databases.filter((row) => used.has(String(row.name)));
  const databases = Object.fromEntries(rows.map((row) => [String(row.name), entryOf(row, pooler)]));
  const logins = new Set([pooler.user, ...rows.map((row) => row.force_user)]);
  const known = seen.users.filter((row) => logins.has(row.name as string));
  const users = Object.fromEntries(known.map((row) => [String(row.name), filled(row, OF_USERS)]));
  const place = (...path: string[]): string => `${showAddress(pooler)}: ${path.join(".")}`;
  return coreSettingsFrom(settings, databases, users, { place });
}

/** Its timeouts a console does not show. */
const OF_USERS = ["pool_mode", "pool_size", ...USER_COUNTS] as const;

/** A row of SHOW DATABASES as an entry. PgBouncer before 1.24 says `reserve_pool`. */
function entryOf(row: Row, pooler: Address): WrittenKeys {
  if (Number(row.paused) === 1)
    throw new OutsideError(`database ${row.name} is paused at ${showAddress(pooler)}`);
  const more = { reserve_pool_size: row.reserve_pool_size ?? row.reserve_pool ?? null };
  const limits = {
    max_db_connections: row.max_connections ?? null,
    max_db_client_connections: row.max_client_connections ?? null,
    user: row.force_user ?? null,
  };
  const keys = ["pool_size", "min_pool_size", "reserve_pool_size", "pool_mode", "server_lifetime"];
  return filled({ ...row, ...more, ...limits }, [...keys, ...Object.keys(limits)]);
}

/** Those of the columns that say something: an empty one, or a 0, stands for the global setting. */
function filled(row: Row, columns: readonly string[]): WrittenKeys {
  const values = columns.map((column) => [column, String(row[column] ?? "")] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== "" && value !== "0"));
}

/** Whoever else uses the pools is in the live figures and not in the prediction. */
function othersIn({ pools }: Console, names: readonly string[]): string[] {
  const own = pools.filter((row) => names.includes(String(row.database)));
  const others = own.reduce((sum, row) => sum + Number(row.cl_active) + Number(row.cl_waiting), 0);
  if (others === 0) return [];
  return [
    `${counted(others, "client")} of others ${nounFor(others, "is", "are")} in these pools: ${nounFor(others, "it is", "they are")} in what is measured, and in no prediction`,
  ];
}
