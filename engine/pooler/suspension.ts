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
  on = false;
  private since: Nanos = 0;
  /** All is quiet, and that has been said. */
  private complete = false;
  private readonly host: HostRole;

  constructor(host: HostRole) {
    this.host = host;
  }

  begin(): void {
    this.on = true;
    this.complete = false;
    this.since = this.host.now;
  }

  end(): boolean {
    if (!this.on) return false;
    this.on = false;
    const { clients, servers, entrances } = this.host;
    for (const end of [...clients, ...servers, ...entrances]) end?.channel.thaw();
    return true;
  }

  /** Clients first: as long as one waits, servers must go on to be set free. */
  look(): void {
    if (!this.on || this.complete) return;
    const { host } = this;
    for (const client of host.clients) client?.channel.freeze();
    const busy = this.busy();
    const limit = host.values.suspend_timeout;
    if (busy.length > 0 && (limit === 0 || host.now - this.since < limit)) return;
    for (const guest of busy) host.core.killClient(host.now, guest.handle);
    for (const server of host.servers) server?.channel.freeze();
    this.complete = true;
    for (const session of host.consoles) session.completed(SUSPENDED, -1);
  }

  /** Guests that wait, that have not taken all of their answer, or that were logging in before. */
  private busy(): { handle: number }[] {
    const { clients, entrances, core } = this.host;
    const loaded = clients.filter((client) => {
      if (client === undefined) return false;
      const waits = core.clientState(client.handle) !== CLIENT.active;
      return waits || client.channel.pending > 0 || (client.upstream?.channel.pending ?? 0) > 0;
    });
    // Newer ones are held back as if they were still in the listen queue.
    const logins = entrances.filter((guest) => guest && guest.identity.since <= this.since);
    return [...loaded, ...logins].filter((guest) => guest !== undefined);
  }
}
