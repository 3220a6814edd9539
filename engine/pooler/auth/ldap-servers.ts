/**
 * Where LDAP servers are and which of their certificates are trusted. As with libldap, trust is a matter of
 * the system's ldap.conf, of the file that LDAPCONF names, and of LDAPTLS_REQCERT and LDAPTLS_CACERT.
 * Source: PgBouncer 1.25.2 src/ldapauth.c, InitializeLDAPConnection(); ldap.conf(5).
 */
import { promises as dns } from "node:dns";
import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import type { LdapOptions } from "../../config/index.ts";

/** One server to ask. */
export interface LdapServer {
  readonly url: string;
  readonly host: string;
}

/** Looks up service records; Node's own, but for tests. */
export type LookUpServices = (
  name: string,
) => Promise<readonly { name: string; port: number; priority: number; weight: number }[]>;

/** The servers in the order to try them. Errors: Error with PgBouncer's words. */
export async function ldapServers(
  options: LdapOptions,
  lookUp: LookUpServices = (name) => dns.resolveSrv(name),
): Promise<LdapServer[]> {
  const { scheme, hosts, port } = options;
  const at = (host: string, where: number): LdapServer => ({
    url: `${scheme}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${where}`,
    host: host.replace(/^\[(.*)\]$/, "$1"),
  });
  const named = hosts.split(" ").filter((host) => host !== "");
  if (named.length > 0) return named.map((host) => at(host, port));
  const domain = domainOf(options.mode === "search" ? options.base : "");
  if (domain === "") throw new Error("could not extract domain name from ldapbasedn");
  const records = await lookUp(`_ldap._tcp.${domain}`).catch(() => []);
  if (records.length === 0)
    throw new Error(`LDAP authentication could not find DNS SRV records for "${domain}"`);
  return [...records]
    .sort((a, b) => a.priority - b.priority || b.weight - a.weight)
    .map((record) => at(record.name, record.port));
}

/** ou=people,dc=acme,dc=org is in acme.org. */
function domainOf(base: string): string {
  const parts = base.split(/(?<!\\),/).map((part) => /^\s*dc\s*=\s*(.*?)\s*$/i.exec(part)?.[1]);
  return parts.slice(parts.lastIndexOf(undefined) + 1).join(".");
}

const FILES = ["/etc/ldap/ldap.conf", "/etc/openldap/ldap.conf"];

/** How to check the certificate of a server. Errors: those of reading the file of authorities. */
export function ldapTrust(
  host: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): ConnectionOptions {
  const found = new Map<string, string>();
  for (const file of [...FILES, env.LDAPCONF ?? ""])
    for (const [, name = "", value = ""] of read(file).matchAll(/^(\w+)[ \t]+(.*\S)/gm))
      found.set(name.toUpperCase(), value);
  const check = (env.LDAPTLS_REQCERT ?? found.get("TLS_REQCERT") ?? "demand").toLowerCase();
  const authorities = env.LDAPTLS_CACERT ?? found.get("TLS_CACERT");
  const rejectUnauthorized = check !== "never" && check !== "allow";
  if (!rejectUnauthorized || authorities === undefined) return { host, rejectUnauthorized };
  return { host, rejectUnauthorized, ca: readFileSync(authorities) };
}

function read(file: string): string {
  try {
    return file === "" ? "" : readFileSync(file, "utf8");
  } catch {
    return ""; // Most systems have one of them at most.
  }
}
