/** The inputs that come from the console, from signals and from a new configuration. */
import * as control from "./control.ts";
import { INPUT } from "./inputs.ts";
import { dropClient } from "./leaving.ts";
import type { Database, Pool, User } from "./pool.ts";
import { REASON } from "./reasons.ts";
import { Recorded } from "./recorded.ts";
import type { CoreSettings } from "./settings.ts";
import type { Nanos } from "./units.ts";

export class Controls extends Recorded {
  /** `by` more (or, negative, fewer) sessions of `user`: clients for the limits, and for nothing else. */
  console(now: Nanos, user: number, by: number): void {
    this.input(INPUT.console, now, user, by, 0);
    this.world.consoles += by;
    (this.world.users[user] as User).clients += by;
  }

  /** PAUSE; -1: everything. Effect `paused` when it is complete. False: already paused. */
  pause(now: Nanos, database = -1): boolean {
    this.input(INPUT.pause, now, database, 0, 0);
    return control.pause(this.world, database);
  }

  /** RESUME. False: was not paused. */
  resume(now: Nanos, database = -1): boolean {
    this.input(INPUT.resume, now, database, 0, 0);
    return control.resume(this.world, database);
  }

  /** RECONNECT. */
  reconnect(now: Nanos, database = -1): void {
    this.input(INPUT.reconnect, now, database, 0, 0);
    control.reconnect(this.world, database);
  }

  /** As RECONNECT, of one server: the name of its machine stands for others by now. */
  obsolete(now: Nanos, server: number): void {
    this.input(INPUT.obsolete, now, server, 0, 0);
    control.obsolete(this.world, server);
  }

  /** WAIT_CLOSE: effect `reconnected` for each entry that has no obsolete server any more. */
  waitClose(now: Nanos, database = -1): void {
    this.input(INPUT.waitClose, now, database, 0, 0);
    control.waitClose(this.world, database);
  }

  /** KILL: closes clients and servers and forgets the pools; the entry stays paused. */
  kill(now: Nanos, database = -1): void {
    this.input(INPUT.kill, now, database, 0, 0);
    control.kill(this.world, database);
  }

  /** KILL_CLIENT. False: no such client. */
  killClient(now: Nanos, client: number): boolean {
    this.input(INPUT.killClient, now, client, 0, 0);
    return control.killClient(this.world, client);
  }

  /** DISABLE: new clients of the entry are refused. */
  disable(now: Nanos, database: number): void {
    this.input(INPUT.disable, now, database, 0, 0);
    (this.world.databases[database] as Database).disabled = true;
  }

  /** ENABLE. */
  enable(now: Nanos, database: number): void {
    this.input(INPUT.enable, now, database, 0, 0);
    (this.world.databases[database] as Database).disabled = false;
  }

  /**
   * A graceful shutdown: new clients are refused; effect `stopped` at the first tick at which the last
   * server (wait_for_servers, which pauses and drops the waiters) or the last client is gone.
   */
  shutdown(now: Nanos, mode: "wait_for_servers" | "wait_for_clients"): void {
    this.input(INPUT.shutdown, now, mode === "wait_for_servers" ? 0 : 1, 0, 0);
    control.shutdown(this.world, mode);
  }

  /** RELOAD with new settings. */
  reload(now: Nanos, settings: CoreSettings): void {
    this.input(INPUT.reload, now, 0, 0, 0);
    this.tape?.name(INPUT.reload, JSON.stringify(settings));
    control.reload(this.world, settings);
  }

  /** SUSPEND: closes servers of `pool` that are being tested or are to be. Its clients are all at rest. */
  closeUnsafe(now: Nanos, pool: number): void {
    this.input(INPUT.closeUnsafe, now, pool, 0, 0);
    control.closeUnsafe(this.world, this.world.pools[pool] as Pool);
  }

  /** SUSPEND has lasted for suspend_timeout, and this client keeps it from being complete. */
  dropLate(now: Nanos, client: number): void {
    this.input(INPUT.dropLate, now, client, 0, 0);
    dropClient(this.world, client, REASON.suspend_timeout);
  }
}
