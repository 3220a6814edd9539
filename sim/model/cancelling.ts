/**
 * What a cancel request does at the database: the statement ends with an error. The client rolls back what
 * is open, and tries again or goes on, over the same connection.
 */
import { STATUS } from "../../engine/core/index.ts";
import { cancelledUser } from "./app-clients.ts";
import type { Attempts } from "./attempts.ts";
import type { Cancels } from "./cancels.ts";
import { abort, passed } from "./computing.ts";
import { EVENT } from "./events.ts";
import { arriveAtPeer } from "./handing-on.ts";
import { attempt } from "./patience.ts";
import { M, MT, PHASE } from "./population.ts";
import { isCounted, nextAttempt } from "./retries.ts";
import { type Kind, kindOf, type Run } from "./run.ts";
import { closed } from "./servers.ts";
import { clientEvent, think } from "./transactions.ts";

/** EVENT.strike: the request has been heard, and its connection is closed. False: it is stale. */
export function strike(run: Run, cancels: Cancels, carrier: number): boolean {
  const target = cancels.strikes(carrier, run.now);
  if (target === undefined) return false;
  if (cancels.isCall(carrier)) {
    arriveAtPeer(run, cancels, carrier);
    return true;
  }
  run.core.closed(run.now, carrier);
  closed(run, carrier);
  if (target >= 0) interrupt(run, cancels, target);
  return true;
}

/** Ends the statement that runs on `server`; between statements there is nothing to cancel. */
function interrupt(run: Run, cancels: Cancels, server: number): void {
  const handle = run.core.clientOf(server);
  if (handle < 0) return;
  const runs = (run.serverDue[server] as number) > run.now || abort(run, server);
  if (!runs) return;
  run.serverDue[server] = -1;
  const client = run.clientOf[handle] as number;
  const entry = kindOf(run, client);
  if (isCounted(run, client)) entry.meter.cancelled++;
  const open =
    statementsOf(run, entry, client) > 1 && run.core.serverPool(server).mode !== "statement";
  run.core.ready(run.now, server, open ? STATUS.failed : STATUS.idle);
  if (!open) {
    over(run, entry, client);
    return;
  }
  cancels.rolling.set(client, server);
  clientEvent(run, run.now + run.clientTrip, EVENT.rollback, client);
}

/** EVENT.rollback: ROLLBACK arrives at the pooler, and later its answer. False: it is stale. */
export function rollback(run: Run, cancels: Cancels, client: number): boolean {
  if (!isDue(run, cancels, client)) return false;
  run.core.request(run.now, run.clients.ints[(client << 4) + M.handle] as number);
  const due = run.now + passed(run, 0) + run.serverTrip;
  clientEvent(run, due, EVENT.rolledBack, client);
  return true;
}

/** EVENT.rolledBack. False: it is stale. */
export function rolledBack(run: Run, cancels: Cancels, client: number): boolean {
  if (!isDue(run, cancels, client)) return false;
  run.core.ready(run.now, cancels.rolling.get(client) as number, STATUS.idle);
  cancels.rolling.delete(client);
  over(run, kindOf(run, client), client);
  return true;
}

function isDue(run: Run, cancels: Cancels, client: number): boolean {
  const { times } = run.clients;
  if (times[(client << 3) + MT.due] !== run.now || !cancels.rolling.has(client)) return false;
  times[(client << 3) + MT.due] = -1;
  return true;
}

/** The client has its error: the attempt is over, its session is not. */
function over(run: Run, entry: Kind, client: number): void {
  if (entry.app !== undefined) {
    cancelledUser(run, entry.app, client);
    return;
  }
  const { ints, times } = run.clients;
  const attempts = entry.attempts as Attempts;
  run.seen = run.now + run.clientTrip;
  const pause = nextAttempt(run, entry, client);
  if (pause >= 0) {
    attempt(run, entry, attempts, client, run.seen + pause);
    return;
  }
  attempts.forget(client);
  times[(client << 3) + MT.waited] = 0;
  const left = (client << 4) + M.left;
  if ((ints[left] as number) > 0) ints[left] = (ints[left] as number) - 1;
  ints[(client << 4) + M.phase] = PHASE.thinking;
  think(run, client);
}

function statementsOf(run: Run, { draws }: Kind, client: number): number {
  const { ints } = run.clients;
  const at = client << 4;
  return draws.statements.draw(
    ints[at + M.number] as number,
    ints[at + M.transaction] as number,
    0,
  );
}
