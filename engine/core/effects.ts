/**
 * What the core wants done. Effects are integers in a queue, so that deciding allocates nothing.
 * A host feeds one input, then drains: `while (effects.next()) switch (effects.kind) { ... }`.
 */

import * as errors from "./errors.ts";

const invariant: typeof errors.invariant = errors.invariant;

/** Kinds of effects; the comment names the operands that are set (others are -1). */
export const EFFECT = {
  /** client: login complete, send the welcome packets. */
  welcome: 0,
  /** client, server: linked; forward what the client has sent. */
  grant: 1,
  /** client, reason: queued; hold its bytes back. */
  wait: 2,
  /** client, reason: tell it (if the reason is told) and close its socket; the handle is free now. */
  drop: 3,
  /** server, reason: connect for the pool `core.poolOf(server)`, then call `connected`. */
  open: 4,
  /**
   * server: the socket is connected, now log in, then call `loggedIn` or `loginFailed`. With a client:
   * as the replication connection that this client wants.
   */
  login: 5,
  /** server, reason: close the socket; the handle is free now. */
  close: 6,
  /** server: send server_reset_query, then call `ready`. */
  reset: 7,
  /** server: send server_check_query, then call `ready`. */
  check: 8,
  /** client, server, reason: the link between them has ended. */
  unlink: 9,
  /** client: tell it by a NOTICE that it is queued (query_wait_notify). */
  notice: 10,
  /**
   * client, server, target: send over this socket the cancel key of the server `target`, or, where it is
   * -1, the client's own key to a peer; then call `closed`.
   */
  cancel: 11,
  /** database (-1: all): the PAUSE is complete. */
  paused: 12,
  /** database (-1: all): WAIT_CLOSE is complete. */
  reconnected: 13,
  /** The last connection that a graceful shutdown waited for is gone: exit. */
  stopped: 14,
  /** client: it waits, and is to look for a server by itself when it is awake (`seek`). See `discipline.ts`. */
  rouse: 15,
  /** pool: it has been freed, for pool_idle_timeout. */
  forgotten_pool: 16,
  /** database: an automatic one has been freed, for autodb_idle_timeout. */
  forgotten_database: 17,
  /**
   * client, server, next: the link between client and server has ended and there is one to `next`: an
   * `unlink` and a `grant`, for hosts that ask for both in one (see `EffectQueue.joining`).
   */
  pass: 18,
} as const;

export type EffectKind = (typeof EFFECT)[keyof typeof EFFECT];
export const EFFECT_NAMES = Object.keys(EFFECT) as (keyof typeof EFFECT)[];

const STRIDE = 4;

/**
 * A first-in, first-out queue of effects. The first one that waits stands in the operands, ready to be read;
 * those behind it in a table of four integers each, which grows by doubling and never shrinks. For a turn
 * has one effect nearly always, and a table costs several times what a field does.
 */
export class EffectQueue {
  // Operands of the effect that `next` has moved to; valid until the core's next input.
  kind = -1;
  client = -1;
  server = -1;
  /** Reason, database, pool, target or next client, as the kind says. */
  detail = -1;

  /** Set: every effect is folded into `hash`, so that two runs can be compared. */
  hashing = false;
  /** FNV-1a over the operands of all effects so far, while `hashing`; unsigned 32 bits. */
  hash = 0x811c9dc5;
  /** Set: a server that goes from one client to the next is one effect, `pass`. The hash is the same. */
  joining = false;
  /** `next` has not moved to the operands yet. */
  private ahead = false;
  private slots = new Int32Array(64 * STRIDE);
  private head = 0;
  private tail = 0;

  /** Appends an effect. For the core only. */
  push(kind: number, client: number, server: number, detail: number): void {
    if (this.ahead === true || this.head < this.tail) this.append(kind, client, server, detail);
    else {
      this.ahead = true;
      this.kind = kind;
      this.client = client;
      this.server = server;
      this.detail = detail;
    }
    if (this.hashing === true) this.fold(kind, client, server, detail);
  }

  private append(kind: number, client: number, server: number, detail: number): void {
    if (this.tail === this.slots.length) this.grow();
    const slots = this.slots;
    const at = this.tail;
    slots[at] = kind;
    slots[at | 1] = client;
    slots[at | 2] = server;
    slots[at | 3] = detail;
    this.tail = at + STRIDE;
  }

  /** The server of the last effect, an `unlink`, is granted to `client`. For the core only. */
  pass(client: number, server: number): void {
    if (this.joining === false) {
      this.push(EFFECT.grant, client, server, -1);
      return;
    }
    if (this.head < this.tail) this.join(client);
    else {
      invariant(this.kind === EFFECT.unlink, "pass: the last effect is no unlink");
      this.kind = EFFECT.pass;
      this.detail = client;
    }
    if (this.hashing === true) this.fold(EFFECT.grant, client, server, -1);
  }

  /** The same where the last effect is in the table. */
  private join(client: number): void {
    const at = this.tail - STRIDE;
    invariant(this.slots[at] === EFFECT.unlink, "pass: the last effect is no unlink");
    this.slots[at] = EFFECT.pass;
    this.slots[at | 3] = client;
  }

  /** Moves to the next effect; false when there is none. */
  next(): boolean {
    if (this.ahead === true) {
      this.ahead = false;
      return true;
    }
    return this.head < this.tail && this.advance();
  }

  private advance(): boolean {
    const slots = this.slots;
    const at = this.head;
    this.kind = slots[at] as number;
    this.client = slots[at | 1] as number;
    this.server = slots[at | 2] as number;
    this.detail = slots[at | 3] as number;
    this.head = at + STRIDE;
    if (this.head === this.tail) {
      this.head = 0;
      this.tail = 0;
    }
    return true;
  }

  /** Number of effects that wait to be drained. */
  get length(): number {
    return (this.ahead ? 1 : 0) + (this.tail - this.head) / STRIDE;
  }

  private fold(kind: number, client: number, server: number, detail: number): void {
    let hash = this.hash;
    hash = Math.imul(hash ^ kind, 0x01000193);
    hash = Math.imul(hash ^ client, 0x01000193);
    hash = Math.imul(hash ^ server, 0x01000193);
    hash = Math.imul(hash ^ detail, 0x01000193);
    this.hash = hash >>> 0;
  }

  private grow(): void {
    const slots = new Int32Array(this.slots.length * 2);
    slots.set(this.slots);
    this.slots = slots;
  }
}
