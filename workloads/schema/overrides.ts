/** `--set KEY=VALUE` and its short forms: changes to a workload before it is checked. */
import { parse } from "yaml";
import { ConfigError, didYouMean, SETTING_NAMES } from "../../engine/config/index.ts";

/** Changes to a workload, from the command line. Units as in the file. */
export interface Overrides {
  /** A pgbouncer.ini, as typed, in place of every setting of the pooler that the file has. */
  ini?: string | undefined;
  /** `clients.browsing.count=10`, `run.seed=3`, `default_pool_size=5`. */
  set?: readonly string[] | undefined;
  /** What was typed instead of `--set`, for those of `set` that another option stands for. */
  typed?: Readonly<Record<string, string>> | undefined;
  poolMode?: string | undefined;
  poolSize?: number | undefined;
  seed?: number | undefined;
  duration?: string | undefined;
  precision?: string | undefined;
}

type Tree = Record<string, unknown>;

/** Sections of a file that a dotted key may begin with. */
const SECTIONS = [
  "name",
  "description",
  "pgbouncer",
  "databases",
  "users",
  "clients",
  "server",
  "pooler",
  "network",
  "schedule",
  "slo",
  "run",
];

/** What of a file is about the pooler's settings, which `ini` is instead. */
const POOLER = ["ini", "pgbouncer", "databases", "users"];

/**
 * Applies the changes to the value of a file, and tells which top-level paths were set, so that errors
 * can name the option instead of a line. Errors: ConfigError.
 */
export function applyOverrides(value: Tree, overrides: Overrides): Map<string, string> {
  const places = new Map<string, string>();
  if (overrides.ini !== undefined) for (const key of POOLER) delete value[key];
  const set = (path: string[], to: unknown, place: string): void => {
    for (const made of put(value, path, to, place)) places.set(made, place);
  };
  for (const assignment of overrides.set ?? []) {
    const place = overrides.typed?.[assignment] ?? `--set ${assignment}`;
    const [, key = "", text = ""] = /^([^=]+)=(.*)$/s.exec(assignment) ?? [];
    if (key === "")
      throw new ConfigError({
        at: "--set",
        name: "assignment",
        got: assignment,
        expected: "KEY=VALUE",
      });
    set(pathOf(key.trim(), place), yamlOf(text.trim(), place), place);
  }
  const { poolMode, poolSize, seed, duration, precision } = overrides;
  if (poolMode !== undefined) everywhere(value, "pool_mode", poolMode, set);
  if (poolSize !== undefined) {
    set(["pgbouncer", "default_pool_size"], poolSize, "--pool-size");
    for (const entry of entriesOf(value)) delete entry.pool_size;
  }
  if (seed !== undefined) set(["run", "seed"], seed, "--seed");
  if (duration !== undefined) set(["run", "duration"], duration, "--duration");
  if (precision !== undefined) set(["run", "precision"], precision, "--precision");
  return places;
}

/** The value as YAML, which is what a file says it in. */
function yamlOf(text: string, place: string): unknown {
  try {
    return parse(text, { logLevel: "error" }) ?? text;
  } catch (error) {
    const reason = (error as Error).message.split("\n")[0]?.replace(/ at line .*/, "");
    const problem = `is no valid YAML: ${reason}`;
    const expected = "a value as in a workload file, such as { exponential: 5 ms }";
    throw new ConfigError({ at: place, name: "the value", problem, expected });
  }
}

/** `--pool-mode` is for the whole workload: a database's or user's own mode gives way. */
function everywhere(
  value: Tree,
  name: string,
  to: unknown,
  set: (path: string[], to: unknown, place: string) => void,
): void {
  set(["pgbouncer", name], to, "--pool-mode");
  for (const entry of entriesOf(value)) delete entry[name];
}

function entriesOf(value: Tree): Tree[] {
  return [value.databases, value.users].flatMap((entries) =>
    Object.values(entries ?? {}).filter(
      (entry): entry is Tree => typeof entry === "object" && entry !== null,
    ),
  );
}

/** A bare name is a setting of PgBouncer, or a whole section. */
function pathOf(key: string, place: string): string[] {
  const path = key.split(".");
  // What an object inherits is no key of a file.
  if (path.includes("__proto__")) throw unknown(place, "__proto__", []);
  if (SECTIONS.includes(path[0] ?? "")) return path;
  if (path.length > 1) throw unknown(place, path[0] ?? "", SECTIONS);
  if ((SETTING_NAMES as readonly string[]).includes(key)) return ["pgbouncer", key];
  throw unknown(place, key, SETTING_NAMES);
}

function unknown(at: string, name: string, names: readonly string[]): ConfigError {
  const expected =
    "a setting of PgBouncer or a path such as clients.NAME.count, run.seed, server.connect_time";
  return new ConfigError({
    at,
    name,
    problem: "is unknown",
    expected,
    fix: didYouMean(name, names),
  });
}

/**
 * Puts a value at a path; an element of a list is found by its `name` or its index. Returns the dotted paths,
 * with indices only, of what it made: of the value, and of what was missing around it.
 */
function put(root: Tree, path: readonly string[], to: unknown, place: string): string[] {
  const made: string[] = [];
  const passed: PropertyKey[] = [];
  let at: Tree | unknown[] = root;
  for (const [i, part] of path.entries()) {
    const key: string | number = Array.isArray(at) ? indexOf(at, part, place) : part;
    const holder = at as Tree;
    const last = i === path.length - 1;
    passed.push(key);
    if (last || typeof holder[key] !== "object" || holder[key] === null) {
      holder[key] = last ? to : {};
      made.push(passed.join("."));
    }
    at = holder[key] as Tree;
  }
  return made;
}

function indexOf(list: unknown[], part: string, place: string): number {
  const names = list.map((item) => String((item as Tree | null)?.name));
  const index = /^\d+$/.test(part) ? Number(part) : names.indexOf(part);
  if (index >= 0 && index < list.length) return index;
  throw new ConfigError({
    at: place,
    name: part,
    problem: "is unknown",
    expected: `one of ${names.join(" | ")}`,
    fix: didYouMean(part, names),
  });
}
