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

/** A first-in, first-out queue of effects, four integers each. Grows by doubling, never shrinks. */
export class EffectQueue {
  /** Set: every effect is folded into `hash`, so that two runs can be compared. */
  hashing = false;
  /** FNV-1a over the operands of all effects so far, while `hashing`; unsigned 32 bits. */
  hash = 0x811c9dc5;
  /** Set: a server that goes from one client to the next is one effect, `pass`. The hash is the same. */
  joining = false;
  private slots = new Int32Array(64 * STRIDE);
  private at = 0;
  private next_at = 0;
  private tail = 0;

  /** Appends an effect. For the core only. */
  push(kind: number, client: number, server: number, detail: number): void {
    if (this.tail === this.slots.length) this.grow();
    const slots = this.slots;
    const at = this.tail;
    // `| 0`: else V8 converts each operand as if it were a double.
    slots[at] = kind | 0;
    slots[at | 1] = client | 0;
    slots[at | 2] = server | 0;
    slots[at | 3] = detail | 0;
    this.tail = at + STRIDE;
    if (this.hashing === true) this.fold(kind, client, server, detail);
  }

  /** The server of the last effect, an `unlink`, is granted to `client`. For the core only. */
  pass(client: number, server: number): void {
    if (this.joining === false) {
      this.push(EFFECT.grant, client, server, -1);
      return;
    }
    const slots = this.slots;
    const at = this.tail - STRIDE;
    invariant(slots[at] === EFFECT.unlink, "pass: the last effect is no unlink");
    slots[at] = EFFECT.pass;
    slots[at | 3] = client | 0;
    if (this.hashing === true) this.fold(EFFECT.grant, client, server, -1);
  }

  /** Moves to the next effect; false when there is none, and the queue is then empty. */
  next(): boolean {
    const next = this.next_at;
    if (next === this.tail) {
      this.next_at = 0;
      this.tail = 0;
      return false;
    }
    this.at = next;
    this.next_at = next + STRIDE;
    return true;
  }

  // Operands of the effect that `next` has moved to.

  get kind(): number {
    return this.slots[this.at] as number;
  }

  get client(): number {
    return this.slots[this.at | 1] as number;
  }

  get server(): number {
    return this.slots[this.at | 2] as number;
  }

  /** Reason, database, pool, target or next client, as the kind says. */
  get detail(): number {
    return this.slots[this.at | 3] as number;
  }

  /** Number of effects that wait to be drained. */
  get length(): number {
    return (this.tail - this.next_at) / STRIDE;
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
