/**
 * Stored secrets and MD5 passwords. The comparisons take the same time whatever differs.
 * Source: PostgreSQL src/common/md5_common.c; PgBouncer 1.25.2 src/scram.c, get_password_type().
 */
import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { parseSecret, verifyPlain } from "./scram.ts";
import { bytesOf } from "./text.ts";

export type SecretKind = "plain" | "md5" | "scram";

/** What a stored secret is: a password, its MD5 hash, or a SCRAM secret. */
export function secretKind(secret: string): SecretKind {
  if (/^md5[0-9a-f]{32}$/.test(secret)) return "md5";
  return parseSecret(secret) === undefined ? "plain" : "scram";
}

/** The hash that pg_authid would hold: "md5" and 32 hexadecimal digits. */
export function md5Secret(password: string, user: string): string {
  return `md5${md5(bytesOf(password + user))}`;
}

/** What a client sends for a secret made by `md5Secret`; `salt` is the server's, 4 bytes. */
export function md5Response(secret: string, salt: Buffer): string {
  return `md5${md5(Buffer.concat([bytesOf(secret.slice(3)), salt]))}`;
}

/** Does a password that came in the clear fit the stored secret? An empty secret fits nothing. */
export function passwordFits(password: string, user: string, secret: string): boolean {
  if (secret === "") return false;
  switch (secretKind(secret)) {
    case "plain":
      return sameText(password, secret);
    case "md5":
      return sameText(md5Secret(password, user), secret);
    case "scram":
      return verifyPlain(password, secret);
  }
}

/** Does the answer to an MD5 challenge fit the stored secret? */
export function md5Fits(response: string, user: string, secret: string, salt: Buffer): boolean {
  if (secret === "") return false;
  const stored = secretKind(secret) === "md5" ? secret : md5Secret(secret, user);
  return sameText(response, md5Response(stored, salt));
}

/** Compares texts of any length in a time that tells nothing about where they differ. */
function sameText(left: string, right: string): boolean {
  return timingSafeEqual(sha256(left), sha256(right));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(bytesOf(text)).digest();
}

function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}
