/** The names for which a certificate stands. Source: PgBouncer 1.25.2 lib/usual/tls/tls_verify.c. */
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
