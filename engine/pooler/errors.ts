/** Errors of the machine, and what they are called. */

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
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  ENAMETOOLONG: "File name too long",
  ENOENT: "No such file or directory",
  ENOTDIR: "Not a directory",
};

/** Why a connection was not made, in PgBouncer's words, and more of it. */
export function unreached(error: NodeJS.ErrnoException | undefined): [string, string | undefined] {
  const unknown = error?.syscall === "getaddrinfo" || error?.syscall?.startsWith("query") === true;
  return unknown
    ? ["server DNS lookup failed", `DNS lookup failed: ${error?.message}`]
    : ["connect failed", error?.message];
}
