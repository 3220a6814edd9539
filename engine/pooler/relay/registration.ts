/**
 * The limits that a newcomer meets before it has to prove who it is. Whoever names a database or a user that
 * does not exist meets them as well, or strangers could fill what is left for others.
 * Source: PgBouncer 1.25.2 src/client.c, decide_startup_pool(), set_pool().
 */
import { type Pool, REASON, REASONS } from "../../core/index.ts";
import { type Refusal, refuse, type Startup } from "../../wire/startup.ts";
import { bytesOf, sizeOf, textOf } from "../../wire/text.ts";
import { CONSOLE } from "../system/names.ts";
import { consoleLimit } from "./console-pool.ts";
import { registering } from "./explain.ts";
import type { Identity } from "./identity.ts";
import type { HostRole } from "./roles.ts";

type Who = Pick<Startup, "database" | "user">;

/** Longest name of a database, in bytes. Source: include/bouncer.h, MAX_DBNAME. */
const LONGEST = 63;

const inWords = (reason: number): Refusal => refuse((REASONS[reason] as { text: string }).text);

/** As much of a database's name as PgBouncer keeps. */
export const shortName = (database: string): string =>
  isTooLong(database) ? textOf(bytesOf(database).subarray(0, LONGEST)) : database;

const isTooLong = (database: string): boolean => sizeOf(database) > LONGEST;

/**
 * The core's number of a database; -1: there is none, which goes for all whose names are too long, even where
 * `*` stands for any other.
 */
export function placeOf({ core, log }: HostRole, identity: Identity, database: string): number {
  if (isTooLong(database)) return -1;
  const before = core.databases.length;
  const place = core.database(database);
  if (core.databases.length > before) log.write("LOG", registering(database), identity.label);
  return place;
}

/**
 * max_client_conn: sessions on the console count, but come in at any time. Whom the core knows it refuses
 * itself, so that a journal tells of it: "dropped".
 */
export function crowd(host: HostRole, handle: number, who: Who): Refusal | "dropped" | undefined {
  const { core, now, environment } = host;
  const full = core.refusalOf(-1, -1) === REASON.max_client_conn;
  if (who.database === CONSOLE || !full) return undefined;
  const entry = core.databases.find(({ settings }) => settings.name === who.database);
  const known = entry !== undefined && environment.accounts.knows(who.user);
  const counted = known && !core.startup(now, handle, entry.id, core.user(who.user));
  return counted ? "dropped" : inWords(REASON.max_client_conn);
}

/**
 * Counts a newcomer for its database and user: the pool that it is counted for, if there is one, for the
 * console is no business of the core's; or why it is out, which is "dropped" where the core says so.
 */
export function register(
  host: HostRole,
  { handle, identity }: { readonly handle: number; readonly identity: Identity },
  { database, user, replication }: Startup,
  known: boolean,
): { pool: Pool | undefined } | { out: Refusal | "dropped" } {
  const { core, now, environment } = host;
  identity.known = "nothing";
  const counts = known && database !== CONSOLE;
  const place = counts ? placeOf(host, identity, database) : -1;
  if (known) identity.known = "user";
  const full = place < 0 ? limit(host, { database, user }) : undefined;
  if (full !== undefined) return { out: full };
  if (place < 0) return { pool: undefined };
  const login = environment.loginUser(database, user);
  if (!core.startup(now, handle, place, core.user(login))) return { out: "dropped" };
  if (replication !== "no") core.replicate(now, handle);
  return { pool: core.clientPool(handle) };
}

/** The limit that keeps one out whom the core does not count. */
function limit(host: HostRole, { database, user }: Who): Refusal | undefined {
  if (database === CONSOLE) {
    const reason = host.environment.accounts.isAdmin(user) ? undefined : consoleLimit(host, user);
    return reason === undefined ? undefined : inWords(reason);
  }
  const entry = host.core.databases.find(({ settings }) => settings.name === database);
  const login = host.core.users.find(({ settings }) => settings.name === user);
  const reason = host.core.refusalOf(entry?.id ?? -1, login?.id ?? -1);
  return reason < 0 ? undefined : inWords(reason);
}
