/** Why a connection to a server was not made. */
import { inWords } from "../system/errors.ts";
import { place } from "./identity.ts";

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
