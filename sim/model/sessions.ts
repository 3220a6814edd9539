/** A client's session: it logs in, ends or is dropped, is away, and comes back. */
import { type Nanos, REASON } from "../../engine/core/index.ts";
import { EVENT } from "./events.ts";
import { M, MT, PHASE } from "./population.ts";
import type { Kind, Run } from "./run.ts";
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
export function nextArrival(run: Run, now: Nanos, index: number): void {
  const { draws, arrived } = run.kinds[index] as Kind;
  run.at(now + draws.arrivals.draw(0, arrived, 0), EVENT.arrival, index);
}

/** A session of an open kind begins. */
export function arrival(run: Run, now: Nanos, index: number): void {
  nextArrival(run, now, index);
  login(run, now, run.clients.take(index, (run.kinds[index] as Kind).arrived++));
}

/** The client connects and says who it is. */
export function login(run: Run, now: Nanos, client: number): void {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = run.kinds[ints[at + M.kind] as number] as Kind;
  const handle = run.core.accept(now);
  run.connected.up(now);
  ints[at + M.handle] = handle;
  ints[at + M.phase] = PHASE.login;
  if (handle >= run.clientOf.length) run.clientOf = doubled(run.clientOf);
  run.clientOf[handle] = client;
  if (run.core.startup(now, handle, entry.database, entry.user))
    run.core.authenticated(now, handle);
}

/** The client is logged in: its session begins with a think time. */
export function welcome(run: Run, now: Nanos, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const { draws } = run.kinds[ints[at + M.kind] as number] as Kind;
  const number = ints[at + M.number] as number;
  const session = ints[at + M.session] as number;
  ints[at + M.left] = draws.transactions?.draw(number, session, 0) ?? -1;
  const seen = now + run.clientTrip + run.extras.login.draw(client, session, 0);
  times[(client << 3) + MT.end] =
    seen + (draws.duration?.draw(number, session, 0) ?? Number.POSITIVE_INFINITY);
  think(run, seen, client);
}

/** The client's Terminate arrives. False: it was dropped before. */
export function leave(run: Run, now: Nanos, client: number): boolean {
  if (run.clients.times[(client << 3) + MT.due] !== now) return false;
  run.core.disconnect(now, run.clients.ints[(client << 4) + M.handle] as number);
  comeBack(run, now, client);
  return true;
}

/** Away, then a new session; a session of an open kind was its only one. */
function comeBack(run: Run, now: Nanos, client: number): void {
  const { ints } = run.clients;
  const at = client << 4;
  const entry = run.kinds[ints[at + M.kind] as number] as Kind;
  run.connected.down(now);
  ints[at + M.handle] = -1;
  if (entry.kind.arrivals !== undefined) {
    run.clients.give(client);
    return;
  }
  const session = ints[at + M.session] as number;
  const away = entry.draws.away.draw(ints[at + M.number] as number, session, 0);
  ints[at + M.session] = session + 1;
  ints[at + M.phase] = PHASE.away;
  clientEvent(run, now + late(run, away, client, session, 1), EVENT.login, client);
}

/** The core has dropped the client: refused, timed out, or its server is gone. */
export function dropped(run: Run, now: Nanos, client: number, reason: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const entry = run.kinds[ints[at + M.kind] as number] as Kind;
  const sent = times[(client << 3) + MT.sent] as number;
  const phase = ints[at + M.phase];
  if (phase === PHASE.waiting) run.waiting.down(now);
  if (phase === PHASE.waiting || phase === PHASE.asking) {
    if (sent >= run.from && sent < run.to) run.pending--;
    ints[at + M.transaction] = (ints[at + M.transaction] as number) + 1;
  }
  if (now >= run.from && now < run.to) (entry.meter.drops[reason] as number)++;
  times[(client << 3) + MT.waited] = 0;
  comeBack(run, now + run.clientTrip, client);
}

function doubled(from: Int32Array): Int32Array {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
