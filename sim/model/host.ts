/** The host of the core: ends its turns and makes events of what it decides, as the pooler makes I/O. */

import * as core from "../../engine/core/index.ts";
import { droppedConnection, ready } from "./app-clients.ts";
import type { AppPools } from "./app-pools.ts";
import { carry } from "./cancel-requests.ts";
import type { Cancels } from "./cancels.ts";
import { EVENT } from "./events.ts";
import { dealtWith } from "./handing-on.ts";
import { heard } from "./knocking.ts";
import { droppedImpatient, resume } from "./patience.ts";
import { stopped } from "./restarting.ts";
import type { Rousing } from "./rousing.ts";
import { kindOf, type Run } from "./run.ts";
import { closed, opening, testing } from "./servers.ts";
import { dropped, welcome } from "./sessions.ts";
import * as transactions from "./transactions.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EFFECT, REASON } = core;
const { granted, handed, queued } = transactions;

/** Ends the core's turn and carries out what it decided. */
export function turn(run: Run): void {
  if (run.now >= run.core.calm_until) while (run.core.settle(run.now)) drain(run);
  drain(run);
}

function drain(run: Run): void {
  const effects = run.core.effects;
  while (effects.next()) {
    switch (effects.kind) {
      case EFFECT.pass:
        handed(run, run.clientOf[effects.detail] as number, effects.server);
        break;
      case EFFECT.grant:
        granted(run, run.clientOf[effects.client] as number, effects.server);
        break;
      case EFFECT.unlink:
        run.active.down(run.now);
        break;
      case EFFECT.wait:
        queued(run, run.clientOf[effects.client] as number);
        break;
      default:
        rare(run, effects.kind, effects.client, effects.server, effects.detail);
    }
  }
}

function rare(run: Run, kind: number, client: number, server: number, detail: number): void {
  switch (kind) {
    case EFFECT.welcome:
      welcomed(run, run.clientOf[client] as number);
      break;
    case EFFECT.drop:
      lost(run, run.clientOf[client] as number, detail);
      break;
    case EFFECT.open:
      opening(run, server, detail);
      break;
    case EFFECT.close:
      closed(run, server);
      break;
    case EFFECT.reset:
      run.backends?.forget(server);
      testing(run, server);
      break;
    case EFFECT.check:
      testing(run, server);
      break;
    case EFFECT.cancel:
      carry(run, run.cancels as Cancels, client, server, detail);
      break;
    case EFFECT.rouse:
      run.at((run.rousing as Rousing).rouse(client, run.now), EVENT.seek, client);
      break;
    case EFFECT.stopped:
      stopped(run);
  }
}

function welcomed(run: Run, client: number): void {
  heard(run, client);
  if (run.plain) welcome(run, client);
  else if (appOf(run, client) !== undefined) ready(run, client);
  else if (!resume(run, client)) welcome(run, client);
}

function lost(run: Run, client: number, reason: number): void {
  if (client < 0) {
    dealtWith(run, client); // A cancel request: nobody waits for it but a peer.
    return;
  }
  heard(run, client);
  run.cancels?.rolling.delete(client);
  if (run.plain) dropped(run, client, reason);
  else if (appOf(run, client) !== undefined)
    droppedConnection(run, kindOf(run, client), client, reason);
  else if (!droppedImpatient(run, client, reason)) dropped(run, client, reason);
}

/** EVENT.refused: nobody has answered a client that wanted to connect. False: the core knows nothing of it. */
export function refused(run: Run, client: number): boolean {
  run.connected.up(run.now);
  lost(run, client, REASON.shutting_down);
  return false;
}

const appOf = (run: Run, client: number): AppPools | undefined => kindOf(run, client).app;
