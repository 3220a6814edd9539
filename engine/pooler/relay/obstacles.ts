/** What stands in the way of a login whatever the password, and where the secret is looked up. */
import type { Core } from "../../core/index.ts";
import { type Refusal, refuse, type Startup } from "../../wire/startup.ts";
import { sizeOf } from "../../wire/text.ts";
import type { Channel } from "../sockets/channel.ts";
import { isOurs } from "../sockets/unix-peer.ts";
import { CONSOLE } from "../system/names.ts";
import type { Lookup } from "./environment.ts";
import type { Identity } from "./identity.ts";
import { placeOf } from "./registration.ts";
import type { HostRole } from "./roles.ts";

/** Longest name of a user, in bytes. Source: include/bouncer.h, MAX_USERNAME. */
const LONGEST = 127;
export const TOO_LONG = "username too long";

/**
 * What stands in the way whatever the password. `owner`: it is our own user, on the console; `ldap`: its
 * password is known to LDAP servers.
 */
export function obstacle(
  host: HostRole,
  { database, user }: Pick<Startup, "database" | "user">,
  owner: boolean,
  ldap: boolean,
): Refusal | undefined {
  const { accounts } = host.environment;
  if (owner) return undefined;
  if (sizeOf(user) > LONGEST) return refuse(TOO_LONG);
  if (database === CONSOLE) return undefined;
  const entry = host.environment.entryOf(database);
  const wrong = (why: string): Refusal => refuse("bouncer config error", true, why);
  if (ldap && entry?.auth_user)
    return wrong("LDAP can't be used together with database authentication");
  const forced = entry?.user !== null && entry?.user !== undefined;
  if (accounts.method !== "any" || forced) return undefined;
  return wrong("auth_type=any requires forced user");
}

/**
 * Our own user may do everything over the Unix socket, as user `pgbouncer`: whoever can reach a socket that
 * only we can reach, and whomever the system names.
 */
export function isOwner(
  host: HostRole,
  channel: Channel,
  { database, user }: { database: string; user: string },
): boolean {
  if (database !== CONSOLE || user !== CONSOLE || !channel.unix) return false;
  return (!host.doors.passed && host.environment.socketIsPrivate) || isOurs(channel);
}

/** Where to look a user up; undefined: nowhere. In a database that does not exist nobody is. */
export function lookupIn(host: HostRole, identity: Identity, database: string): Lookup | undefined {
  if (database !== CONSOLE && placeOf(host, identity, database) < 0) return undefined;
  return host.environment.lookupFor(database);
}

/** Why secrets cannot be looked up in `database`, which the core knows as `place`. */
export function unusable(database: string, core: Core, place: number): Refusal | undefined {
  const problem = "bouncer config error";
  if (database === CONSOLE)
    return refuse(problem, true, `cannot use the reserved "${CONSOLE}" database as an auth_dbname`);
  if (place < 0)
    return refuse(problem, true, `authentication database "${database}" is not configured.`);
  const disabled = core.databases.find(({ id }) => id === place)?.disabled === true;
  return disabled ? refuse(`authentication database "${database}" is disabled`) : undefined;
}
