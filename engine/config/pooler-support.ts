/**
 * What a config asks of our pooler that it cannot do: refused by name, never passed over silently.
 * The simulator takes every setting; only those that move the scheduler matter to it.
 */
import type { Named } from "./entries.ts";
import { ConfigError } from "./errors.ts";
import type { Config } from "./ini.ts";
import type { Kind } from "./kinds.ts";
import type { Setting, Settings } from "./setting.ts";
import { rowOf, type SettingName } from "./settings.ts";
import { DATABASE_KEYS, USER_KEYS } from "./settings-entries.ts";
import { tlsRefusals } from "./tls.ts";

/** One error for each setting or entry that our pooler cannot do; none: it can start. */
export function poolerRefusals(config: Config): ConfigError[] {
  return [...plainRefusals(config), ...tlsRefusals(config)];
}

/**
 * The same without those about TLS: once the pooler runs, TLS settings that are not in order leave the
 * old ones in force, whatever else RELOAD or SET changes.
 */
export function plainRefusals(config: Config): ConfigError[] {
  const databases = config.autodb ? [...config.databases, config.autodb] : config.databases;
  return [
    ...[...config.given].map(([name, at]) => refusalOf(rowOf(name), at, name, config.values[name])),
    ...databases.flatMap((entry) => entryRefusals(DATABASE_KEYS, "database", entry)),
    ...config.users.flatMap((entry) => entryRefusals(USER_KEYS, "user", entry)),
  ].filter((refusal) => refusal !== undefined);
}

/** A sentence for each setting that was written and changes nothing in our pooler. */
export function poolerNotes(config: Config): string[] {
  return [...config.given].flatMap(([name, at]) => noteOf(at, name) ?? []);
}

/** The sentence for one setting; undefined when it does change something. */
export function noteOf(at: string, name: SettingName): string | undefined {
  const { pooler } = rowOf(name);
  return pooler.is === "no effect" ? `${at}: ${name} has no effect: ${pooler.why}` : undefined;
}

/** The error when our pooler cannot do `value`, undefined when it can. */
export function refusalOf<T>(
  row: Setting<T>,
  at: string,
  name: string,
  value: T,
): ConfigError | undefined {
  if (row.pooler.is !== "refused") return undefined;
  const kind: Kind<T> = row.kind;
  const got = kind.write(value) ?? "";
  if (row.pooler.unless.test(got)) return undefined;
  return new ConfigError({ at, name, got, expected: row.pooler.allowed });
}

function entryRefusals<Entry extends Named>(table: Settings, what: string, entry: Entry) {
  return Object.entries(table).map(([key, row]) => {
    const value: unknown = entry[key as keyof Entry]; // An entry has all keys of its table.
    return refusalOf(row, entry.at, `${key} of ${what} ${entry.name}`, value);
  });
}
