/**
 * SUSPEND: nothing is read any more, buffers empty themselves, and the answer comes when they are empty.
 * After suspend_timeout those whose buffers are not empty are dropped. Deadlines stand still meanwhile.
 * Source: PgBouncer 1.25.2 src/janitor.c, per_loop_suspend(), and src/pooler.c, suspend_pooler().
 */
import { CLIENT, type Nanos } from "../core/index.ts";
import type { HostRole, SuspensionRole } from "./roles.ts";

/** Stands beside the core's effects `paused` and `reconnected` for who waits on the console. */
export const SUSPENDED = -1;

export class Suspension implements SuspensionRole {
  /** SUSPEND is in force. */
  on = false;
  private since: Nanos = 0;
  private readonly host: HostRole;

  constructor(host: HostRole) {
    this.host = host;
  }

  begin(): void {
    this.on = true;
    this.since = this.host.now;
    for (const { channel } of this.sockets()) channel.freeze();
  }

  /** Lifts it. False: it was not on. */
  end(): boolean {
    if (!this.on) return false;
    this.on = false;
    for (const { channel } of this.sockets()) channel.thaw();
    return true;
  }

  /** Looks whether all is quiet, and answers who waits for that; drops what takes too long. */
  look(): void {
    if (!this.on) return;
    const { host } = this;
    const limit = host.values.suspend_timeout;
    if (limit > 0 && host.now - this.since >= limit)
      for (const guest of this.busy()) host.core.killClient(host.now, guest.handle);
    else if (this.busy().length > 0) return;
    for (const session of host.consoles) session.completed(SUSPENDED, -1);
  }

  private *sockets() {
    const { clients, servers, entrances } = this.host;
    for (const end of [...clients, ...servers, ...entrances]) if (end !== undefined) yield end;
  }

  /** Guests that are not in yet, that wait, or that have not taken all of their answer. */
  private busy(): { handle: number }[] {
    const { clients, entrances, core } = this.host;
    const loaded = clients.filter((client) => {
      if (client === undefined) return false;
      const waits = core.clientState(client.handle) !== CLIENT.active;
      return waits || client.channel.pending > 0 || (client.upstream?.channel.pending ?? 0) > 0;
    });
    return [...loaded, ...entrances].filter((guest) => guest !== undefined);
  }
}
