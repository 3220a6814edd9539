/**
 * What server connections keep of the clients that they have served, in transaction and statement mode:
 * named prepared statements, which the pooler parses on a server at their first use there, and parameters
 * such as TimeZone, which it sets to the client's own when a server comes from another one.
 */
import type { Nanos } from "../../engine/core/index.ts";
import type { KindDraws } from "../../workloads/schema/draws.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";

/** A server's parameters as the database gives them. */
const DEFAULTS = 0;

/** What each server connection has, by the core's handle. */
export class Backends {
  /** Statements of each server, the least recently used first. */
  private readonly statements: Set<number>[] = [];
  private readonly parameters: number[] = [];
  private readonly most: number;
  /** Numbers of the sets of parameters that there are. */
  private readonly sets = new Map<string, number>();

  /** `most`: max_prepared_statements; 0: without limit, as the clients prepare them by themselves. */
  constructor(most: number) {
    this.most = most > 0 ? most : Number.POSITIVE_INFINITY;
  }

  /** The number of a set of parameters; undefined stands for the database's own. */
  numberOf(parameters: string | undefined): number {
    if (parameters === undefined) return DEFAULTS;
    const known = this.sets.get(parameters);
    if (known !== undefined) return known;
    const number = this.sets.size + 1;
    this.sets.set(parameters, number);
    return number;
  }

  /** True: the server does not have the statement yet, and must parse it. */
  prepare(server: number, statement: number): boolean {
    let known = this.statements[server];
    if (known === undefined) {
      known = new Set();
      this.statements[server] = known;
    }
    const missing = !known.delete(statement);
    known.add(statement);
    if (known.size > this.most) known.delete(known.values().next().value as number);
    return missing;
  }

  /** True: the server has other parameters, and must be told. */
  adopt(server: number, parameters: number): boolean {
    if ((this.parameters[server] ?? DEFAULTS) === parameters) return false;
    this.parameters[server] = parameters;
    return true;
  }

  /** The server is closed, or is reset with DISCARD ALL. */
  forget(server: number): void {
    this.statements[server]?.clear();
    this.parameters[server] = DEFAULTS;
  }
}

/** A kind's own part in it. */
export interface Preparation {
  /** Numbers its statements beside those of other kinds. */
  first: number;
  parse: Nanos;
  /** Which of them; undefined: it prepares none. */
  which: KindDraws["prepared"];
  parameters: number;
}

/** Some kind prepares statements or sets parameters; undefined: none does. */
export function backendsOf(workload: Workload): Backends | undefined {
  const some = workload.clients.some((kind) => (kind.prepared ?? kind.parameters) !== undefined);
  return some ? new Backends(workload.max_prepared_statements ?? 0) : undefined;
}

/** The part of the kind that is number `index` of the workload. */
export function preparationOf(
  kind: ClientKind,
  index: number,
  backends: Backends | undefined,
  draws: KindDraws,
): Preparation | undefined {
  if (backends === undefined) return undefined;
  return {
    first: index * 2 ** 32,
    parse: kind.prepared?.parse ?? 0,
    which: draws.prepared,
    parameters: backends.numberOf(kind.parameters),
  };
}
