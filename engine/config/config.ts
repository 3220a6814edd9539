/** A configuration in use: loaded from a file, shown by SHOW CONFIG, changed by SET and RELOAD. */
import { ConfigError } from "./errors.ts";
import { type Config, parseIni } from "./ini.ts";
import { type ReadFile, readFromDisk } from "./ini-lines.ts";
import type { Misread } from "./kinds.ts";
import { refusalOf } from "./pooler-support.ts";
import { knownSetting, readSetting } from "./read-setting.ts";
import type { SystemCalls } from "./setting.ts";
import { rowOf, SETTING_NAMES, type SettingName, type Values } from "./settings.ts";

/** A row of SHOW CONFIG, its columns in order; null is NULL. */
export interface ConfigRow {
  readonly key: SettingName;
  readonly value: string | null;
  readonly default: string | null;
  readonly changeable: "yes" | "no";
}

/** Loads a pgbouncer.ini and what it includes. Throws ConfigError. */
export function loadConfig(path: string, readFile: ReadFile = readFromDisk): Config {
  const config = parseIni(path, readFile);
  if (config.given.has("conffile")) return config;
  return { ...config, values: { ...config.values, conffile: path } };
}

/**
 * The config after RELOAD: the file that `conffile` names, read again. Settings that need a restart
 * keep their value; so do those that have no default and are not written any more, and so does the
 * `*` entry, as in PgBouncer. Throws ConfigError and changes nothing when the file is not in order.
 */
export function reloadConfig(config: Config, readFile: ReadFile = readFromDisk): Config {
  const fresh = loadConfig(config.values.conffile ?? config.file, readFile);
  const kept = SETTING_NAMES.filter((name) => {
    const row = rowOf(name);
    return !row.reloadable || (row.default === null && !fresh.given.has(name));
  });
  const values = Object.fromEntries(kept.map((name) => [name, config.values[name]]));
  const autodb = fresh.autodb ?? config.autodb;
  return { ...fresh, autodb, values: { ...fresh.values, ...values } as Values };
}

/** The value of the setting as SHOW CONFIG prints it; null is NULL. */
export function settingValue(config: Config, name: SettingName): string | null {
  return rowOf(name).kind.show(config.values[name]);
}

/** The rows of SHOW CONFIG in alphabetical order. */
export function showConfig(config: Config): ConfigRow[] {
  return SETTING_NAMES.map((key) => ({
    key,
    value: settingValue(config, key),
    default: rowOf(key).default,
    changeable: rowOf(key).reloadable ? "yes" : "no",
  }));
}

/**
 * The config after the console's `SET key = text`; `tell` is told of a number that is read otherwise than it is
 * written. Throws ConfigError for an unknown setting, a bad value, a value that our pooler cannot do, and, other
 * than PgBouncer, which then does nothing and says nothing, for a setting that needs a restart.
 */
export function applySet(
  config: Config,
  key: string,
  text: string,
  calls: SystemCalls,
  tell: (number: Misread) => void = () => {},
): Config {
  const name = knownSetting("SET", key);
  if (!rowOf(name).reloadable) {
    const problem = "cannot be changed while running";
    throw new ConfigError({
      at: "SET",
      name,
      problem,
      expected: "a new value in the file, and a restart",
    });
  }
  const value = readSetting("SET", name, text, tell);
  const refusal = refusalOf(rowOf(name), "SET", name, value, calls);
  if (refusal !== undefined) throw refusal;
  const given = new Map(config.given).set(name, "SET");
  return { ...config, given, values: { ...config.values, [name]: value } };
}
