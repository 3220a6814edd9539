/** Where a cancel request goes: to a client here, or to a peer. Source: PgBouncer 1.25.2 src/objects.c. */
import { ownerOf } from "../wire/cancel-keys.ts";
import { type Refusal, refuse } from "../wire/startup.ts";
import type { HostRole } from "./roles.ts";

/**
 * Has the core deal with the request of the guest `handle`, which has shown this key. Returns what to tell
 * the peer that it goes to, nothing if it stays here, or why it goes nowhere.
 */
export function passOn(host: HostRole, handle: number, shown: Buffer): Buffer | Refusal {
  const { core, now, values } = host;
  const owner = ownerOf(shown, values.peer_id);
  switch (owner.is) {
    case "exhausted":
      return refuse("failed to forward cancel request because its TTL was exhausted", false);
    case "peer":
      core.cancelAtPeer(now, handle, owner.peer);
      return owner.key;
    case "ours": {
      const target = host.cancelTarget(owner.key);
      if (typeof target === "string") return refuse(target, false);
      core.cancel(now, handle, target);
      return NOTHING;
    }
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
