/** The names for which a certificate stands. Source: PgBouncer 1.25.2 lib/usual/tls/tls_verify.c. */
import { BlockList, isIP } from "node:net";
import type { PeerCertificate } from "node:tls";

/**
 * The common name of a certificate, the first one if there are several, and its DNS names, as written. Names
 * that Node had to quote, because they hold a comma or the like, are left out: no user is meant by them.
 */
export function certificateNames({ subject, subjectaltname }: PeerCertificate): string[] {
  const [common] = [subject?.CN as string | string[] | undefined].flat();
  const others = (subjectaltname ?? "").includes('"') ? [] : (subjectaltname ?? "").split(", ");
  const dns = others.filter((name) => name.startsWith("DNS:")).map((name) => name.slice(4));
  return [...(common === undefined ? [] : [common]), ...dns];
}

/** Does the certificate stand for `name`? Upper case does not matter; wildcards stand for nobody. */
export function standsFor(names: readonly string[], name: string): boolean {
  const wanted = name.toLowerCase();
  return names.some((other) => other.toLowerCase() === wanted && !other.includes("*"));
}

/**
 * Does the certificate stand for a server's machine, as `host` names it? Other than for Node.js the common
 * name counts beside further names, and for addresses too: certificates of servers often have nothing else.
 */
export function standsForHost(certificate: PeerCertificate, host: string): boolean {
  const names = certificateNames(certificate);
  if (isIP(host) === 0) return names.some((name) => fits(name, host));
  const shown = (certificate.subjectaltname ?? "").split(", ");
  const addresses = shown
    .filter((name) => name.startsWith(ADDRESS))
    .map((name) => name.slice(ADDRESS.length));
  return names[0] === host || addresses.some((address) => isSame(address, host));
}

const ADDRESS = "IP Address:";

/** `*.example.com` stands for one label before the dot; `*.com` for nobody. */
function fits(name: string, host: string): boolean {
  const [shown, wanted] = [name.toLowerCase(), host.toLowerCase()];
  if (shown === wanted) return true;
  const dot = wanted.indexOf(".");
  return /^\*\.[^.]+\.[^.]/.test(shown) && dot > 0 && wanted.slice(dot) === shown.slice(1);
}

/** However they are written. */
function isSame(one: string, other: string): boolean {
  const version = isIP(one);
  if (version === 0 || version !== isIP(other)) return false;
  const list = new BlockList();
  list.addAddress(one, version === 6 ? "ipv6" : "ipv4");
  return list.check(other, version === 6 ? "ipv6" : "ipv4");
}
