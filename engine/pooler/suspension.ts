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
  /** All is quiet, and that has been said. */
  complete = false;
  handedOver = false;
  private since: Nanos = 0;
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
    this.complete = false;
    const { clients, servers, entrances, doors, log } = this.host;
    const cannot = ({ message }: Error): void => log.write("ERROR", message);
    if (this.handedOver) void doors.takeBack().catch(cannot);
    this.handedOver = false;
    for (const end of [...clients, ...servers, ...entrances]) end?.channel.thaw();
    return true;
  }

  /**
   * Clients first: as long as one waits, servers must go on to be set free. Who is in the middle of a message
   * is read until its end, so that nothing of one stays with us.
   */
  look(): void {
    if (!this.on || this.complete) return;
    const { host } = this;
    for (const client of host.clients) if (client?.atRest) client.channel.freeze();
    let busy = this.busy();
    if (busy.length === 0) {
      for (const server of host.servers)
        if (server?.atRest || server?.client === undefined) server?.channel.freeze();
      busy = this.answered();
    }
    const limit = host.values.suspend_timeout;
    if (busy.length > 0 && (limit === 0 || host.now - this.since < limit)) return;
    for (const guest of busy) host.core.killClient(host.now, guest.handle);
    for (const client of host.clients) client?.channel.freeze();
    for (const server of host.servers) server?.channel.freeze();
    this.complete = true;
    for (const session of host.consoles) session.completed(SUSPENDED, -1);
  }

  /** Clients in the middle of an answer: of a message of it, or with some of it not taken. */
  private answered(): { handle: number }[] {
    return this.host.clients.filter((client) => {
      const rests = client?.upstream === undefined || client.upstream.atRest;
      return client !== undefined && (!rests || client.channel.pending > 0);
    }) as { handle: number }[];
  }

  /**
   * Guests that wait or are in the middle of a message, that have not taken all of their answer, or that were
   * logging in before.
   */
  private busy(): { handle: number }[] {
    const { clients, entrances, core } = this.host;
    const loaded = clients.filter((client) => {
      if (client === undefined) return false;
      const waits = core.clientState(client.handle) !== CLIENT.active || !client.atRest;
      return waits || client.channel.pending > 0 || (client.upstream?.channel.pending ?? 0) > 0;
    });
    // Newer ones are held back as if they were still in the listen queue.
    const logins = entrances.filter((guest) => guest && guest.identity.since <= this.since);
    return [...loaded, ...logins].filter((guest) => guest !== undefined);
  }
}
