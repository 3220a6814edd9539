/**
 * The model: clients think, ask and answer questions of nobody; the core decides who gets which server;
 * servers take their time. Here is the loop that takes one event after the other.
 */
import type { Nanos } from "../../engine/core/index.ts";
import * as events from "./events.ts";
import { turn } from "./host.ts";
import { sample, turnWindow } from "./measuring.ts";
import * as population from "./population.ts";
import type { Run } from "./run.ts";
import { connect, tested } from "./servers.ts";
import { arrival, leave, login, nextArrival } from "./sessions.ts";
import { answer, arrive } from "./transactions.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { EVENT, SHIFT } = events;
const { MT } = population;
const HANDLE = (1 << SHIFT) - 1;

/** Runs warm-up and window, and on until the window's transactions are over. */
export function drive(run: Run): void {
  begin(run);
  const agenda = run.agenda;
  const to = run.to;
  const last = to + run.options.patience;
  let count = 0;
  for (;;) {
    const item = agenda.pop();
    const now = agenda.now;
    if (item < 0 || now > last || (now > to && run.pending === 0)) break;
    count++;
    if (handle(run, now, item >>> SHIFT, item & HANDLE)) turn(run, now);
  }
  run.events = count;
}

/** True: the core has had an input, so its turn must be ended. */
function handle(run: Run, now: Nanos, event: number, target: number): boolean {
  if (event === EVENT.arrive) return arrive(run, now, target);
  if (event === EVENT.answer) return answer(run, now, target);
  return rare(run, now, event, target);
}

function begin(run: Run): void {
  run.at(run.core.deadline(), EVENT.tick, 0);
  run.at(run.from, EVENT.window, 0);
  run.at(run.to, EVENT.window, 1);
  if (run.options.moments > 0) run.at(run.from, EVENT.sample, 0);
  run.kinds.forEach((entry, index) => {
    if (entry.kind.arrivals !== undefined) nextArrival(run, 0, index);
    for (let number = 0; number < (entry.kind.count ?? 0); number++) {
      login(run, 0, run.clients.take(index, number));
      turn(run, 0);
    }
  });
}

function rare(run: Run, now: Nanos, event: number, target: number): boolean {
  switch (event) {
    case EVENT.connect:
      return connect(run, now, target);
    case EVENT.tested:
      return tested(run, now, target);
    case EVENT.login:
      if (run.clients.times[(target << 3) + MT.due] !== now) return false;
      login(run, now, target);
      return true;
    case EVENT.leave:
      return leave(run, now, target);
    case EVENT.arrival:
      arrival(run, now, target);
      return true;
    case EVENT.tick:
      run.core.advance(now);
      run.at(run.core.deadline(), EVENT.tick, 0);
      return true;
    case EVENT.sample:
      sample(run, now);
      return false;
    case EVENT.window:
      turnWindow(run, now, target === 0);
  }
  return false;
}
