/** Where a cancel request goes: to a client here, or to a peer. Source: PgBouncer 1.25.2 src/objects.c. */
import { CLIENT } from "../../core/index.ts";
import { ownerOf } from "../../wire/cancel-keys.ts";
import { type Refusal, refuse } from "../../wire/startup.ts";
import type { Identity } from "./identity.ts";
import type { HostRole } from "./roles.ts";

interface Asking {
  readonly handle: number;
  readonly identity: Identity;
}

/**
 * Has the core deal with the request of a guest, which has shown this key. Returns what to tell the peer that
 * it goes to, nothing if it stays here, or why it goes nowhere.
 */
export function passOn(
  host: HostRole,
  { handle, identity }: Asking,
  shown: Buffer,
): Buffer | Refusal {
  const { core, now, values } = host;
  const owner = ownerOf(shown, values.peer_id);
  switch (owner.is) {
    case "exhausted":
      return refuse("failed to forward cancel request because its TTL was exhausted", false);
    case "peer":
      core.cancelAtPeer(now, handle, owner.peer);
      join(host, handle, identity);
      return owner.key;
    case "ours": {
      const target = host.cancelTarget(owner.key);
      if (typeof target === "string") return refuse(target, false);
      core.cancel(now, handle, target);
      join(host, handle, identity);
      return NOTHING;
    }
  }
}

/** The log names the pool in which it waits. The core may have found nothing to cancel. */
function join({ core }: HostRole, handle: number, identity: Identity): void {
  if (core.clientState(handle) !== CLIENT.free) identity.join(core.clientPool(handle));
}

const NOTHING: Buffer = Buffer.alloc(0);
