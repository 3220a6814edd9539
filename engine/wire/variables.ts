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

/** The values of one client or one server. */
export class Variables {
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
    this.values[index] = shared(value);
    return true;
  }

  value(name: string): string | undefined {
    const index = this.tracked.indexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  /** Takes from `other` what is not set here: a client starts with the server's defaults. */
  fill(other: Variables): void {
    for (let index = 0; index < this.values.length; index++) {
      this.values[index] ??= other.values[index];
    }
  }

  /** `SET a='b';...` that makes `server` like this client; undefined when nothing differs. */
  difference(server: Variables): string | undefined {
    let sql = "";
    for (let index = 0; index < this.values.length; index++) {
      const wanted = this.values[index];
      const has = server.values[index];
      // What one of the two has never heard of is left alone.
      if (wanted === has || wanted === undefined || has === undefined) continue;
      if (wanted.toLowerCase() === has.toLowerCase()) continue;
      sql += assignment(this.tracked.names[index] as string, wanted);
    }
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
      this.values[index] = to;
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
}

/**
 * The one copy of a text that V8 keeps for names of properties. Values are compared at every grant, and
 * those of another client or server are seldom in the processor's cache, but what all of them share is.
 */
function shared(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
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
