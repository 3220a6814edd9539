/**
 * A pgbouncer.ini: its lines are given their meaning with the tables of settings, and a config is
 * written back as such a file. Source: PgBouncer 1.25.2 doc/config.md, src/loader.c.
 */
import { parseConnectionString, writeConnectionString } from "./connection-string.ts";
import {
  AUTODB,
  type DatabaseEntry,
  databaseEntry,
  type EntryText,
  type Named,
  type PeerEntry,
  peerEntry,
  type UserEntry,
  userEntry,
} from "./entries.ts";
import { ConfigError, unknownName } from "./errors.ts";
import { type IniLine, iniLines, type ReadFile } from "./ini-lines.ts";
import type { Kind, Misread } from "./kinds.ts";
import { knownSetting, readSetting } from "./read-setting.ts";
import { presetOf, type Settings } from "./setting.ts";
import { DEFAULT_VALUES, rowOf, SETTING_NAMES, type SettingName, type Values } from "./settings.ts";
import { DATABASE_KEYS, PEER_KEYS, USER_KEYS } from "./settings-entries.ts";

/** A whole configuration. Never changed in place. */
export interface Config {
  readonly file: string;
  /** The settings of `[pgbouncer]`. */
  readonly values: Values;
  /** Where each setting that was written was written, `file:line`. */
  readonly given: ReadonlyMap<SettingName, string>;
  readonly databases: readonly DatabaseEntry[];
  /** The `*` entry. */
  readonly autodb: DatabaseEntry | undefined;
  readonly users: readonly UserEntry[];
  readonly peers: readonly PeerEntry[];
  /** Numbers of the file that are read otherwise than they are written. */
  readonly misread: readonly Misread[];
}

const SECTIONS = ["pgbouncer", "databases", "users", "peers"] as const;
type Section = (typeof SECTIONS)[number];

/** Reads `file` and what it includes. Throws ConfigError, whatever the text is. */
export function parseIni(file: string, readFile: ReadFile): Config {
  const draft = new Draft();
  for (const line of iniLines(file, readFile)) {
    const section = sectionOf(line);
    if (line.key !== undefined) draft.add(section, line, line.key);
    else if (section === "pgbouncer") draft.startMain();
  }
  if (draft.started) return draft.finish(file);
  throw new ConfigError({ at: file, name: "[pgbouncer]", expected: "a section of that name" });
}

/** The file that `parseIni` reads as this config; settings with their default are left out. */
export function printIni(config: Config): string {
  const databases = config.autodb ? [...config.databases, config.autodb] : config.databases;
  const sections: [Section, string[]][] = [
    ["databases", databases.map((entry) => entryLine(DATABASE_KEYS, entry))],
    ["users", config.users.map((entry) => entryLine(USER_KEYS, entry))],
    ["peers", config.peers.map((entry) => entryLine(PEER_KEYS, entry))],
    ["pgbouncer", settingLines(config)],
  ];
  const kept = sections.filter(([name, lines]) => name === "pgbouncer" || lines.length > 0);
  return `${kept.map(([name, lines]) => [`[${name}]`, ...lines].join("\n")).join("\n\n")}\n`;
}

class Draft {
  started = false;
  private values: Record<string, unknown> = { ...DEFAULT_VALUES };
  private readonly given = new Map<SettingName, string>();
  private readonly databases = new Map<string, DatabaseEntry>();
  private readonly users = new Map<string, UserEntry>();
  private readonly peers = new Map<string, PeerEntry>();
  private readonly misread: Misread[] = [];
  private readonly tell = (number: Misread): void => void this.misread.push(number);

  /** A heading: every setting that has a default goes back to it, a second heading included. */
  startMain(): void {
    this.started = true;
    for (const name of this.given.keys()) {
      if (rowOf(name).default === null) continue;
      this.values[name] = presetOf(rowOf(name));
      this.given.delete(name);
    }
  }

  add(section: Section, line: IniLine, key: string): void {
    const { at, value } = line;
    const { tell } = this;
    if (section === "pgbouncer") this.addSetting(at, key, value);
    else
      this.addEntry(section, { at, name: key, pairs: parseConnectionString(at, key, value), tell });
  }

  finish(file: string): Config {
    const { given, users, peers, misread } = this;
    const databases = new Map(this.databases);
    const autodb = databases.get(AUTODB);
    databases.delete(AUTODB);
    return {
      file,
      values: this.values as Values, // Its names are the table's and readSetting made its values.
      given,
      databases: [...databases.values()],
      autodb,
      users: [...users.values()],
      peers: [...peers.values()],
      misread,
    };
  }

  private addSetting(at: string, key: string, text: string): void {
    const name = knownSetting(at, key);
    this.values[name] = readSetting(at, name, text, this.tell);
    this.given.set(name, at);
  }

  private addEntry(section: Exclude<Section, "pgbouncer">, text: EntryText): void {
    switch (section) {
      case "databases":
        this.databases.set(text.name, databaseEntry(text));
        break;
      case "users":
        this.users.set(text.name, userEntry(text));
        break;
      case "peers":
        this.peers.set(text.name, peerEntry(text));
        break;
    }
  }
}

function sectionOf({ at, section }: IniLine): Section {
  const known = SECTIONS.find((name) => name === section);
  if (known !== undefined) return known;
  const expected = SECTIONS.map((name) => `[${name}]`);
  throw unknownName(at, `[${section}]`, expected.join(" | "), expected);
}

function settingLines({ values, file }: Config): string[] {
  return SETTING_NAMES.flatMap((name) => {
    const value: unknown = values[name];
    const text = rowOf(name).kind.write(value);
    const silent = text === null || value === DEFAULT_VALUES[name];
    return silent || (name === "conffile" && text === file) ? [] : [`${name} = ${text}`.trimEnd()];
  });
}

function entryLine<Entry extends Named>(table: Settings, entry: Entry): string {
  const pairs = Object.entries(table).flatMap(([key, row]): [string, string][] => {
    const value: unknown = entry[key as keyof Entry]; // An entry has all keys of its table.
    const kind: Kind<unknown> = row.kind;
    const text = value === presetOf(row) ? null : kind.write(value);
    return text === null || text === "" ? [] : [[key, text]];
  });
  const name = /^[\w.*-]+$/.test(entry.name) ? entry.name : `'${entry.name}'`;
  return `${name} = ${writeConnectionString(pairs)}`.trimEnd();
}
