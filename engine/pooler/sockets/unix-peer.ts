/** Who is at the other end of a Unix socket, as far as the system can be asked. */

import { libc } from "../system/libc.ts";
import type { Channel } from "./channel.ts";

/** The system's user at the other end; undefined: the system cannot be asked. */
export type Peer = { readonly user: string | undefined } | undefined;

/** Asks the system. */
export function peerOf({ descriptor }: Channel): Peer {
  const system = libc();
  if (system === undefined) return undefined;
  const id = system.peerUser(descriptor);
  return { user: id === undefined ? undefined : system.userName(id) };
}

/** The number of the process at the other end; 0: it is not known. */
export const processOf = ({ descriptor, unix }: Channel): number =>
  unix ? (libc()?.peerProcess(descriptor) ?? 0) : 0;

/** Does the system say that it is our own user? */
export function isOurs({ descriptor }: Channel): boolean {
  const id = libc()?.peerUser(descriptor);
  return id !== undefined && id === process.getuid?.();
}
