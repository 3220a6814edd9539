/**
 * The one table of all settings of `[pgbouncer]`. Parser, defaults, SHOW CONFIG, SET, the check of
 * what our pooler can do and the documentation are all driven by it. Names, defaults and ranges are
 * PgBouncer's; each setting's page is https://www.pgbouncer.org/config.html#<name>.
 */
import { presets, type Setting, type ValuesOf } from "./setting.ts";
import { ACCESS_SETTINGS } from "./settings-access.ts";
import { POOL_SETTINGS } from "./settings-pools.ts";
import { PROCESS_SETTINGS } from "./settings-process.ts";

/** Every setting of `[pgbouncer]`, by name. */
export const SETTINGS = { ...POOL_SETTINGS, ...ACCESS_SETTINGS, ...PROCESS_SETTINGS };

export type SettingName = keyof typeof SETTINGS;

/** The values of all settings. Durations are in ns, flags are booleans, NULL is null. */
export type Values = ValuesOf<typeof SETTINGS>;

/** What holds when a file says nothing. */
export const DEFAULT_VALUES: Values = presets(SETTINGS);

/** All names, in the order of SHOW CONFIG. */
export const SETTING_NAMES: readonly SettingName[] = (
  Object.keys(SETTINGS) as SettingName[]
).sort();

/** Whether `name` is a setting of `[pgbouncer]`. */
export function isSetting(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** The row of `name`, its type forgotten: for code that treats all settings alike. */
export function rowOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name];
}

/** Where name, default and meaning of the setting come from. */
export function sourceOf(name: SettingName): string {
  return rowOf(name).source ?? `https://www.pgbouncer.org/config.html#${name}`;
}
