/**
 * A host's book of who is where, for the properties: every effect is checked against it. An effect that
 * names somebody who is not there, serves a younger waiter first or opens a handle in use throws.
 */
import {
  Core,
  type CoreSettings,
  EFFECT,
  EFFECT_NAMES,
  type Nanos,
} from "../../engine/core/index.ts";

export type Phase = "new" | "idle" | "waiting" | "linked" | "cancel";

export class Book {
  readonly core: Core;
  now: Nanos = 0;
  readonly clients = new Map<number, Phase>();
  /** Waiting clients that have gone; nobody notices until their turn. */
  readonly gone = new Set<number>();
  readonly servers = new Map<number, "connecting" | "logging in" | "in">();
  /** Faults have stopped: from now on no waiting client may be dropped. */
  calm = false;
  /** Those of them that want replication connections. */
  readonly replicating = new Set<number>();
  /** Waiters in the order in which they were queued, by pool and by what they wait for. */
  private readonly queues = new Map<string, number[]>();
  private again = false;

  constructor(settings: CoreSettings) {
    this.core = new Core(settings, 0);
  }

  /** Ends the turn: settles and drains until nothing comes back. */
  turn(): void {
    this.drain();
    do {
      this.again = false;
      this.core.settle(this.now);
      this.drain();
    } while (this.again);
  }

  drain(): void {
    const { effects } = this.core;
    while (effects.next()) {
      const { kind, client, server, detail } = effects;
      this.checkHandles(kind, client, server);
      if (kind !== EFFECT.login && client >= 0) this.actOnClient(kind, client);
      else if (server >= 0) this.actOnServer(kind, server);
      if (kind === EFFECT.cancel) {
        this.servers.set(server, "in");
        this.check(this.servers.has(detail), "a cancel for a server that is not there");
      }
    }
  }

  check(condition: boolean, text: string): void {
    if (!condition) throw new Error(`${text}\n${this.describe()}`);
  }

  waiting(): number {
    return this.core.pools.reduce((sum, pool) => sum + pool.waiting.length, 0);
  }

  describe(): string {
    const pools = this.core.pools.map(
      (pool) =>
        `${pool.database.settings.name}/${pool.user.settings.name} (${pool.mode}, ${pool.size}): ` +
        `waiting ${pool.waiting.length}, idle ${pool.idle.length}, used ${pool.used.length}, ` +
        `tested ${pool.tested.length}, active ${pool.active}, login ${pool.login}, ` +
        `held back ${pool.being_canceled}, welcome ${pool.welcome_known}`,
    );
    return [`at ${this.now} ns`, ...pools].join("\n");
  }

  // --- effects -----------------------------------------------------------------------------------------

  private checkHandles(kind: number, client: number, server: number): void {
    if (kind === EFFECT.unlink) return; // It may follow the end of its client.
    const what = EFFECT_NAMES[kind];
    if (client >= 0) this.check(this.clients.has(client), `${what} ${client}: no such client`);
    if (kind === EFFECT.open) this.check(!this.servers.has(server), `open ${server}: in use`);
    else if (server >= 0) this.check(this.servers.has(server), `${what} ${server}: no such server`);
  }

  private actOnServer(kind: number, server: number): void {
    if (kind === EFFECT.open) this.servers.set(server, "connecting");
    else if (kind === EFFECT.login) this.servers.set(server, "logging in");
    else if (kind === EFFECT.close) this.servers.delete(server);
  }

  private actOnClient(kind: number, client: number): void {
    const phase = this.clients.get(client);
    switch (kind) {
      case EFFECT.welcome:
        this.check(phase === "new", "a welcome for one who is in already");
        this.clients.set(client, "idle");
        return;
      case EFFECT.wait:
        if (phase !== "new") this.enqueue(client);
        return;
      case EFFECT.unlink:
        if (phase === "linked") this.clients.set(client, "idle");
        return;
      case EFFECT.grant:
        this.grant(client, phase);
        return;
      case EFFECT.drop:
        this.check(
          !this.calm || phase !== "waiting",
          `waiter ${client} was dropped without a fault`,
        );
        this.forget(client);
    }
  }

  private grant(client: number, phase: Phase | undefined): void {
    this.check(phase === "idle" || phase === "waiting", `a grant for one who is ${phase}`);
    if (phase === "waiting") {
      const first = this.queueOf(client)[0];
      this.check(first === client, `client ${client} is served before ${first}, who came earlier`);
    }
    this.unqueue(client);
    this.clients.set(client, "linked");
    if (!this.gone.has(client)) return;
    this.forget(client);
    this.core.abandon(this.now, client);
    this.again = true;
  }

  /** The client is not there any more. */
  forget(client: number): void {
    this.unqueue(client);
    this.clients.delete(client);
    this.gone.delete(client);
    this.replicating.delete(client);
  }

  private enqueue(client: number): void {
    this.unqueue(client);
    this.clients.set(client, "waiting");
    this.queueOf(client).push(client);
  }

  private queueOf(client: number): number[] {
    const key = `${this.core.clientPool(client).id} ${this.replicating.has(client)}`;
    const queue = this.queues.get(key) ?? [];
    this.queues.set(key, queue);
    return queue;
  }

  private unqueue(client: number): void {
    for (const queue of this.queues.values()) {
      const at = queue.indexOf(client);
      if (at >= 0) queue.splice(at, 1);
    }
  }
}
