/** Errors of the machine, and what they are called. */
import { place } from "./identity.ts";

/** The pooler cannot do its work because of the machine it runs on; exit status 3. */
export class OutsideError extends Error {
  override name = "OutsideError";
}

/** What the C library says of an error of the system, whose words people search a log for. */
export function inWords({ code, message }: NodeJS.ErrnoException): string {
  return WORDS[code ?? ""] ?? message;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EADDRNOTAVAIL: "Cannot assign requested address",
  ECONNREFUSED: "Connection refused",
  ECONNRESET: "Connection reset by peer",
  EHOSTUNREACH: "No route to host",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENETUNREACH: "Network is unreachable",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
  ETIMEDOUT: "Connection timed out",
};

/** What Node.js says of a connection that was not made, beside the error itself. */
interface Unreached extends NodeJS.ErrnoException {
  readonly hostname?: string;
  readonly address?: string;
  readonly port?: number;
  /** Where a name has several addresses: what has become of each. */
  readonly errors?: readonly Unreached[];
}

/** Why a connection was not made, in PgBouncer's words, and what it warns of. */
export function unreached(error: Unreached | undefined): [why: string, warning?: string] {
  if (error === undefined) return ["connect failed"];
  if (error.errors !== undefined) return unreached(error.errors.at(-1));
  const { syscall = "", hostname, address, port, code } = error;
  if (syscall === "getaddrinfo" || syscall.startsWith("query"))
    return ["server DNS lookup failed", `DNS lookup failed: ${hostname}: result=${code}`];
  const where = port === undefined ? `unix:${address}` : place(address ?? "", port);
  return ["connect failed", `sbuf_connect failed to connect to ${where}: ${inWords(error)}`];
}
