/**
 * SUSPEND: nothing is read any more, buffers empty themselves, and the answer comes when they are empty.
 * After suspend_timeout those whose buffers are not empty are dropped. Deadlines stand still meanwhile.
 * Source: PgBouncer 1.25.2 src/janitor.c, per_loop_suspend(), and src/pooler.c, suspend_pooler().
 */
import { CLIENT, type Nanos, type Pool, SERVER } from "../../core/index.ts";
import type { ClientRole, HostRole, Newcomer, ServerRole, SuspensionRole } from "./roles.ts";

/** Stands beside the core's effects `paused` and `reconnected` for who waits on the console. */
export const SUSPENDED = -1;

export class Suspension implements SuspensionRole {
  on = false;
  /** All is quiet, and that has been said. */
  complete = false;
  private given = false;
  private since: Nanos = 0;
  private readonly host: HostRole;

  constructor(host: HostRole) {
    this.host = host;
  }

  get handedOver(): boolean {
    return this.given;
  }

  /** From then on nothing is read any more, nor of servers that were being logged in to. */
  set handedOver(given: boolean) {
    this.given = given;
    if (given) for (const server of this.host.servers) server?.channel.freeze();
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
   * Each pool by itself, its clients first: as long as one waits, its servers must go on to be set free. Who is
   * in the middle of a message is read until its end, so that nothing of one stays with us. A query that runs
   * holds nothing up: its answer is left unread.
   */
  look(): void {
    if (!this.on || this.handedOver) return;
    const { host } = this;
    const limit = host.values.suspend_timeout;
    const late = limit > 0 && host.now - this.since >= limit;
    const busy = this.quietClients(late);
    let left = busy.size + this.quietServers(busy, late);
    for (const pool of host.core.pools)
      if (!busy.has(pool) && pool.used.length + pool.tested.length > 0)
        host.core.closeUnsafe(host.now, pool.id);
    for (const guest of this.logins()) {
      if (late) host.core.dropLate(host.now, guest.handle);
      else left++;
    }
    if (left > 0 || this.complete) return;
    this.complete = true;
    for (const session of host.consoles) session.completed(SUSPENDED, -1);
  }

  /** The pools with clients that are not at rest. Those are dropped instead when it is `late`. */
  private quietClients(late: boolean): Set<Pool> {
    const { core, clients, now } = this.host;
    const busy = new Set<Pool>();
    for (const client of clients) {
      if (client === undefined) continue;
      if (this.isQuiet(client)) client.channel.freeze();
      else if (late) core.dropLate(now, client.handle);
      else busy.add(client.pool);
    }
    return busy;
  }

  /** It does not wait, nothing of it is on its way to a server, nor, where it has none, to it. */
  private isQuiet(client: ClientRole): boolean {
    if (this.host.core.clientState(client.handle) !== CLIENT.active || !client.atRest) return false;
    return (client.upstream ?? client).channel.pending === 0;
  }

  /** How many servers of the other pools are not at rest. Their clients are dropped when it is `late`. */
  private quietServers(busy: ReadonlySet<Pool>, late: boolean): number {
    const { core, now } = this.host;
    let left = 0;
    for (const server of this.host.servers) {
      if (server === undefined) continue;
      const state = core.serverState(server.handle);
      const concerned = state === SERVER.active || state === SERVER.idle;
      if (concerned && !busy.has(server.pool) && isSilent(server)) {
        server.channel.freeze();
        continue;
      }
      server.channel.thaw(); // A waiter needs it, or one whose secret is looked up.
      if (!concerned || busy.has(server.pool)) continue;
      if (late && server.client !== undefined) core.dropLate(now, server.client.handle);
      else if (!late) left++;
    }
    return left;
  }

  /** Newer ones are held back as if they were still in the listen queue. Cancel requests are no logins. */
  private logins(): Newcomer[] {
    return this.host.entrances.filter((guest): guest is Newcomer => {
      if (guest === undefined || guest.identity.since > this.since) return false;
      const state = this.host.core.clientState(guest.handle);
      return state !== CLIENT.waiting_cancel && state !== CLIENT.active_cancel;
    });
  }
}

/** It is not in the middle of a message, and its client has taken what it said. */
function isSilent({ atRest, client }: ServerRole): boolean {
  return atRest && (client === undefined || client.channel.pending === 0);
}
