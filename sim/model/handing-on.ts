/**
 * A cancel request that has reached another process than its client's: with [peers] it is handed on, over a
 * connection that is opened for it and stays until the other one has dealt with it. Without, it is lost.
 * Source: PgBouncer 1.25.2 src/objects.c, accept_cancel_request_for_peer().
 */
import type { Nanos } from "../../engine/core/index.ts";
import type { Aim, Cancels } from "./cancels.ts";
import { EVENT } from "./events.ts";
import { M } from "./population.ts";
import type { Processes } from "./processes.ts";
import { isCounted } from "./retries.ts";
import type { Run } from "./run.ts";
import { own } from "./sessions.ts";

/** `request` is at a process that does not know the client. True: it is handed on. */
export function handOn(run: Run, cancels: Cancels, request: number, client: number): boolean {
  const { ints } = run.clients;
  const counts = isCounted(run, client);
  if (run.workload.pooler?.peering === undefined) {
    if (counts) cancels.lost++;
    return false;
  }
  if (counts) cancels.forwarded++;
  const handle = ints[(client << 4) + M.handle] as number;
  const session = ints[(client << 4) + M.session] as number;
  cancels.hand(request, { client, handle, session });
  run.processes?.cancelAtPeer(run.now, request, handle);
  return true;
}

/** The core opens `server` for a cancel request. False: to the database. True: to a peer, and it is planned. */
export function callPeer(run: Run, cancels: Cancels, server: number): boolean {
  if (run.core.serverPool(server).peer === 0) return false;
  cancels.call(server);
  const due = run.now + trip(run);
  run.setupDue[server] = due;
  run.at(due, EVENT.connect, server);
  return true;
}

/** EFFECT.cancel to a peer: it is there half a round trip later. */
export function carryOn(run: Run, cancels: Cancels, request: number, carrier: number): void {
  cancels.aim(request, carrier);
  after(run, cancels, carrier);
}

/** EVENT.strike of a connection to a peer: the request is there, or what became of it is known here. */
export function arriveAtPeer(run: Run, cancels: Cancels, carrier: number): void {
  const aim = cancels.arrive(carrier);
  const processes = run.processes as Processes;
  if (aim === undefined || !processes.isThere(aim.handle)) {
    run.core.closed(run.now, carrier);
    cancels.forget(carrier);
    return;
  }
  processes.join(aim.handle);
  const request = run.core.accept(run.now);
  own(run, request, cancels.name(carrier));
  run.core.cancel(run.now, request, isThere(run, aim) ? aim.handle : -1);
}

/** The key is still its client's: nobody else has its handle, nor it in another session. */
function isThere(run: Run, { client, handle, session }: Aim): boolean {
  const { ints } = run.clients;
  const [now, of] = [ints[(client << 4) + M.handle], ints[(client << 4) + M.session]];
  return now === handle && of === session && run.clientOf[handle] === client;
}

/** The peer has dealt with the request that it was handed by `name`, and closes. */
export function dealtWith(run: Run, name: number): void {
  const carrier = run.cancels?.carrier(name) ?? -1;
  if (run.cancels !== undefined && carrier >= 0) after(run, run.cancels, carrier);
}

function after(run: Run, cancels: Cancels, carrier: number): void {
  const due = run.now + Math.ceil(trip(run) / 2);
  cancels.carry(carrier, -1, due);
  run.at(due, EVENT.strike, carrier);
}

const trip = (run: Run): Nanos => run.workload.pooler?.peering ?? 0;
