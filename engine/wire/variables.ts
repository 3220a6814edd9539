/**
 * Tracked parameters: those that a client may set for itself although servers are shared. Before a
 * client's first bytes go to a server, the server is brought to the client's values by one SET query.
 * Source: PgBouncer 1.25.2 src/varcache.c; pgbouncer-semantics.md 3.1.3.
 */

const ALWAYS = [
  "DateStyle",
  "client_encoding",
  "TimeZone",
  "standard_conforming_strings",
  "application_name",
];

/** PostgreSQL reports these ready quoted, so that quoting them again would spoil them. */
const QUOTED_ALREADY = new Set(["search_path"]);

/** The names that are tracked: PgBouncer's five, then those of track_extra_parameters. */
export class VariableNames {
  readonly names: readonly string[];
  private readonly index = new Map<string, number>();

  /** `extra`: the names in track_extra_parameters, by default IntervalStyle. */
  constructor(extra: readonly string[]) {
    const names: string[] = [];
    for (const name of [...ALWAYS, ...extra]) {
      if (this.index.has(name.toLowerCase())) continue;
      this.index.set(name.toLowerCase(), names.length);
      names.push(name);
    }
    this.names = names;
  }

  /** Place of a name, -1 when it is not tracked. Case does not matter. */
  indexOf(name: string): number {
    return this.index.get(name.toLowerCase()) ?? -1;
  }
}

/** Kinds of values that there have been. */
let kinds = 0;

/** The values of one client or one server. */
export class Variables {
  /**
   * Two of the same kind have the same values, so that few have to be compared: at every grant a client
   * meets another server, and most have what all have.
   */
  private kind = ++kinds;
  private readonly tracked: VariableNames;
  private readonly values: (string | undefined)[];

  constructor(tracked: VariableNames) {
    this.tracked = tracked;
    this.values = tracked.names.map(() => undefined);
  }

  /** Sets a value; false when the name is not tracked. */
  set(name: string, value: string): boolean {
    const index = this.tracked.indexOf(name);
    if (index < 0) return false;
    this.put(index, value);
    return true;
  }

  value(name: string): string | undefined {
    const index = this.tracked.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  /** Takes from `other` what is not set here: a client starts with the server's defaults. */
  fill(other: Variables): void {
    for (let index = 0; index < this.values.length; index++) {
      const value = other.values[index];
      if (this.values[index] === undefined && value !== undefined) this.put(index, value);
    }
  }

  /** `SET a='b';...` that makes `server` like this client; undefined when nothing differs. */
  difference(server: Variables): string | undefined {
    if (this.kind === server.kind) return undefined;
    let sql = "";
    let same = true;
    for (let index = 0; index < this.values.length; index++) {
      const wanted = this.values[index];
      const has = server.values[index];
      if (wanted === has) continue;
      same = false;
      // What one of the two has never heard of is left alone.
      if (wanted === undefined || has === undefined) continue;
      if (wanted.toLowerCase() === has.toLowerCase()) continue;
      sql += assignment(this.tracked.names[index] as string, wanted);
    }
    if (same) this.kind = server.kind = Math.min(this.kind, server.kind);
    return sql === "" ? undefined : sql;
  }

  /**
   * After the SET: takes the server's own spelling of what both have set. The server reports nothing
   * when a value only is spelt differently, and without this it would be SET again each time. Returns
   * what was spelt differently.
   */
  adopt(server: Variables): { name: string; from: string; to: string }[] {
    const changes: { name: string; from: string; to: string }[] = [];
    for (let index = 0; index < this.values.length; index++) {
      const from = this.values[index];
      const to = server.values[index];
      if (to === undefined || from === undefined || to === from) continue;
      this.put(index, to);
      changes.push({ name: this.tracked.names[index] as string, from, to });
    }
    return changes;
  }

  /** The values that are set, with the names spelt as PgBouncer spells them. */
  entries(): [name: string, value: string][] {
    const set: [string, string][] = [];
    this.tracked.names.forEach((name, index) => {
      const value = this.values[index];
      if (value !== undefined) set.push([name, value]);
    });
    return set;
  }

  private put(index: number, value: string): void {
    if (this.values[index] === value) return;
    this.values[index] = value;
    this.kind = ++kinds;
  }
}

/** A text as an SQL literal that means the same whatever standard_conforming_strings is. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

function assignment(name: string, value: string): string {
  if (!QUOTED_ALREADY.has(name.toLowerCase())) return `SET ${name}=${quoteLiteral(value)};`;
  // An empty list is reported as "", which SET would take for a schema without a name.
  return `SET ${name}=${value === '""' ? "''" : value};`;
}
