/**
 * The model: clients think, ask and answer questions of nobody; the core decides who gets which server;
 * servers take their time. Here is the loop that takes one event after the other.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { Abandoned, Resting } from "./abandoned.ts";
import { ask, enter, exit, expire, free, openPools } from "./app-clients.ts";
import { askToCancel } from "./cancel-requests.ts";
import { rollback, rolledBack, strike } from "./cancelling.ts";
import type { Cancels } from "./cancels.ts";
import { progress } from "./computing.ts";
import { type Cores, PURPOSE } from "./cores.ts";
import { type Dashboard, SAMPLE } from "./dashboard.ts";
import * as events from "./events.ts";
import { fault, plan } from "./failing.ts";
import type { Faults } from "./faults.ts";
import * as host from "./host.ts";
import { sample, turnWindow } from "./measuring.ts";
import { giveUp } from "./patience.ts";
import { read, reply, request } from "./reading.ts";
import type { Rousing } from "./rousing.ts";
import { type Kind, kindOf, type Run } from "./run.ts";
import { planScrapes, scrape } from "./scraping.ts";
import { connect, loggedIn, tested } from "./servers.ts";
import { arrival, leave, login, nextArrival, returned } from "./sessions.ts";
import type { Station } from "./station.ts";
import { stuck } from "./stuck.ts";
import * as transactions from "./transactions.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EVENT, SHIFT } = events;
const { refused, turn } = host;
const { answer, arrive } = transactions;
const HANDLE = (1 << SHIFT) - 1;

/** Runs warm-up and window, and on until the window's transactions are over. Errors: Abandoned, Resting. */
export function drive(run: Run): void {
  if (run.rests) wake(run);
  else begin(run);
  const { agenda, station, to } = run;
  for (;;) {
    const item = agenda.pop();
    const now = agenda.now;
    if ((now > to || item < 0) && isOver(run, item, now)) break;
    run.now = now;
    const event = item >>> SHIFT;
    if (station !== undefined && receive(run, station, event, item & HANDLE)) continue;
    if (handle(run, event, item & HANDLE)) turn(run);
  }
  run.events = agenda.popped - 1; // Without the one that came too late.
}

/** After the window: nothing of it is pending any more, or will ever end, or has the patience to. */
function isOver(run: Run, item: number, now: Nanos): boolean {
  if (item < 0 || run.pending === 0 || now > run.to + run.options.patience) return true;
  return item >>> SHIFT === EVENT.tick && stuck(run);
}

/** True: the core has had an input, so its turn must be ended. */
function handle(run: Run, event: number, target: number): boolean {
  if (event === EVENT.arrive) return arrive(run, target);
  if (event === EVENT.answer) return answer(run, target);
  return rare(run, event, target);
}

/** True: the event is a message, which must first be read by a process of the pooler. */
function receive(run: Run, station: Station, event: number, target: number): boolean {
  if (event === EVENT.arrive) request(run, station, target);
  else if (event === EVENT.answer) reply(run, station, target);
  else return false;
  return true;
}

function begin(run: Run): void {
  run.at(run.core.deadline(), EVENT.tick, 0);
  // What the clients do at the very start belongs to a window that begins there.
  if (run.from === 0) turnWindow(run, true);
  else run.at(run.from, EVENT.window, 0);
  run.at(run.to, EVENT.window, 1);
  if (run.options.moments > 0) run.at(run.from, EVENT.sample, SAMPLE.row);
  if (run.dashboard !== undefined) planScrapes(run, run.dashboard);
  if (run.faults !== undefined) plan(run, run.faults);
  run.kinds.forEach((entry, index) => {
    if (entry.kind.arrivals !== undefined) nextArrival(run, index);
    if (entry.app !== undefined) {
      openPools(run, index, entry.app);
      turn(run);
      return;
    }
    for (let number = 0; number < (entry.kind.count ?? 0); number++) {
      login(run, run.clients.take(index, number));
      turn(run);
    }
  });
}

function rare(run: Run, event: number, target: number): boolean {
  switch (event) {
    case EVENT.connect:
      return connect(run, target);
    case EVENT.tested:
      return tested(run, target);
    case EVENT.login:
      return returned(run, target);
    case EVENT.leave:
      return kindOf(run, target).app === undefined ? leave(run, target) : exit(run, target);
    case EVENT.arrival:
      return arrives(run, target);
    case EVENT.tick:
      return tick(run);
    case EVENT.cores:
      return onCores(run, target);
    case EVENT.ask:
      return ask(run, target);
    case EVENT.free:
      return free(run, target);
    case EVENT.expire:
      return expire(run, target);
    case EVENT.impatient:
      return giveUp(run, target);
    case EVENT.seek:
      return (run.rousing as Rousing).looks(target, run.now) && look(run, target);
    case EVENT.read:
      return read(run, run.station as Station, target);
    case EVENT.reply:
      return answer(run, target);
    case EVENT.fault:
      return fault(run, run.faults as Faults, target);
    case EVENT.strike:
      return strike(run, run.cancels as Cancels, target);
    case EVENT.rollback:
      return rollback(run, run.cancels as Cancels, target);
    case EVENT.rolledBack:
      return rolledBack(run, run.cancels as Cancels, target);
    case EVENT.loggedIn:
      return loggedIn(run, target);
    case EVENT.cancel:
      return askToCancel(run, kindOf(run, target), run.cancels as Cancels, target);
    case EVENT.refused:
      return refused(run, target);
    case EVENT.sample:
      if (target === SAMPLE.row) sample(run);
      else scrape(run, run.dashboard as Dashboard, target);
      return false;
    case EVENT.window:
      turnWindow(run, target === 0);
  }
  return false;
}

function tick(run: Run): boolean {
  const { isAbandoned, isToRest } = run.options;
  if (isAbandoned?.()) throw new Abandoned();
  if (isToRest?.()) {
    run.rests = true;
    throw new Resting();
  }
  return advance(run);
}

/** Goes on with the tick before which it has rested. */
function wake(run: Run): void {
  run.rests = false;
  if (advance(run)) turn(run);
}

function advance(run: Run): boolean {
  run.core.advance(run.now);
  run.at(run.core.deadline(), EVENT.tick, 0);
  return true;
}

/** True: a job of the cores is done, for a connection that is still there. */
function onCores(run: Run, target: number): boolean {
  const job = progress(run, target);
  if (job < 0) return false;
  const cores = run.cores as Cores;
  const purpose = cores.purposeOf(job);
  const server = cores.done(job);
  if (server < 0) return false;
  const due = purpose === PURPOSE.connection ? run.setupDue : run.serverDue;
  due[server] = run.now;
  if (purpose === PURPOSE.connection) return connect(run, server);
  if (run.station === undefined) return answer(run, server);
  reply(run, run.station, server);
  return false;
}

/** A waiter looks whether a server is idle, which may have it look again. */
function look(run: Run, handle: number): boolean {
  run.core.seek(run.now, handle);
  return true;
}

/** A session of an open kind arrives: at the pooler, or at the application. */
function arrives(run: Run, index: number): boolean {
  const entry = run.kinds[index] as Kind;
  if (entry.app === undefined) {
    arrival(run, index);
    return true;
  }
  nextArrival(run, index);
  enter(run, run.clients.take(index, entry.arrived++));
  return false;
}
