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
