/**
 * What a config asks of our pooler that it cannot do: refused by name, never passed over silently.
 * The simulator takes every setting; only those that move the scheduler matter to it.
 */
import type { Named } from "./entries.ts";
import { ConfigError } from "./errors.ts";
import type { Config } from "./ini.ts";
import type { Kind } from "./kinds.ts";
import type { PoolerSupport, Setting, Settings, SystemCalls } from "./setting.ts";
import { rowOf, type SettingName } from "./settings.ts";
import { DATABASE_KEYS, USER_KEYS } from "./settings-entries.ts";
import { tlsRefusals } from "./tls.ts";

/** One error for each setting or entry that our pooler cannot do; none: it can start. */
export function poolerRefusals(config: Config, calls: SystemCalls): ConfigError[] {
  return [...plainRefusals(config, calls), ...tlsRefusals(config)];
}

/**
 * The same without those about TLS: once the pooler runs, TLS settings that are not in order leave the
 * old ones in force, whatever else RELOAD or SET changes.
 */
export function plainRefusals(config: Config, calls: SystemCalls): ConfigError[] {
  const databases = config.autodb ? [...config.databases, config.autodb] : config.databases;
  return [
    ...[...config.given].map(([name, at]) =>
      refusalOf(rowOf(name), at, name, config.values[name], calls),
    ),
    ...databases.flatMap((entry) => entryRefusals(DATABASE_KEYS, "database", entry, calls)),
    ...config.users.flatMap((entry) => entryRefusals(USER_KEYS, "user", entry, calls)),
  ].filter((refusal) => refusal !== undefined);
}

/** A sentence for each setting that was written and changes nothing in our pooler. */
export function poolerNotes(config: Config, calls: SystemCalls): string[] {
  return [...config.given].flatMap(([name, at]) => noteOf(at, name, config, calls) ?? []);
}

/** The sentence for one setting; undefined when it does change something. */
export function noteOf(
  at: string,
  name: SettingName,
  config: Config,
  calls: SystemCalls,
): string | undefined {
  const support = supportOf(rowOf(name), config.values[name], calls);
  return support.is === "no effect" ? `${at}: ${name} has no effect: ${support.why}` : undefined;
}

/** The error when our pooler cannot do `value`, undefined when it can. */
export function refusalOf<T>(
  row: Setting<T>,
  at: string,
  name: string,
  value: T,
  calls: SystemCalls,
): ConfigError | undefined {
  const support = supportOf(row, value, calls);
  if (support.is !== "refused") return undefined;
  const got = written(row, value);
  if (support.unless.test(got)) return undefined;
  return new ConfigError({ at, name, got, expected: support.allowed });
}

/** What our pooler makes of a value, on the machine that it runs on. */
function supportOf<T>(row: Setting<T>, value: T, calls: SystemCalls): Support {
  const { pooler } = row;
  if (pooler.is !== "system call") return pooler;
  return written(row, value) === "0" || calls() ? { is: "obeyed" } : pooler.without;
}

type Support = Exclude<PoolerSupport, { is: "system call" }>;

function written<T>(row: Setting<T>, value: T): string {
  const kind: Kind<T> = row.kind;
  return kind.write(value) ?? "";
}

function entryRefusals<Entry extends Named>(
  table: Settings,
  what: string,
  entry: Entry,
  calls: SystemCalls,
) {
  return Object.entries(table).map(([key, row]) => {
    const value: unknown = entry[key as keyof Entry]; // An entry has all keys of its table.
    return refusalOf(row, entry.at, `${key} of ${what} ${entry.name}`, value, calls);
  });
}
