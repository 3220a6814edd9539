/**
 * Listening on a port on which other processes listen too, among which the system deals out who comes
 * (so_reuseport). Node.js can from 22.12 on; an older one is given a socket that system calls have made.
 * Source: PgBouncer 1.25.2 src/pooler.c, add_listen().
 */
import { lookup } from "node:dns/promises";
import { isIP, type ListenOptions } from "node:net";
import { hasLibc, libc } from "../system/libc.ts";

/** Where to listen: an address, a path, or a socket that is open already. */
export type Place = ListenOptions & { fd?: number };

/** Can a port be shared here at all? */
export const canSharePort = (): boolean => nodeCan || hasLibc();

const nodeCan = sharesPorts(process.versions.node);

/** Does that version of Node.js know the option `reusePort`? */
export function sharesPorts(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/**
 * What to give to `listen`. `host`: undefined is all addresses. Errors: one with the system's name for it as
 * `code`. `mayNode`: false has system calls make the socket whatever Node.js can.
 */
export async function sharedPlace(
  host: string | undefined,
  port: number,
  backlog: number,
  mayNode = nodeCan,
): Promise<Place> {
  if (mayNode) return { host, port, backlog, reusePort: true } as Place;
  let code = "ENOSYS";
  // As Node.js does it: all addresses are those of IPv6 and IPv4, or of IPv4 where there is no IPv6.
  for (const address of host === undefined ? ["::", "0.0.0.0"] : [await addressOf(host)]) {
    const opened = libc()?.listen(address, port, backlog) ?? code;
    if (typeof opened === "number") return { fd: opened, backlog };
    code = opened;
    if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") break;
  }
  throw Object.assign(new Error(code), { code });
}

async function addressOf(host: string): Promise<string> {
  return isIP(host) === 0 ? (await lookup(host)).address : host;
}
