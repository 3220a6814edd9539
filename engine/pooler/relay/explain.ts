/** What a client is told when the core drops it. */
import { type Pool, REASON, REASONS, STATUS } from "../../core/index.ts";
import type { Identity } from "./identity.ts";
import type { HostRole, ServerRole } from "./roles.ts";

/** Text, SQLSTATE and whether to tell. */
export interface Explanation {
  text: string;
  sqlstate: string;
  told: boolean;
}

/** The reason's own words, with what only the pooler knows of the pool's servers put in. */
export function explain(host: HostRole, pool: Pool, reason: number): Explanation {
  const { text, sqlstate, told } = REASONS[reason] as (typeof REASONS)[number];
  if (reason === REASON.disabled)
    return { text: `database "${pool.database.settings.name}" is disabled`, sqlstate, told };
  const facts = host.factsOf(pool);
  if (reason === REASON.server_error && facts.loginError !== undefined)
    return { ...facts.loginError, told };
  if (reason !== REASON.server_login_retry) return { text, sqlstate, told };
  const cached = `server login has been failing, cached error: ${facts.failure}`;
  return { text: `${cached} (server_login_retry)`, sqlstate, told };
}

/** The same for one that is not in yet, for whom `asked` is the pool that its secret is looked up in. */
export function explainToNewcomer(
  host: HostRole,
  asked: Pool | undefined,
  reason: number,
): Explanation {
  const plain = REASONS[reason] as (typeof REASONS)[number];
  if (asked === undefined) return plain;
  if (reason === REASON.server_gone) return { ...plain, text: "bouncer config error" };
  return explain(host, asked, reason);
}

/** How much the log says of a newcomer that is sent away: as much as PgBouncer has found out by then. */
export function knownAt(reason: number): "nothing" | "pool" | undefined {
  if (reason === REASON.max_client_conn) return "nothing";
  return reason === REASON.shutting_down ? "pool" : undefined;
}

/**
 * Why a server is closed. PgBouncer tells more apart than the core has to: a socket that does not come about
 * from a login that does not end, and what a client has left behind.
 */
export function whyClosed(reason: number, { relay, pool }: ServerRole, early: boolean): string {
  if (reason === REASON.connect_timeout && early) return "connect failed";
  if (reason === REASON.cancel_given_up && early && pool.peer > 0)
    return "peer server was not necessary anymore, because client cancel connection was already closed";
  if (reason !== REASON.not_ready || relay.status !== STATUS.idle)
    return REASONS[reason]?.text ?? "";
  return relay.outstanding.length > 0
    ? "client disconnected with query in progress"
    : "client disconnect before everything was sent to the server";
}

/** How a client was lost: PgBouncer tells one that was not there to be written to from one that was read to its end. */
export const lostClient = (error: NodeJS.ErrnoException | undefined): string =>
  error?.syscall === "write" ? "unexpected eof" : "client unexpected eof";

/** The same of a server. */
export const lostServer = (error: NodeJS.ErrnoException | undefined): string =>
  error?.syscall === "write" ? "server connection closed" : "server conn crashed?";

/** What the log says of a connection that ends. */
export function noteEnd(host: HostRole, identity: Identity, why: string): void {
  if (!host.values.log_disconnections) return;
  host.log.write("LOG", `closing because: ${why} (age=${host.age(identity)}s)`, identity.label);
}

/** What the log says of a database that comes from the `*` entry. */
export const registering = (name: string): string => `registered new auto-database: ${name}`;

/** What the log says of a peer that goes. PgBouncer forgets to say which. */
export const droppingPeer = (id: string): string =>
  `dropping peer ${id} as it does not exist anymore`;

/** What the log says of a database that goes. */
export const dropping = (name: string): string =>
  `dropping database '${name}' as it does not exist anymore or inactive auto-database`;
