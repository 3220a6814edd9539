/**
 * What differs between two configurations, and what it takes to put the new one in force: RELOAD for
 * most settings, a restart for those that PgBouncer reads only once.
 * Source: PgBouncer 1.25.2 src/loader.c parse_database(), src/main.c load_config().
 */
import { DEFAULTS } from "../core/settings.ts";
import { settingValue } from "./config.ts";
import { coreSettings } from "./core-settings.ts";
import { AUTODB, type DatabaseEntry, type Named } from "./entries.ts";
import type { Config } from "./ini.ts";
import type { Kind } from "./kinds.ts";
import type { Settings } from "./setting.ts";
import { rowOf, SETTING_NAMES, type SettingName } from "./settings.ts";
import { DATABASE_KEYS, PEER_KEYS, USER_KEYS } from "./settings-entries.ts";

/** One setting, one key of an entry, or one whole entry that is not as it was. */
export interface Change {
  section: Section;
  /** The setting, `entry.key`, or the entry alone when it came or went. */
  name: string;
  /** As it would be written; null: nothing is written and PgBouncer has no default. */
  from: string | null;
  to: string | null;
  /** What puts it in force; `reconnect`: a RELOAD, which then replaces server connections. */
  needs: Needs;
  /** Whether it moves the scheduler, so that a simulation can show what it does. */
  scheduler: boolean;
}

type Section = "pgbouncer" | "databases" | "users" | "peers";
type Needs = "reload" | "reconnect" | "restart";

/** Every difference: settings, then databases, users and peers by name. Passwords are not shown. */
export function changesBetween(from: Config, to: Config): Change[] {
  return [
    ...settingChanges(from, to),
    ...entryChanges("databases", DATABASE_KEYS, withAutodb(from), withAutodb(to)),
    ...entryChanges("users", USER_KEYS, from.users, to.users),
    ...entryChanges("peers", PEER_KEYS, from.peers, to.peers),
  ];
}

function settingChanges(from: Config, to: Config): Change[] {
  const [before, after] = [coreSettings(from), coreSettings(to)];
  return SETTING_NAMES.flatMap((name): Change[] => {
    const [old, fresh] = [settingValue(from, name), settingValue(to, name)];
    if (old === fresh || name === "conffile") return []; // Every file has a name of its own.
    const scheduler = isGlobal(name) && before[name] !== after[name];
    return [{ section: "pgbouncer", name, from: old, to: fresh, needs: needsOf(name), scheduler }];
  });
}

function isGlobal(name: string): name is keyof typeof DEFAULTS {
  return Object.hasOwn(DEFAULTS, name);
}

/** New TLS settings hold for new connections only, so RELOAD replaces the servers' connections. */
function needsOf(name: SettingName): Needs {
  if (!rowOf(name).reloadable) return "restart";
  return name.startsWith("server_tls_") ? "reconnect" : "reload";
}

function withAutodb({ databases, autodb }: Config): DatabaseEntry[] {
  return autodb === undefined ? [...databases] : [...databases, autodb];
}

function entryChanges<Entry extends Named>(
  section: Section,
  table: Settings,
  from: readonly Entry[],
  to: readonly Entry[],
): Change[] {
  const names = [...new Set([...from, ...to].map((entry) => entry.name))].sort(templateLast);
  return names.flatMap((name): Change[] => {
    const [old, fresh] = [from, to].map((list) => list.find((entry) => entry.name === name));
    if (old !== undefined && fresh !== undefined) return keyChanges(section, table, old, fresh);
    const [was, is] = [old, fresh].map((entry) => entry && wholeEntry(table, entry));
    const scheduler = section !== "peers";
    return [{ section, name, from: was ?? null, to: is ?? null, needs: "reload", scheduler }];
  });
}

function templateLast(a: string, b: string): number {
  return Number(a === AUTODB) - Number(b === AUTODB) || (a < b ? -1 : 1);
}

function keyChanges<Entry extends Named>(
  section: Section,
  table: Settings,
  old: Entry,
  fresh: Entry,
): Change[] {
  return Object.keys(table).flatMap((key): Change[] => {
    const [was, is] = [textOf(table, old, key), textOf(table, fresh, key)];
    if (was === is) return [];
    const needs = section === "databases" && RECONNECTING.has(key) ? "reconnect" : "reload";
    return [
      {
        section,
        name: `${old.name}.${key}`,
        from: shown(key, was),
        to: shown(key, is),
        needs,
        scheduler: SCHEDULED.has(key) && section !== "peers",
      },
    ];
  });
}

/** Keys of a database whose change makes RELOAD replace its server connections. */
const RECONNECTING: ReadonlySet<string> = new Set([
  ...["dbname", "host", "port", "user", "connect_query"],
  ...["auth_dbname", "auth_query", "load_balance_hosts"],
]);

/** Keys of a database or user that `core-settings.ts` hands to the scheduler; `user` is the pool's. */
const SCHEDULED: ReadonlySet<string> = new Set([
  ...["user", "pool_mode", "pool_size", "min_pool_size", "reserve_pool_size", "server_lifetime"],
  ...["max_db_connections", "max_db_client_connections"],
  ...["max_user_connections", "max_user_client_connections"],
  ...["query_timeout", "query_wait_timeout", "transaction_timeout"],
  ...["idle_transaction_timeout", "client_idle_timeout"],
]);

function textOf(table: Settings, entry: Named, key: string): string | null {
  const row = table[key];
  const kind: Kind<unknown> | undefined = row?.kind;
  return kind?.write((entry as unknown as Record<string, unknown>)[key]) ?? null;
}

function wholeEntry(table: Settings, entry: Named): string {
  const pairs = Object.keys(table).flatMap((key) => {
    const text = textOf(table, entry, key);
    return text === null || text === "" ? [] : [`${key}=${shown(key, text)}`];
  });
  return pairs.join(" ");
}

function shown(key: string, text: string | null): string | null {
  return key === "password" && text ? "***" : text;
}
