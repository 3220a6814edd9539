/** Cancel requests under way: which connection carries which, and who rolls back because of one. */
import type { Nanos } from "../../engine/core/index.ts";

/** In place of a model's client: a cancel request. Below: one that a peer has handed on. */
export const REQUEST = -1;

/** Whose statement a request is to cancel: the client, and what was its key. */
export interface Aim {
  client: number;
  handle: number;
  session: number;
}

/** The cancel requests of a run. */
export class Cancels {
  /** Server of each client that rolls its transaction back. */
  readonly rolling: Map<number, number> = new Map();
  /** Requests for transactions of the window; those that reached another process, and what came of them. */
  asked = 0;
  forwarded = 0;
  lost = 0;
  /** Requests on the way to the database, by the connection that carries them. */
  private readonly carried = new Map<number, { target: number; due: Nanos }>();
  /** Connections that log in nowhere, as far as is known: opened for a request, or with one on its way. */
  private readonly carriers = new Set<number>();
  /** Connections opened for a request: how long the login of each would take. */
  private readonly sockets = new Map<number, Nanos>();
  /** Requests that wait for a connection to a peer. */
  private readonly handed = new Map<number, Aim>();
  /** Connections to peers, with what they carry until it is there. */
  private readonly calls = new Map<number, Aim | undefined>();

  /** `carrier` takes a request for `target` there, until `due`. */
  carry(carrier: number, target: number, due: Nanos): void {
    this.carried.set(carrier, { target, due });
    this.carriers.add(carrier);
  }

  /** Whom the request of `carrier` strikes now; -1: it is not there any more; undefined: none is due. */
  strikes(carrier: number, now: Nanos): number | undefined {
    const { target, due } = this.carried.get(carrier) ?? {};
    if (due !== now) return undefined;
    this.carried.delete(carrier);
    return target;
  }

  /** `server` is opened for a request. */
  knock(server: number, login: Nanos): void {
    this.sockets.set(server, login);
    this.carriers.add(server);
  }

  /** How many of the pooler's connections have no backend: PostgreSQL takes no slot for a cancel request. */
  get slotless(): number {
    return this.carriers.size;
  }

  /** `server` logs in: how long that takes where it was opened for a request; 0: it was not. */
  login(server: number): Nanos {
    const length = this.sockets.get(server) ?? 0;
    this.sockets.delete(server);
    this.carriers.delete(server);
    return length;
  }

  /** `request` is to be handed on. */
  hand(request: number, aim: Aim): void {
    this.handed.set(request, aim);
  }

  /** `server` is opened to a peer. */
  call(server: number): void {
    this.calls.set(server, undefined);
  }

  /** `server` is a connection to a peer. */
  isCall(server: number): boolean {
    return this.calls.has(server);
  }

  /** `carrier` takes `request` to the peer. */
  aim(request: number, carrier: number): void {
    this.calls.set(carrier, this.handed.get(request));
    this.handed.delete(request);
  }

  /** What `carrier` brings the peer; undefined: it has brought it before. */
  arrive(carrier: number): Aim | undefined {
    const aim = this.calls.get(carrier);
    this.calls.set(carrier, undefined);
    return aim;
  }

  /** In place of a model's client: the request that `carrier` has brought; and back, -1: it is gone. */
  name(carrier: number): number {
    return REQUEST - 1 - carrier;
  }

  carrier(name: number): number {
    const carrier = REQUEST - 1 - name;
    return this.calls.has(carrier) ? carrier : -1;
  }

  /** The connection is no more. True: it was one to a peer. */
  forget(server: number): boolean {
    this.sockets.delete(server);
    this.carriers.delete(server);
    this.carried.delete(server);
    for (const one of this.carried.values()) if (one.target === server) one.target = -1;
    return this.calls.delete(server);
  }
}
