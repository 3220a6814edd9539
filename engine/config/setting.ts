/** The row of a settings table: everything that is known about one setting. */
import type { Kind } from "./kinds.ts";

/**
 * What our pooler makes of a setting: it obeys it; or the setting changes nothing here, for the
 * reason `why`; or it refuses all values but those matching `unless`, which `allowed` describes. One
 * that takes a system call is obeyed where calls can be made; where not, a value other than 0 is `without`.
 */
export type PoolerSupport =
  | { readonly is: "obeyed" }
  | { readonly is: "system call"; readonly without: PlainSupport }
  | PlainSupport;

/** Of a setting that is not obeyed. */
export type PlainSupport =
  | { readonly is: "no effect"; readonly why: string }
  | { readonly is: "refused"; readonly unless: RegExp; readonly allowed: string };

/** Whether the operating system's own calls can be made; asked only where a setting needs them. */
export type SystemCalls = () => boolean;

/** One setting whose value in the program is a `T`. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  /** As it would be written in a file; null where PgBouncer has none. */
  readonly default: string | null;
  /** False: a change needs a restart, SET refuses it and RELOAD keeps the old value. */
  readonly reloadable: boolean;
  /** One sentence for the documentation. */
  readonly doc: string;
  /** Where name, default and range come from, when that is not PgBouncer's doc/config.md. */
  readonly source?: string | undefined;
  readonly pooler: PoolerSupport;
}

/** What a pooler needs to make the operating system's own calls. */
export const CALLS_NEED = "Linux and the npm package koffi";

/** A table of settings by name, whatever their types. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;

/** The values that a table of settings describes, by name. */
export type ValuesOf<Table extends Settings> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer T> ? T : never;
};

/** A row, for the tables: what is left out is reloadable, obeyed, and from doc/config.md. */
export function setting<T>(
  kind: Kind<T>,
  preset: string | null,
  doc: string,
  more: Partial<Pick<Setting<T>, "reloadable" | "pooler" | "source">> = {},
): Setting<T> {
  return { kind, default: preset, reloadable: true, doc, pooler: { is: "obeyed" }, ...more };
}

/** Marks a setting that needs a restart. */
export const restart = { reloadable: false } as const;

/** Marks a setting that changes nothing in our pooler. */
export function noEffect(why: string): { pooler: PlainSupport } {
  return { pooler: { is: "no effect", why } };
}

/** Marks a setting of which our pooler takes only these values. */
export function only(...values: readonly string[]): { pooler: PlainSupport } {
  const unless = new RegExp(`^(?:${values.map(escaped).join("|")})$`, "i");
  const allowed = `${values.join(" | ")}: our pooler has no more yet`;
  return { pooler: { is: "refused", unless, allowed } };
}

/** Marks a setting that takes a system call: without it, a value other than 0 changes nothing. */
export function systemCall(): { pooler: PoolerSupport } {
  const why = `the operating system's value holds, as another takes ${CALLS_NEED}`;
  return { pooler: { is: "system call", without: { is: "no effect", why } } };
}

/** The same for one that must not be missed: without the call, a value other than 0 is refused. */
export function systemCallOrRefused(): { pooler: PoolerSupport } {
  const without: PlainSupport = {
    is: "refused",
    unless: /^0$/,
    allowed: `0: more takes ${CALLS_NEED}`,
  };
  return { pooler: { is: "system call", without } };
}

/** The value that holds when a file says nothing. */
export function presetOf<T>({ kind, default: preset }: Setting<T>): T {
  return preset === null ? kind.unset : (kind.read(preset) ?? kind.unset);
}

/** The values of a table when a file says nothing at all. */
export function presets<Table extends Settings>(table: Table): ValuesOf<Table> {
  const pairs = Object.entries(table).map(([name, row]) => [name, presetOf(row)]);
  return Object.fromEntries(pairs) as ValuesOf<Table>; // Same names, each value of its row's type.
}

function escaped(value: string): string {
  return value.replaceAll(/[^a-z0-9]/gi, "\\$&");
}
