/**
 * Statements that a client prepares under a name: a Parse at their first use on its connection, then Bind and
 * Execute. What a pooler makes of the name, and where it must repeat the Parse, is its own affair.
 */
import { Buffer } from "node:buffer";
import { serialize } from "pg-protocol";
import { ConfigError } from "../../engine/config/errors.ts";
import type { PoolMode } from "../../engine/core/settings.ts";
import type { Workload } from "../schema/workload.ts";
import type { Place, Statements } from "./statements.ts";

/** A statement with one parameter, its service; texts differ, or a pooler would take two for the same. */
export const preparedSql = (statements: Statements, name: string): string =>
  `${statements.prepared} /* ${name} */`;

/**
 * The messages for statement `name` at this place of its transaction, up to one Sync. `known`: the names that
 * the connection has prepared; it is one of them from now on.
 */
export function preparedMessage(
  statements: Statements,
  name: string,
  place: Place,
  played: number,
  known: Set<string>,
): Buffer {
  const parts: Buffer[] = [];
  if (place === "first") parts.push(...unnamed("begin"));
  if (!known.has(name)) parts.push(serialize.parse({ name, text: preparedSql(statements, name) }));
  known.add(name);
  const values = [statements.parameter(played)];
  parts.push(serialize.bind({ statement: name, values }), serialize.execute());
  if (place === "last") parts.push(...unnamed("commit"));
  return Buffer.concat([...parts, serialize.sync()]);
}

const unnamed = (text: string): Buffer[] => [
  serialize.parse({ text }),
  serialize.bind(),
  serialize.execute(),
];

/** Whether some clients of it prepare statements. */
export const prepares = ({ clients }: Workload): boolean =>
  clients.some((kind) => kind.prepared !== undefined);

/** Errors: ConfigError where the pooler does not look after prepared statements but must. */
export function checkPrepared(workload: Workload, poolMode: PoolMode): void {
  const { file, max_prepared_statements } = workload;
  if (max_prepared_statements !== 0 || poolMode === "session" || !prepares(workload)) return;
  throw new ConfigError({
    at: file,
    name: "max_prepared_statements",
    got: "0",
    expected: `a number above 0 for the prepared statements of clients in ${poolMode} mode`,
    fix: "set it to 200, which PgBouncer 1.21 and later know",
  });
}
