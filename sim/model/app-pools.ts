/**
 * The pools inside the application: `instances` of them, each with a few connections to the pooler that
 * its users share. A user that finds none waits, first in, first out. Users and connections are records
 * of the population; here is who has whom. What they do is in `app-clients.ts`.
 */
import type { Nanos } from "../../engine/core/index.ts";
import type { AppPool } from "../../workloads/schema/workload.ts";

/** One instance of the application. */
interface Instance {
  /** Connections that nobody uses; the last one that came back goes first. */
  idle: number[];
  /** Connections that are there or being made. */
  open: number;
  /** Users that wait, in order. */
  waiting: Set<number>;
}

/** The pools of one kind of clients. */
export class AppPools {
  readonly pool: AppPool;
  readonly instances: Instance[];
  /** Connections made so far: their numbers. */
  made = 0;
  private readonly connections = new Map<number, Connection>();
  /** Connection of each user that has one. */
  private readonly served = new Map<number, number>();
  /** When each user that waits, or is served, asked. */
  private readonly asked = new Map<number, Nanos>();

  constructor(pool: AppPool) {
    this.pool = pool;
    this.instances = Array.from({ length: pool.instances }, () => ({
      idle: [],
      open: 0,
      waiting: new Set<number>(),
    }));
  }

  /** Users of an instance are every so many-th of the kind. */
  instanceOf(number: number): Instance {
    return this.instances[number % this.instances.length] as Instance;
  }

  /** Users who wait, in all instances. */
  get waiting(): number {
    return this.instances.reduce((sum, instance) => sum + instance.waiting.size, 0);
  }

  connection(client: number): Connection | undefined {
    return this.connections.get(client);
  }

  /** The connection that serves `user`; -1: none. */
  serving(user: number): number {
    return this.served.get(user) ?? -1;
  }

  /** A connection of `instance` is being made. */
  add(client: number, instance: Instance, now: Nanos): void {
    instance.open++;
    this.connections.set(client, {
      instance,
      user: -1,
      born: now,
      idleSince: -1,
      wait: 0,
      failed: false,
    });
  }

  remove(client: number): void {
    const connection = this.connections.get(client);
    if (connection === undefined) return;
    connection.instance.open--;
    this.unidle(client, connection);
    this.connections.delete(client);
  }

  /** `user` waits for a connection of its instance from now on. */
  queue(user: number, instance: Instance, now: Nanos): void {
    instance.waiting.add(user);
    this.asked.set(user, now);
  }

  /** The user that has waited longest, taken from the queue; -1: nobody waits. */
  next(instance: Instance): number {
    for (const user of instance.waiting) {
      instance.waiting.delete(user);
      return user;
    }
    return -1;
  }

  /** `user` waits no longer. */
  leave(user: number, instance: Instance): void {
    instance.waiting.delete(user);
  }

  /** An idle connection, taken from the pool; -1: none. */
  idle(instance: Instance): number {
    const client = instance.idle.pop() ?? -1;
    const connection = this.connections.get(client);
    if (connection !== undefined) connection.idleSince = -1;
    return client;
  }

  /** `client` serves `user` from now on. */
  serve(client: number, user: number, now: Nanos): void {
    const connection = this.connections.get(client) as Connection;
    connection.user = user;
    connection.failed = false;
    connection.wait = now - (this.asked.get(user) ?? now);
    this.served.set(user, client);
  }

  /** The user of `client` has been served, or has lost it. Returns the user; -1: there was none. */
  part(client: number): number {
    const connection = this.connections.get(client) as Connection;
    const { user } = connection;
    connection.user = -1;
    this.served.delete(user);
    this.asked.delete(user);
    return user;
  }

  /** `client` goes back to the pool. */
  rest(client: number, now: Nanos): void {
    const connection = this.connections.get(client) as Connection;
    connection.idleSince = now;
    connection.instance.idle.push(client);
  }

  /** Takes `client` out of the idle ones, if it is among them. */
  unidle(client: number, { instance, idleSince }: Connection): void {
    if (idleSince >= 0) instance.idle.splice(instance.idle.indexOf(client), 1);
  }
}

/** A connection of the application to the pooler. */
export interface Connection {
  instance: Instance;
  /** Whom it serves; -1: nobody. */
  user: number;
  /** When it was opened. */
  born: Nanos;
  /** Since when it is idle in the pool; -1: it is not. */
  idleSince: Nanos;
  /** How long its user waited for it. */
  wait: Nanos;
  /** What its user had asked was cancelled. */
  failed: boolean;
}
