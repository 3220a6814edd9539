/** Reading one setting of `[pgbouncer]`, wherever it is written: ini, SET or workload file. */
import { CONSOLE, type Written } from "./entries.ts";
import { ConfigError, unknownName } from "./errors.ts";
import { type Misread, readFriendly, readValue } from "./kinds.ts";
import { isSetting, rowOf, SETTING_NAMES, type SettingName } from "./settings.ts";
import { DATABASE_KEYS, USER_KEYS } from "./settings-entries.ts";

/** The setting called `key`. Throws ConfigError with the nearest name when there is none. */
export function knownSetting(at: string, key: string): SettingName {
  if (isSetting(key)) return key;
  throw unknownName(at, key, "a setting of [pgbouncer]", SETTING_NAMES, hintFor(key));
}

/** The value of `text` for the setting, as an ini has it; `tell` as for `readValue`. Throws ConfigError. */
export function readSetting(
  at: string,
  name: SettingName,
  text: string,
  tell: (number: Misread) => void,
): unknown {
  checkReserved(at, name, text);
  return readValue(rowOf(name).kind, at, name, text, tell);
}

/** The value as a workload file has it: durations may carry units. Throws ConfigError. */
export function readFriendlySetting(at: string, name: SettingName, written: Written): unknown {
  checkReserved(at, name, written);
  return readFriendly(rowOf(name).kind, at, name, written);
}

/** The console is no database to look users up in. Source: PgBouncer 1.25.2 src/util.c. */
function checkReserved(at: string, name: SettingName, written: Written): void {
  if (name !== "auth_dbname" || written !== CONSOLE) return;
  const expected = "another database";
  const fix = `cannot use the reserved "${CONSOLE}" database as an auth_dbname`;
  throw new ConfigError({ at, name, got: written, expected, fix });
}

/** Undefined, so that the nearest name is offered, unless `key` is right in another section. */
function hintFor(key: string): string | undefined {
  const global = `default_${key}`;
  if (isSetting(global)) return `did you mean "${global}"?`;
  if (Object.hasOwn(DATABASE_KEYS, key)) return "it is a key of the entries of [databases]";
  return Object.hasOwn(USER_KEYS, key) ? "it is a key of the entries of [users]" : undefined;
}
