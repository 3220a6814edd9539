/**
 * Cancel keys of poolers that share an address. The key of a client names the pooler that it is at, so
 * that any of them can hand a cancel request on; two bits count how often that may still be done.
 * Source: PgBouncer 1.25.2 src/proto.c welcome_client(), src/objects.c accept_cancel_request().
 */

/** The bits of the last byte that count. */
const HOPS = 3;

/** Puts the number of this process, `peer_id`, into a new key of eight bytes; 0: it has no peers. */
export function mark(key: Buffer, peer_id: number): void {
  if (peer_id === 0) return;
  key.writeUInt16LE(peer_id, 1);
  key[7] = (key[7] as number) | HOPS;
}

/** The `peer_id` in a key that was given out by a process with peers. */
export const peerOf = (key: Buffer): number => key.readUInt16LE(1);

/** Whose key is it? */
export type KeyOwner =
  /** A client's of this process, under this key. */
  | { readonly is: "ours"; readonly key: Buffer }
  /** Of that peer, to be handed on under this key. */
  | { readonly is: "peer"; readonly peer: number; readonly key: Buffer }
  /** Of a peer, but it has been handed on too often. */
  | { readonly is: "exhausted" };

/** Reads a key that a cancel request shows. Without peers all keys are ours. */
export function ownerOf(shown: Buffer, peer_id: number): KeyOwner {
  if (peer_id === 0) return { is: "ours", key: shown };
  const key = Buffer.from(shown);
  const last = key[7] as number;
  const peer = peerOf(key);
  if (peer === peer_id) {
    key[7] = last | HOPS;
    return { is: "ours", key };
  }
  if ((last & HOPS) === 0) return { is: "exhausted" };
  key[7] = last - 1;
  return { is: "peer", peer, key };
}
