/** Keys that cancel queries, and whose they are. */
import { randomBytes } from "node:crypto";
import { mark } from "../../wire/cancel-keys.ts";
import type { ClientRole, ConsoleRole } from "./roles.ts";

type Owner = ClientRole | ConsoleRole;

export class KeyRing {
  private readonly owners = new Map<string, Owner>();

  /** A key for `owner`, which tells the number of this peer; or the one that it has from another process. */
  give(owner: Owner, peer: number, has?: Buffer): Buffer {
    const key = has ?? randomBytes(8);
    if (has === undefined) {
      mark(key, peer);
      key[0] = (key[0] as number) & 0x7f; // The first half is shown as a process id.
    }
    this.owners.set(key.toString("latin1"), owner);
    return key;
  }

  forget(key: Buffer): void {
    this.owners.delete(key.toString("latin1"));
  }

  /** Handle of the client whose query `key` cancels, or why it cancels none; a console is told. */
  targetOf(key: Buffer): number | string {
    const owner = this.owners.get(key.toString("latin1"));
    if (owner === undefined) return "failed cancel request";
    if ("cancelled" in owner) {
      owner.cancelled();
      return "cancel request for console client";
    }
    // What runs is the client's parameters being set, which is not the client's to cancel.
    if (owner.upstream?.purpose !== "set") return owner.handle;
    return "ignoring cancel request for server that is setting vars";
  }
}
