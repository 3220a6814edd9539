/** What the login of a server teaches about the others of its pool. */
import type { Pool } from "../../core/index.ts";
import { parseOptions } from "../../wire/options.ts";
import type { PoolFacts } from "./facts.ts";
import type { ClientRole } from "./roles.ts";

/**
 * What a replication client (`patron`) has asked for on its own server says nothing of the others, and that
 * server of encodings neither if it belongs to no database. It is learnt from only where nothing else is known.
 */
export function learn(
  facts: PoolFacts,
  pool: Pool,
  parameters: readonly [string, string][],
  patron: ClientRole | undefined,
): void {
  if (patron === undefined) {
    if (!pool.welcome_known || !facts.complete) facts.learn(parameters);
    return;
  }
  if (pool.welcome_known) return;
  const given = patron.serverParameters.flatMap(([name, value]) =>
    name === "options" ? (parseOptions(value.trimEnd()) ?? []).map(([option]) => option) : [name],
  );
  if (patron.identity.replication === "physical") given.push(...ENCODINGS);
  facts.learn(parameters, given);
}

/** A server for physical replication has SQL_ASCII for both. */
const ENCODINGS = ["client_encoding", "server_encoding"];
