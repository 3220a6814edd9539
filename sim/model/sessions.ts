/** A client's session: it logs in, ends or is dropped, is away, and comes back. */
import { MILLISECOND, type Nanos, REASON } from "../../engine/core/index.ts";
import { doubled } from "../kernel/doubled.ts";
import { EVENT } from "./events.ts";
import type { KindMeter } from "./meters.ts";
import { M, MT, PHASE } from "./population.ts";
import { type Kind, kindOf, type Run } from "./run.ts";
import { endWait } from "./scraping.ts";
import { clientEvent, late, think } from "./transactions.ts";

/** Drops that count as timeouts, and those that count as refusals. */
export const TIMEOUTS = [
  REASON.query_wait_timeout,
  REASON.waiting_query_timeout,
  REASON.query_timeout,
  REASON.transaction_timeout,
  REASON.idle_transaction_timeout,
  REASON.client_idle_timeout,
  REASON.client_login_timeout,
  REASON.login_server_down,
];
export const REFUSALS = [
  REASON.max_client_conn,
  REASON.max_db_client_connections,
  REASON.max_user_client_connections,
  REASON.disabled,
  REASON.shutting_down,
];

/** The next session of an open kind. */
export function nextArrival(run: Run, index: number): void {
  const { draws, arrived, load } = run.kinds[index] as Kind;
  const gap = draws.arrivals.draw(0, arrived, 0);
  run.at(load?.after(run.now, gap) ?? run.now + gap, EVENT.arrival, index);
}

/** A session of an open kind begins. */
export function arrival(run: Run, index: number): void {
  nextArrival(run, index);
  login(run, run.clients.take(index, (run.kinds[index] as Kind).arrived++));
}

/** A closed client comes back for its next session. False: the event is stale. */
export function returned(run: Run, client: number): boolean {
  if (!isDue(run, client, PHASE.away)) return false;
  login(run, client);
  return true;
}

/** The client waits for this event, in this phase. */
function isDue(run: Run, client: number, phase: number): boolean {
  const { ints, times } = run.clients;
  if (times[(client << 3) + MT.due] !== run.now || ints[(client << 4) + M.phase] !== phase)
    return false;
  times[(client << 3) + MT.due] = -1;
  return true;
}

/** The client connects and says who it is. */
export function login(run: Run, client: number): void {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  if (run.down) {
    ints[at + M.phase] = PHASE.login;
    clientEvent(run, run.now, EVENT.refused, client);
    return;
  }
  if (run.processes !== undefined)
    run.processes.choose(
      entry.kind.name,
      ints[at + M.number] as number,
      ints[at + M.session] as number,
      entry.attempts?.count(client), // A further attempt comes from another port.
    );
  const handle = run.core.accept(run.now);
  run.connected.up(run.now);
  ints[at + M.handle] = handle;
  ints[at + M.phase] = PHASE.login;
  own(run, handle, client);
  if (run.core.startup(run.now, handle, entry.database, entry.user))
    run.core.authenticated(run.now, handle);
}

/** The core's `handle` is the model's `client`. */
export function own(run: Run, handle: number, client: number): void {
  while (handle >= run.clientOf.length) run.clientOf = doubled(run.clientOf);
  run.clientOf[handle] = client;
}

/** The client is logged in: its session begins with a think time. */
export function welcome(run: Run, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const { draws } = kindOf(run, client);
  const number = ints[at + M.number] as number;
  const session = ints[at + M.session] as number;
  ints[at + M.left] = draws.transactions?.draw(number, session, 0) ?? -1;
  run.seen = run.now + run.clientTrip + run.extras.login.draw(client, session, 0);
  times[(client << 3) + MT.end] =
    run.seen + (draws.duration?.draw(number, session, 0) ?? Number.POSITIVE_INFINITY);
  think(run, client);
}

/** The client's Terminate arrives. False: it was dropped before. */
export function leave(run: Run, client: number): boolean {
  if (!isDue(run, client, PHASE.leaving)) return false;
  run.core.disconnect(run.now, run.clients.ints[(client << 4) + M.handle] as number);
  comeBack(run, client, 0);
  return true;
}

/** Soonest that a client which was dropped tries again: nobody connects twice in the same instant. */
export const RETRY: Nanos = MILLISECOND;

/** Away for at least `least`, then a new session; a session of an open kind was its only one. */
export function comeBack(run: Run, client: number, least: Nanos): void {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  run.connected.down(run.now);
  ints[at + M.handle] = -1;
  if (entry.kind.arrivals !== undefined) {
    run.clients.give(client);
    return;
  }
  const session = ints[at + M.session] as number;
  const away = entry.draws.away.draw(ints[at + M.number] as number, session, 0);
  const pause = Math.max(least, late(run, away, client, session, 1));
  ints[at + M.session] = session + 1;
  ints[at + M.phase] = PHASE.away;
  clientEvent(run, run.now + pause, EVENT.login, client);
}

/** A drop of a client in this phase; `working`: with it an attempt at a transaction has failed. */
export function count(meter: KindMeter, reason: number, phase: number, working: boolean): void {
  (meter.drops[reason] as number)++;
  if (working) meter.failed++;
  if (phase !== PHASE.login) meter.lost++;
}

/** The core has dropped the client: refused, timed out, or its server is gone. */
export function dropped(run: Run, client: number, reason: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const entry = kindOf(run, client);
  const phase = ints[at + M.phase];
  const working = phase === PHASE.waiting || phase === PHASE.asking;
  // A transaction belongs to the window in which it was sent, however it ends.
  const since = working ? (times[(client << 3) + MT.sent] as number) : run.now;
  const counts = since >= run.from && since < run.to;
  if (phase === PHASE.waiting) endWait(run, client);
  if (working) {
    if (counts) run.pending--;
    ints[at + M.transaction] = (ints[at + M.transaction] as number) + 1;
  }
  if (counts) count(entry.meter, reason, phase as number, working);
  times[(client << 3) + MT.waited] = 0;
  comeBack(run, client, Math.max(RETRY, run.clientTrip));
}
