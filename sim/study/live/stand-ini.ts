/**
 * The pgbouncer.ini of a live run: the workload's settings where they differ from PgBouncer's defaults, and
 * entries and users for each configuration. An older PgBouncer may not know a key that nobody needs.
 */
import {
  type CoreSettings,
  DEFAULTS,
  type Nanos,
  type Pool,
  SECOND,
  type UserSettings,
} from "../../../engine/core/index.ts";
import { prepares } from "../../../workloads/live/index.ts";
import { mostConnected } from "../../../workloads/schema/kinds.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { poolOf, poolsOf } from "../pools.ts";
import { written } from "./calm.ts";
import type { Cell, Played } from "./cell.ts";
import { ownDatabase } from "./room.ts";
import { DATABASE_COUNTS, isPrivate, namesOf, USER_COUNTS, usersOf } from "./stand-names.ts";

/** What the sections are made of. */
export interface IniOptions {
  database: Played;
  /** The configurations, each with the workload as it has it. */
  cells: readonly { cell: Cell; workload: Workload }[];
  /** How many of them play at the same time. */
  together: number;
  workload: Workload;
  /** Lines of [pgbouncer] that say where it listens. */
  place: readonly string[];
}

type Keys = Record<string, string | number>;

/** Entries of one section: keys by name. */
type Entries = Map<string, Keys>;

/** `[databases]` and `[users]`, by their keys: which of these a PgBouncer must know. */
export interface Sections {
  databases: Entries;
  users: Entries;
}

/** Every configuration's. */
export function sectionsOf({ cells, database }: Pick<IniOptions, "cells" | "database">): Sections {
  const sections: Sections = { databases: new Map(), users: new Map() };
  for (const { cell, workload } of cells) addCell(sections, cell, workload, database);
  return sections;
}

export function iniLines(options: IniOptions, { databases, users }: Sections): string[] {
  const { workload, database, place } = options;
  return [
    "[databases]",
    ...linesOf(databases),
    ...(users.size > 0 ? ["[users]", ...linesOf(users)] : []),
    "[pgbouncer]",
    ...place,
    `admin_users = ${database.user}`,
    "auth_type = trust",
    "log_connections = 0",
    "log_disconnections = 0",
    `server_tls_sslmode = ${database.sslmode ?? "disable"}`,
    `max_client_conn = ${roomForClients(options)}`,
    ...changedSettings(workload.settings),
    ...preparedLines(workload),
  ];
}

/** auth_file: the database's user, and whoever else logs in. */
export function loginLines({ database, cells }: Pick<IniOptions, "cells" | "database">): string {
  const { user, password = "" } = database;
  const others = cells.flatMap(({ cell, workload }) =>
    Object.values(namesOf(workload, cell, database).users),
  );
  const logins = new Map([...others.map((name) => [name, ""] as const), [user, password]]);
  const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  return [...logins].map(([name, secret]) => `${quoted(name)} ${quoted(secret)}\n`).join("");
}

const linesOf = (entries: Entries): string[] =>
  [...entries].map(([name, keys]) => {
    const written = Object.entries(keys).map(([key, value]) => `${key}=${value}`);
    return `${name} = ${written.join(" ")}`;
  });

function addCell(sections: Sections, cell: Cell, workload: Workload, database: Played): void {
  const names = namesOf(workload, cell, database);
  const resolved = !isPrivate(database) || agree(workload);
  // One user in somebody's own database stands for the workload's only one: several are refused limits.
  const users = isPrivate(database) || usersOf(workload).length === 1 ? usersOf(workload) : [];
  const waitOf = ({ user, query_wait_timeout }: Pool): Nanos =>
    (users.length === 0 ? user.settings.query_wait_timeout : undefined) ?? query_wait_timeout;
  for (const kind of workload.clients) {
    const pool = poolOf(workload, kind);
    const keys = {
      host: database.host,
      port: database.port,
      dbname: ownDatabase(workload, cell, database) ?? database.database,
      ...(pool.forced && { user: names.users[pool.user.settings.name] as string }),
      ...(resolved ? poolKeys(pool) : entryKeys(pool, workload)),
      ...(cell.plain
        ? {}
        : {
            ...reserveKey(pool, workload, resolved),
            ...ownKeys(pool, waitOf(pool), workload),
          }),
    };
    sections.databases.set(names.entries[kind.name] as string, keys);
  }
  if (cell.plain) return;
  for (const user of users) {
    const keys = userKeys(user, workload, resolved);
    if (Object.keys(keys).length > 0) sections.users.set(names.users[user] as string, keys);
  }
}

/** All pools of each database have the same mode, size and reserve: these can be the entry's. */
function agree(workload: Workload): boolean {
  const pools = poolsOf(workload);
  return pools.every((pool) => {
    const first = pools.find(({ database }) => isSame(database, pool.database)) as Pool;
    const keys = ["mode", "size", "reserve_size"] as const;
    return keys.every((key) => first[key] === pool[key]);
  });
}

const isSame = (one: Pool["database"], other: Pool["database"]): boolean =>
  one.settings.name === other.settings.name;

const poolKeys = ({ mode, size }: Pool): Keys => ({ pool_mode: mode, pool_size: size });

/** The database's own, or the global ones: its users have others. */
function entryKeys({ database }: Pool, { settings }: Workload): Keys {
  const { pool_mode = settings.pool_mode, pool_size = settings.default_pool_size } =
    database.settings;
  return { pool_mode, pool_size };
}

/** Under the name that every version knows. */
function reserveKey(pool: Pool, { settings }: Workload, resolved: boolean): Keys {
  const own = resolved ? pool.reserve_size : pool.database.settings.reserve_pool_size;
  return own === undefined || own === settings.reserve_pool_size ? {} : { reserve_pool: own };
}

/** What else a database has. Limits are never global, for they would bind what is measured without any. */
function ownKeys(pool: Pool, wait: Nanos, { settings }: Workload): Keys {
  const { database } = pool;
  const clients = database.settings.max_db_client_connections || settings.max_db_client_connections;
  const keys = [
    ["min_pool_size", pool.min_size, settings.min_pool_size, 1],
    ["max_db_connections", pool.max_db_connections, 0, 1],
    ["max_db_client_connections", clients, 0, 1],
    ["server_lifetime", pool.server_lifetime, settings.server_lifetime, SECOND],
    ["query_wait_timeout", wait, settings.query_wait_timeout, SECOND],
  ] as const;
  const other = keys.filter(([, own, usual]) => own !== usual);
  return Object.fromEntries(other.map(([key, own, , unit]) => [key, own / unit]));
}

const USER_TIMES = [
  "query_timeout",
  "query_wait_timeout",
  "idle_transaction_timeout",
  "transaction_timeout",
  "client_idle_timeout",
] as const satisfies readonly (keyof UserSettings)[];
const USER_POOLS = ["pool_mode", "pool_size", "reserve_pool_size"] as const;

/** `resolved`: what of it is its pools' is said by their entries. */
function userKeys(name: string, { settings }: Workload, resolved: boolean): Keys {
  const own: UserSettings = settings.users.find((user) => user.name === name) ?? { name };
  const keys: Keys = {};
  for (const key of resolved ? [] : USER_POOLS) {
    const value = own[key];
    if (value !== undefined) keys[key] = value;
  }
  for (const key of USER_COUNTS) {
    const value = own[key] || settings[key];
    if (value > 0) keys[key] = value;
  }
  for (const key of USER_TIMES) {
    const value = own[key];
    if (value !== undefined) keys[key] = value / SECOND;
  }
  return keys;
}

/** max_client_conn may turn clients away: then configurations are played one at a time. */
export function isCrowded({ clients, settings }: Workload): boolean {
  const come = (kind: ClientKind): number => mostConnected(kind, Number.POSITIVE_INFINITY);
  return clients.reduce((sum, kind) => sum + come(kind), 0) > settings.max_client_conn;
}

/** The session on the console that looks on counts as well. */
const CONSOLES = 1;
const SPARE = 50;

/** The limit holds for each configuration alone, but the pooler counts the clients of all that play. */
function roomForClients({ workload, together }: IniOptions): number {
  const { max_client_conn } = workload.settings;
  return isCrowded(workload) ? max_client_conn + CONSOLES : together * max_client_conn + SPARE;
}

/** Only where it matters: a PgBouncer before 1.21 does not know the setting. */
function preparedLines(workload: Workload): string[] {
  const { max_prepared_statements } = workload;
  if (!prepares(workload) || max_prepared_statements === undefined) return [];
  return [`max_prepared_statements = ${max_prepared_statements}`];
}

/** Said elsewhere: by the entries, by the users, or with room for all configurations. */
const ELSEWHERE: readonly string[] = [
  "pool_mode",
  "default_pool_size",
  "max_client_conn",
  ...DATABASE_COUNTS,
  ...USER_COUNTS,
];

/** Lines for the settings that are not PgBouncer's defaults. */
function changedSettings(settings: CoreSettings): string[] {
  const lines: string[] = [];
  for (const [name, standard] of Object.entries(DEFAULTS)) {
    const value = settings[name as keyof typeof DEFAULTS];
    if (value === standard || ELSEWHERE.includes(name)) continue;
    if (name === "server_check_query" || name === "server_reset_query") lines.push(`${name} =`);
    else lines.push(`${name} = ${written(name, value)}`);
  }
  return lines;
}
