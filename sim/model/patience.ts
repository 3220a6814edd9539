/**
 * Clients that do not wait for ever, and that try again what has failed. An attempt fails when the
 * client's own timeout is over or when it is dropped; the next one begins after a pause, with the same
 * draws, and the transaction's response counts from the first one.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { isImpatient } from "../../workloads/schema/kinds.ts";
import { failedUser } from "./app-clients.ts";
import type { Attempts } from "./attempts.ts";
import { askToCancel } from "./cancel-requests.ts";
import { EVENT } from "./events.ts";
import { M, MT, PHASE } from "./population.ts";
import { isCounted, nextAttempt, wait } from "./retries.ts";
import { type Kind, kindOf, type Run } from "./run.ts";
import { endWait } from "./scraping.ts";
import { comeBack, count, RETRY } from "./sessions.ts";
import { clientEvent } from "./transactions.ts";

/** EVENT.impatient: the client's timeout is over, unless it has been answered. True: the core has had an input. */
export function giveUp(run: Run, client: number): boolean {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  const { attempts } = entry;
  if (attempts === undefined || !attempts.isOver(client, run.now)) return false;
  const connection = entry.app?.serving(client) ?? client;
  if (run.cancels !== undefined && entry.kind.cancels && connection >= 0) {
    attempts.calm(client); // It asks once.
    if (entry.app === undefined) return askToCancel(run, entry, run.cancels, client);
    run.at(run.now + run.clientTrip, EVENT.cancel, connection);
    return false;
  }
  if (isCounted(run, client)) entry.meter.impatient++;
  if (entry.app !== undefined) return failedUser(run, entry, client);
  if (ints[at + M.phase] === PHASE.waiting) endWait(run, client);
  run.core.disconnect(run.now, ints[at + M.handle] as number);
  failed(run, entry, attempts, client);
  return true;
}

/** The core has dropped a client. False: it is none of those that are looked after here. */
export function droppedImpatient(run: Run, client: number, reason: number): boolean {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  const { attempts } = entry;
  if (attempts === undefined || !isImpatient(entry.kind)) return false;
  const phase = ints[at + M.phase];
  const working = phase === PHASE.waiting || phase === PHASE.asking;
  if (!working && attempts.count(client) === 0) {
    attempts.forget(client); // What it was about to send, it will not send.
    return false;
  }
  if (phase === PHASE.waiting) endWait(run, client);
  if (isCounted(run, client)) count(entry.meter, reason, phase as number, true);
  failed(run, entry, attempts, client);
  return true;
}

/** A client that was welcomed goes on with the transaction that it had to leave. False: it has none. */
export function resume(run: Run, client: number): boolean {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  const { attempts } = entry;
  if (attempts === undefined || attempts.count(client) === 0) return false;
  const session = ints[at + M.session] as number;
  const due = run.now + run.clientTrip + run.extras.login.draw(client, session, 0);
  attempt(run, entry, attempts, client, due);
  return true;
}

/** The transaction once more, from its first statement: it arrives at `due`. */
export function attempt(
  run: Run,
  { draws, kind }: Kind,
  attempts: Attempts,
  client: number,
  due: Nanos,
): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const number = ints[at + M.number] as number;
  const transaction = ints[at + M.transaction] as number;
  const statements = draws.statements.draw(number, transaction, 0);
  ints[at + M.phase] = PHASE.asking;
  ints[at + M.later] = statements > 1 ? statements - 1 : 0;
  times[(client << 3) + MT.waited] = 0;
  clientEvent(run, due, EVENT.arrive, client);
  wait(run, attempts, client, due, kind);
}

/** The client has lost its connection, and with it an attempt. */
function failed(run: Run, entry: Kind, attempts: Attempts, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  times[(client << 3) + MT.waited] = 0;
  const pause = nextAttempt(run, entry, client);
  if (pause < 0) {
    attempts.forget(client);
    comeBack(run, client, Math.max(RETRY, run.clientTrip));
    return;
  }
  run.connected.down(run.now);
  ints[at + M.handle] = -1;
  ints[at + M.phase] = PHASE.away;
  clientEvent(run, run.now + Math.max(RETRY, run.clientTrip, pause), EVENT.login, client);
}
