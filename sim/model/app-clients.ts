/**
 * Clients behind a pool inside the application. Its users think, ask for a connection, perhaps wait, are
 * served and think again; only its connections are clients of the pooler. A connection plays its user's
 * transaction as the user's own client would: under the user's number, with the user's draws.
 */
import type { AppPools, Connection } from "./app-pools.ts";
import { EVENT } from "./events.ts";
import { M, MT, PHASE } from "./population.ts";
import { request } from "./reading.ts";
import { nextAttempt, wait } from "./retries.ts";
import { type Kind, kindOf, type Run } from "./run.ts";
import { endWait } from "./scraping.ts";
import { count, login, RETRY } from "./sessions.ts";
import { arrive, clientEvent, think } from "./transactions.ts";

/** The users of a kind come, and its pools open what they must have. */
export function openPools(run: Run, index: number, app: AppPools): void {
  const { kind } = run.kinds[index] as Kind;
  for (let number = 0; number < (kind.count ?? 0); number++)
    enter(run, run.clients.take(index, number));
  const { size, min_size = size } = app.pool;
  for (const instance of app.instances)
    for (let i = 0; i < min_size; i++) open(run, index, app, instance);
}

/** A user's session begins. */
export function enter(run: Run, user: number): void {
  const { ints, times } = run.clients;
  const at = user << 4;
  const { draws } = kindOf(run, user);
  const number = ints[at + M.number] as number;
  const session = ints[at + M.session] as number;
  run.seen = run.now;
  ints[at + M.left] = draws.transactions?.draw(number, session, 0) ?? -1;
  times[(user << 3) + MT.end] =
    run.seen + (draws.duration?.draw(number, session, 0) ?? Number.POSITIVE_INFINITY);
  think(run, user);
}

/** EVENT.ask: a new session, a transaction, or another attempt. True: the core has had an input. */
export function ask(run: Run, user: number): boolean {
  const { ints, times } = run.clients;
  const at = user << 4;
  if (times[(user << 3) + MT.due] !== run.now) return false;
  times[(user << 3) + MT.due] = -1;
  const index = ints[at + M.kind] as number;
  const entry = run.kinds[index] as Kind;
  const phase = ints[at + M.phase];
  if (phase === PHASE.away) {
    enter(run, user);
    return false;
  }
  if (phase === PHASE.thinking) begin(run, entry, user);
  else if (entry.attempts) wait(run, entry.attempts, user, run.now, entry.kind);
  ints[at + M.phase] = PHASE.asking;
  return seek(run, index, entry.app as AppPools, user);
}

/** A transaction is sent. */
function begin(run: Run, { draws }: Kind, user: number): void {
  const { ints, times } = run.clients;
  const at = user << 4;
  const transaction = ints[at + M.transaction] as number;
  const statements = draws.statements.draw(ints[at + M.number] as number, transaction, 0);
  ints[at + M.later] = statements > 1 ? statements - 1 : 0;
  times[(user << 3) + MT.sent] = run.now;
  if (run.now >= run.from && run.now < run.to) run.pending++;
}

/** Takes an idle connection, or waits for one and has one made if there is room. */
function seek(run: Run, index: number, app: AppPools, user: number): boolean {
  const instance = app.instanceOf(run.clients.ints[(user << 4) + M.number] as number);
  app.queue(user, instance, run.now);
  const connection = app.idle(instance);
  if (connection >= 0) {
    app.leave(user, instance);
    return serve(run, app, connection, user);
  }
  const { timeout, size } = app.pool;
  if (timeout > 0) clientEvent(run, run.now + timeout, EVENT.expire, user);
  if (instance.open >= size) return false;
  open(run, index, app, instance);
  return true;
}

/** The connection plays its user's transaction. */
function serve(run: Run, app: AppPools, client: number, user: number): boolean {
  const { ints, times } = run.clients;
  const [at, from] = [client << 4, user << 4];
  app.serve(client, user, run.now);
  times[(user << 3) + MT.due] = -1;
  for (const field of [M.number, M.transaction, M.later])
    ints[at + field] = ints[from + field] as number;
  ints[at + M.phase] = PHASE.asking;
  times[(client << 3) + MT.sent] = times[(user << 3) + MT.sent] as number;
  times[(client << 3) + MT.waited] = 0;
  times[(client << 3) + MT.due] = run.now;
  if (run.station === undefined) return arrive(run, client);
  request(run, run.station, client);
  return false;
}

/** EVENT.expire: the user has waited too long for a connection. */
export function expire(run: Run, user: number): boolean {
  const { ints, times } = run.clients;
  if (times[(user << 3) + MT.due] !== run.now || ints[(user << 4) + M.phase] !== PHASE.asking)
    return false;
  const entry = kindOf(run, user);
  const sent = times[(user << 3) + MT.sent] as number;
  if (sent >= run.from && sent < run.to) entry.meter.expired++;
  return failedUser(run, entry, user);
}

/**
 * The user's attempt has failed; a connection that serves it is of no use any more. True: the core has
 * had an input.
 */
export function failedUser(run: Run, entry: Kind, user: number): boolean {
  const { ints } = run.clients;
  const app = entry.app as AppPools;
  const client = app.serving(user);
  if (client >= 0) breakOff(run, app, client);
  else app.leave(user, app.instanceOf(ints[(user << 4) + M.number] as number));
  lost(run, entry, user);
  return client >= 0;
}

/** What its user had asked on `client` is cancelled: the connection goes back to its pool, the attempt has failed. */
export function cancelledUser(run: Run, app: AppPools, client: number): void {
  (app.connection(client) as Connection).failed = true;
  run.clients.ints[(client << 4) + M.phase] = PHASE.thinking;
  clientEvent(run, run.now + run.clientTrip, EVENT.free, client);
}

/** Another attempt, or the next transaction. */
function lost(run: Run, entry: Kind, user: number): void {
  const { ints } = run.clients;
  const at = user << 4;
  const pause = nextAttempt(run, entry, user);
  if (pause >= 0) {
    ints[at + M.phase] = PHASE.login;
    clientEvent(run, run.now + pause, EVENT.ask, user);
    return;
  }
  run.seen = run.now;
  over(run, entry, user);
}

/** The user of `client` has its answer, or its error. */
function ended(run: Run, entry: Kind, client: number, { failed }: Connection): void {
  const user = (entry.app as AppPools).part(client);
  if (failed) lost(run, entry, user);
  else answered(run, entry, user, client);
}

/** The user has its answer; `client` has counted the transaction. */
function answered(run: Run, entry: Kind, user: number, client: number): void {
  const { ints } = run.clients;
  ints[(user << 4) + M.transaction] = ints[(client << 4) + M.transaction] as number;
  run.seen = run.now;
  over(run, entry, user);
}

/** The transaction is over, one way or the other. */
function over(run: Run, { attempts }: Kind, user: number): void {
  const { ints } = run.clients;
  const left = ints[(user << 4) + M.left] as number;
  if (left > 0) ints[(user << 4) + M.left] = left - 1;
  attempts?.forget(user);
  think(run, user);
}

/** EVENT.leave: the user's session is over. */
export function exit(run: Run, user: number): boolean {
  const { ints, times } = run.clients;
  const at = user << 4;
  if (times[(user << 3) + MT.due] !== run.now || ints[at + M.phase] !== PHASE.leaving) return false;
  times[(user << 3) + MT.due] = -1;
  const { kind, draws } = kindOf(run, user);
  if (kind.arrivals !== undefined) {
    run.clients.give(user);
    return false;
  }
  const session = ints[at + M.session] as number;
  ints[at + M.session] = session + 1;
  ints[at + M.phase] = PHASE.away;
  const away = draws.away.draw(ints[at + M.number] as number, session, 0);
  clientEvent(run, run.now + away, EVENT.ask, user);
  return false;
}

/** One more connection of `instance` logs in. */
function open(run: Run, index: number, app: AppPools, instance: Connection["instance"]): void {
  const client = run.clients.take(index, app.made++);
  run.clients.ints[(client << 4) + M.left] = -1;
  app.add(client, instance, run.now);
  login(run, client);
}

/** The pooler has welcomed a connection: it can be used one round trip later. */
export function ready(run: Run, client: number): void {
  const { ints } = run.clients;
  const session = ints[(client << 4) + M.session] as number;
  ints[(client << 4) + M.phase] = PHASE.thinking;
  const extra = run.extras.login.draw(client, session, 0);
  clientEvent(run, run.now + run.clientTrip + extra, EVENT.free, client);
}

/** EVENT.free: a connection comes back to its pool, or has idled long enough there. */
export function free(run: Run, client: number): boolean {
  const { ints, times } = run.clients;
  const at = client << 4;
  if (times[(client << 3) + MT.due] !== run.now || ints[at + M.phase] !== PHASE.thinking)
    return false;
  times[(client << 3) + MT.due] = -1;
  const entry = kindOf(run, client);
  const app = entry.app as AppPools;
  const connection = app.connection(client) as Connection;
  if (connection.user >= 0) ended(run, entry, client, connection);
  return settle(run, app, client, connection);
}

/** What becomes of a connection that serves nobody. True: the core has had an input. */
function settle(run: Run, app: AppPools, client: number, connection: Connection): boolean {
  const { size, min_size = size, lifetime = 0, idle_timeout = 0 } = app.pool;
  const { instance, born, idleSince } = connection;
  const aged = lifetime > 0 && run.now >= born + lifetime;
  const idle = idleSince >= 0 && idle_timeout > 0 && run.now >= idleSince + idle_timeout;
  if (aged || (idle && instance.open > min_size)) {
    close(run, app, client, connection);
    return true;
  }
  const user = idleSince < 0 ? app.next(instance) : -1;
  if (user >= 0) return serve(run, app, client, user);
  if (idleSince < 0) app.rest(client, run.now);
  const due = Math.min(
    lifetime > 0 ? born + lifetime : Number.POSITIVE_INFINITY,
    idle_timeout > 0 && idleSince < 0 ? run.now + idle_timeout : Number.POSITIVE_INFINITY,
  );
  if (due < Number.POSITIVE_INFINITY) clientEvent(run, due, EVENT.free, client);
  return false;
}

/** Closes a connection and replaces it if the pool would be too small, or somebody waits. */
function close(run: Run, app: AppPools, client: number, { instance }: Connection): void {
  const index = run.clients.ints[(client << 4) + M.kind] as number;
  const { size, min_size = size } = app.pool;
  run.core.disconnect(run.now, run.clients.ints[(client << 4) + M.handle] as number);
  run.connected.down(run.now);
  app.remove(client);
  run.clients.give(client);
  if (instance.open < min_size || instance.waiting.size > 0) open(run, index, app, instance);
}

/** Between the attempts of a connection to log in that was refused. */
const RECONNECT = 100 * RETRY;

/** A connection whose user has gone is closed, and made again. */
function breakOff(run: Run, app: AppPools, client: number): void {
  const { ints } = run.clients;
  const at = client << 4;
  if (ints[at + M.phase] === PHASE.waiting) endWait(run, client);
  run.core.disconnect(run.now, ints[at + M.handle] as number);
  app.part(client);
  again(run, client, RETRY);
}

/** The core has dropped a connection: its user's attempt has failed, and it is made again. */
export function droppedConnection(run: Run, entry: Kind, client: number, reason: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const app = entry.app as AppPools;
  const connection = app.connection(client) as Connection;
  const phase = ints[at + M.phase] as number;
  const since = connection.user >= 0 ? (times[(client << 3) + MT.sent] as number) : run.now;
  const failed = connection.user >= 0 && phase !== PHASE.thinking;
  if (since >= run.from && since < run.to) count(entry.meter, reason, phase, failed);
  if (phase === PHASE.waiting) endWait(run, client);
  app.unidle(client, connection);
  connection.idleSince = -1;
  // An answer may have come before: then only the way back was still to go.
  if (phase === PHASE.thinking && connection.user >= 0) ended(run, entry, client, connection);
  else if (connection.user >= 0) lost(run, entry, app.part(client));
  again(run, client, phase === PHASE.login ? RECONNECT : RETRY);
}

function again(run: Run, client: number, least: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  run.connected.down(run.now);
  ints[at + M.handle] = -1;
  ints[at + M.phase] = PHASE.away;
  ints[at + M.session] = (ints[at + M.session] as number) + 1;
  times[(client << 3) + MT.waited] = 0;
  clientEvent(run, run.now + Math.max(least, run.clientTrip), EVENT.login, client);
}
