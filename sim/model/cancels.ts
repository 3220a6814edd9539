/** Cancel requests under way: which connection carries which, and who rolls back because of one. */
import type { Nanos } from "../../engine/core/index.ts";

/** In place of a model's client: a cancel request. */
export const REQUEST = -1;

export class Cancels {
  /** Server of each client that rolls its transaction back. */
  readonly rolling: Map<number, number> = new Map();
  /** Requests so far. */
  asked = 0;
  /** Requests on the way to the database, by the connection that carries them. */
  private readonly carried = new Map<number, { target: number; due: Nanos }>();
  /** Connections opened for a request: how long the login of each would take. */
  private readonly sockets = new Map<number, Nanos>();

  /** `carrier` takes a request for `target` there, until `due`. */
  carry(carrier: number, target: number, due: Nanos): void {
    this.carried.set(carrier, { target, due });
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
  }

  /** How long the login takes of a connection that was opened for a request; 0: it was not. */
  login(server: number): Nanos {
    const length = this.sockets.get(server) ?? 0;
    this.sockets.delete(server);
    return length;
  }

  /** The connection is no more. */
  forget(server: number): void {
    this.sockets.delete(server);
    this.carried.delete(server);
    for (const one of this.carried.values()) if (one.target === server) one.target = -1;
  }
}
