/**
 * A client's transaction: it asks, perhaps queues, is granted a server, is answered, and thinks again.
 * Half round trips are folded into the delays before and after them, so that a statement is two events:
 * its arrival at the pooler, and its answer's arrival there.
 */

import type { Nanos } from "../../engine/core/index.ts";
import * as core from "../../engine/core/index.ts";
import type { Course } from "../kernel/course.ts";
import type { Backends } from "./backends.ts";
import { passed, serveOnCores } from "./computing.ts";
import * as events from "./events.ts";
import { knock } from "./knocking.ts";
import { note } from "./measuring.ts";
import * as population from "./population.ts";
import { prepare } from "./preparing.ts";
import { wait } from "./retries.ts";
import type { Kind, Run } from "./run.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { STATUS } = core;
const { EVENT } = events;
const { M, MT, PHASE } = population;

/** A message arrives: a transaction's first, or one of its later statements. False: it is stale. */
export function arrive(run: Run, client: number): boolean {
  const { ints, times } = run.clients;
  const at = client << 4;
  const due = (client << 3) | MT.due;
  const phase = ints[at | M.phase] as number;
  if (times[due] !== run.now || (phase !== PHASE.thinking && phase !== PHASE.asking)) return false;
  times[due] = -1;
  if (phase === PHASE.thinking) begin(run, client);
  const linked = run.core.request(run.now, ints[at | M.handle] as number);
  if (linked >= 0) serve(run, client, linked);
  return true;
}

function begin(run: Run, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const { draws } = run.kinds[ints[at | M.kind] as number] as Kind;
  const number = ints[at | M.number] as number;
  const statements = draws.statements.draw(number, ints[at | M.transaction] as number, 0);
  ints[at | M.phase] = PHASE.asking;
  ints[at | M.later] = statements > 1 ? statements - 1 : 0;
  times[(client << 3) | MT.sent] = run.now;
  if (run.now >= run.from && run.now < run.to) run.pending++;
}

/** No server is free. */
export function queued(run: Run, client: number): void {
  const { ints, times } = run.clients;
  const phase = (client << 4) | M.phase;
  if (ints[phase] !== PHASE.asking) {
    if (ints[phase] === PHASE.login) knock(run, client);
    return;
  }
  ints[phase] = PHASE.waiting;
  const waited = (client << 3) | MT.waited;
  times[waited] = (times[waited] as number) - run.now;
  run.waiting.up(run.now);
}

/** The client has a server. */
export function granted(run: Run, client: number, server: number): void {
  run.active.up(run.now);
  handed(run, client, server);
}

/** The client has a server that was another's until now. */
export function handed(run: Run, client: number, server: number): void {
  const { ints, times } = run.clients;
  const phase = (client << 4) | M.phase;
  if (ints[phase] === PHASE.waiting) {
    ints[phase] = PHASE.asking;
    const waited = (client << 3) | MT.waited;
    times[waited] = (times[waited] as number) + run.now;
    run.waiting.down(run.now);
  }
  serve(run, client, server);
}

/** The statement runs: its answer reaches the pooler after the service and all that surrounds it. */
function serve(run: Run, client: number, server: number): void {
  const ints = run.clients.ints;
  const at = client << 4;
  const { draws } = run.kinds[ints[at | M.kind] as number] as Kind;
  const transaction = ints[at | M.transaction] as number;
  const part = ints[at | M.later] as number;
  const service = draws.service.draw(ints[at | M.number] as number, transaction, part);
  if (run.plain === true) {
    const due = run.now + run.serverTrip + service;
    run.serverDue[server] = due;
    run.at(due, EVENT.answer, server);
  } else {
    const extra = run.extras.statement.draw(client, transaction, part);
    if (run.backends === undefined) serveOtherwise(run, server, service, extra);
    else servePrepared(run, run.backends, client, server, service, extra);
  }
}

/** The service, and what the server must do first because it does not know its client. */
function servePrepared(
  run: Run,
  backends: Backends,
  client: number,
  server: number,
  service: Nanos,
  extra: Nanos,
): void {
  const { work, trip } = prepare(run, backends, client, server);
  serveOtherwise(run, server, service + work, extra + trip);
}

/** The service on this machine: up to the next multiple of its granularity; it adds `extra`. */
function serveOtherwise(run: Run, server: number, service: Nanos, extra: Nanos): void {
  const { granularity } = run.options.machine;
  const whole = granularity > 0 ? Math.ceil(service / granularity) * granularity : service;
  const around = run.serverTrip + extra;
  if (run.cores !== undefined) {
    serveOnCores(run, run.cores, server, whole, around);
    return;
  }
  const due = run.now + passed(run, whole) + around;
  run.serverDue[server] = due;
  run.at(due, EVENT.answer, server);
}

/** A statement's answer: the next one after a gap, or the transaction is over. False: it is stale. */
export function answer(run: Run, server: number): boolean {
  if (run.serverDue[server] !== run.now) return false;
  run.serverDue[server] = -1;
  const client = run.clientOf[run.core.clientOf(server)] as number;
  const ints = run.clients.ints;
  const at = client << 4;
  const later = ints[at | M.later] as number;
  // In statement mode each statement is a transaction of its own.
  const open = later > 0 && run.core.serverPool(server).mode !== "statement";
  run.core.ready(run.now, server, open ? STATUS.transaction : STATUS.idle);
  run.seen = run.now + run.clientTrip;
  if (run.ideal === false)
    run.seen += run.extras.client.draw(client, ints[at | M.transaction] as number, later);
  if (later > 0) pauseInside(run, client, later);
  else end(run, client);
  return true;
}

function pauseInside(run: Run, client: number, later: number): void {
  const ints = run.clients.ints;
  const at = client << 4;
  const { draws } = run.kinds[ints[at | M.kind] as number] as Kind;
  const transaction = ints[at | M.transaction] as number;
  const gap = draws.gap.draw(ints[at | M.number] as number, transaction, later);
  ints[at | M.later] = later - 1;
  clientEvent(run, run.seen + late(run, gap, client, transaction, later), EVENT.arrive, client);
}

/** The client has its last answer at `run.seen`, by a clock one round trip behind that of arrivals. */
function end(run: Run, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  const time = client << 3;
  const sent = times[time | MT.sent] as number;
  const waited = times[time | MT.waited] as number;
  if (sent >= run.from && sent < run.to) {
    const { meter } = run.kinds[ints[at | M.kind] as number] as Kind;
    const response = run.seen - sent;
    run.pending--;
    meter.wait.record(waited);
    meter.response.record(response);
    if (waited > 0) meter.waited++;
    if (run.trace !== undefined) note(run.trace, run.clients, client, response);
  }
  if (waited !== 0) times[time | MT.waited] = 0;
  ints[at | M.transaction] = (ints[at | M.transaction] as number) + 1;
  const left = ints[at | M.left] as number;
  if (left > 0) ints[at | M.left] = left - 1;
  if (run.plain === true) think(run, client);
  else endOtherwise(run, client, sent);
}

/** The transaction of a client that has somebody behind it, or a clock beside it, is over. */
function endOtherwise(run: Run, client: number, sent: Nanos): void {
  const { ints } = run.clients;
  const { app, attempts, meter } = run.kinds[ints[(client << 4) | M.kind] as number] as Kind;
  const connection = app?.connection(client);
  if (connection === undefined) {
    attempts?.forget(client);
    think(run, client);
    return;
  }
  if (sent >= run.from && sent < run.to) meter.app_wait?.record(connection.wait);
  attempts?.calm(connection.user);
  ints[(client << 4) | M.phase] = PHASE.thinking;
  clientEvent(run, run.seen, EVENT.free, client);
}

/** From `run.seen` until the next transaction, unless the session is over. */
export function think(run: Run, client: number): void {
  const { ints, times } = run.clients;
  const at = client << 4;
  if (ints[at | M.left] === 0 || run.seen >= (times[(client << 3) | MT.end] as number)) {
    ints[at | M.phase] = PHASE.leaving;
    clientEvent(run, run.seen, EVENT.leave, client);
    return;
  }
  const entry = run.kinds[ints[at | M.kind] as number] as Kind;
  const transaction = ints[at | M.transaction] as number;
  const pause = entry.draws.think.draw(ints[at | M.number] as number, transaction, 0);
  ints[at | M.phase] = PHASE.thinking;
  if (run.plain === true) clientEvent(run, run.seen + pause, EVENT.arrive, client);
  else thinkOtherwise(run, client, entry, pause);
}

/** A think time under a load that changes, kept by a timer that is late; then patience begins. */
function thinkOtherwise(run: Run, client: number, entry: Kind, pause: Nanos): void {
  const { app, attempts, kind, load } = entry;
  const transaction = run.clients.ints[(client << 4) | M.transaction] as number;
  const kept = late(run, scheduled(run, load, pause), client, transaction, 0);
  const due = Math.min(Number.MAX_SAFE_INTEGER, run.seen + kept);
  clientEvent(run, due, app === undefined ? EVENT.arrive : EVENT.ask, client);
  if (attempts !== undefined) wait(run, attempts, client, due, kind);
}

/** How long `pause` of think time takes under the load of its kind. */
function scheduled(run: Run, load: Course | undefined, pause: Nanos): Nanos {
  return load === undefined ? pause : load.after(run.seen, pause) - run.seen;
}

/** The pause as the client's timer keeps it. Without a pause there is no timer to be late. */
export function late(run: Run, pause: Nanos, client: number, draw: number, part: number): Nanos {
  if (run.ideal || pause <= 0) return pause;
  return pause + run.extras.lateness.draw(client, draw, part);
}

/** Plans what the client does next; what was planned before is stale. */
export function clientEvent(run: Run, time: Nanos, event: number, client: number): void {
  run.clients.times[(client << 3) | MT.due] = time;
  run.at(time, event, client);
}
