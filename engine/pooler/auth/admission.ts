/**
 * How a client that has said who it is must prove it: by auth_type, or by the rule of auth_hba_file that
 * fits. Source: PgBouncer 1.25.2 src/client.c, finish_set_pool(), login_via_cert().
 */
import {
  CALLS_NEED,
  type HbaRule,
  type LdapMistake,
  type LdapOptions,
  type Mapping,
  matchingRule,
} from "../../config/index.ts";
import type { AuthMethod } from "../../wire/client-login.ts";
import { type Refusal, refuse } from "../../wire/startup.ts";
import { standsFor } from "../sockets/certificates.ts";
import type { Peer } from "../sockets/unix-peer.ts";
import { CONSOLE } from "../system/names.ts";
import type { Accounts } from "./accounts.ts";

/** Who wants in, and what is known of the connection. */
export interface Applicant {
  readonly user: string;
  readonly database: string;
  /** It wants a connection for physical replication, which belongs to no database. */
  readonly physical: boolean;
  /** False: there is no such user, who fails like any other. */
  readonly known: boolean;
  /** Undefined: over the Unix socket. */
  readonly address: string | undefined;
  readonly tls: boolean;
  /** Names in its verified certificate; undefined: it has shown none. */
  readonly names: readonly string[] | undefined;
  /** Who is at the other end of the Unix socket, asked when a rule wants to know. */
  readonly peer: () => Peer;
}

/** Why nobody comes in by a rule with the method `peer` where the system cannot be asked. */
export const NO_PEER = `to ask who is at the other end of a Unix socket takes ${CALLS_NEED}`;

/** The method to go on with, or why the client is turned away. */
export function admission(accounts: Accounts, applicant: Applicant): AuthMethod | Refusal {
  const { method } = accounts;
  const { database, known, user } = applicant;
  const named = known || user === CONSOLE; // Which is the name of the console's own user.
  if (database === CONSOLE && named && method !== "any" && !accounts.mayWatch(user))
    return refuse("not allowed");
  if (method === "cert") return byCertificate(applicant, undefined);
  if (method === "ldap" && accounts.ldap === undefined) return refuse(NO_OPTIONS);
  if (method !== "hba") return method;
  const rule = matchingRule(accounts.rules, applicant);
  if (rule === undefined) return refuse("no authentication method is found");
  switch (rule.method) {
    case "reject":
      return refuse("login rejected");
    case "cert":
      return byCertificate(applicant, rule.map);
    case "peer":
      return byPeer(applicant, rule.map);
    case "password":
      return "plain";
    default:
      return rule.method;
  }
}

const NO_OPTIONS = "auth_ldap_options is null";

/** The LDAP servers that know the client's password; undefined: it proves who it is in another way. */
export function ldapFor(
  accounts: Accounts,
  applicant: Applicant,
): LdapOptions | LdapMistake | undefined {
  if (accounts.method === "ldap") return accounts.ldap ?? { mistake: NO_OPTIONS };
  return accounts.method === "hba" ? matchingRule(accounts.rules, applicant)?.ldap : undefined;
}

/** The system says who it is: nothing more is asked. Source: src/client.c, login_as_unix_peer(). */
function byPeer(applicant: Applicant, map: HbaRule["map"]): AuthMethod | Refusal {
  const refused = (detail?: string): Refusal => refuse("unix socket login rejected", true, detail);
  if (applicant.address !== undefined || !applicant.known) return refused();
  const peer = applicant.peer();
  if (peer === undefined) return refused(NO_PEER);
  const { user } = applicant;
  if (map === undefined) return peer.user === user ? "trust" : refused();
  const allows = (mapping: Mapping): boolean =>
    mapping.system === peer.user && (mapping.user === null || mapping.user === user);
  return map.mappings.some(allows) ? "trust" : refused(`ident map ${map.name} cannot be matched`);
}

/** The verified certificate is the proof: nothing more is asked. */
function byCertificate(applicant: Applicant, map: HbaRule["map"]): AuthMethod | Refusal {
  const detail = objection(applicant, map);
  return detail === undefined ? "trust" : refuse("certificate authentication failed", true, detail);
}

function objection(
  { tls, names, known, user }: Applicant,
  map: HbaRule["map"],
): string | undefined {
  if (!tls) return "TLS connection required";
  if (names === undefined) return "TLS client certificate required";
  if (!known) return "there is no such user";
  if (map === undefined)
    return standsFor(names, user) ? undefined : "TLS certificate name mismatch";
  const allows = (mapping: Mapping): boolean =>
    standsFor(names, mapping.system) && (mapping.user === null || mapping.user === user);
  return map.mappings.some(allows) ? undefined : `ident map: ${map.name} does not have a match`;
}
