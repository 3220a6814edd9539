/** A configuration put together from PgBouncer's own words in a workload file or a `--set`. */
import { AUTODB, databaseEntry, type EntryText, userEntry, type Written } from "./entries.ts";
import type { Config } from "./ini.ts";
import { knownSetting, readFriendlySetting } from "./read-setting.ts";
import { DEFAULT_VALUES, type SettingName, type Values } from "./settings.ts";

/** Keys and values as a workload file has them. */
export type WrittenKeys = Readonly<Record<string, Written>>;

/** Where a workload's settings were written, and what they are laid upon. */
export interface WrittenOptions {
  /** The place of a key for errors, such as `web.yaml:12`; a path is `databases, shop, port`. */
  readonly place?: (...path: string[]) => string;
  /** The config that the settings change; left out: PgBouncer's defaults. */
  readonly base?: Config;
}

/**
 * The config that a workload file describes with PgBouncer's own names and units; a duration may
 * also carry its unit (`10 s`, `500 ms`) and a flag may be true or false. Settings replace those of
 * `base`, an entry replaces the whole entry of its name there. Throws ConfigError.
 */
export function configFrom(
  settings: WrittenKeys,
  databases: Readonly<Record<string, WrittenKeys>> = {},
  users: Readonly<Record<string, WrittenKeys>> = {},
  { place = (...path) => path.join("."), base }: WrittenOptions = {},
): Config {
  const values: Record<string, unknown> = { ...(base?.values ?? DEFAULT_VALUES) };
  const given = new Map<SettingName, string>(base?.given);
  for (const [key, written] of Object.entries(settings)) {
    const at = place("pgbouncer", key);
    const name = knownSetting(at, key);
    values[name] = readFriendlySetting(at, name, written);
    given.set(name, at);
  }
  const written = entryTexts("databases", databases, place).map(databaseEntry);
  const changed = merge(base?.databases ?? [], written);
  return {
    file: base?.file ?? "",
    values: values as Values, // Names and values came from the table.
    given,
    databases: changed.filter((entry) => entry.name !== AUTODB),
    autodb: changed.find((entry) => entry.name === AUTODB) ?? base?.autodb,
    users: merge(base?.users ?? [], entryTexts("users", users, place).map(userEntry)),
    peers: base?.peers ?? [],
    misread: base?.misread ?? [],
  };
}

function entryTexts(
  section: string,
  entries: Readonly<Record<string, WrittenKeys>>,
  place: (...path: string[]) => string,
): EntryText[] {
  return Object.entries(entries).map(([name, keys]) => ({
    at: place(section, name),
    name,
    pairs: Object.entries(keys),
    friendly: true,
    placeOf: (key) => place(section, name, key),
  }));
}

function merge<Entry extends { name: string }>(old: readonly Entry[], fresh: Entry[]): Entry[] {
  const byName = new Map(old.map((entry) => [entry.name, entry]));
  for (const entry of fresh) byName.set(entry.name, entry);
  return [...byName.values()];
}
