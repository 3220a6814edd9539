/** A server connection: it is opened, refused or closed, reset or checked. */
import { type Nanos, REASON, STATUS } from "../../engine/core/index.ts";
import { doubled } from "../kernel/doubled.ts";
import { backends, countBackends } from "./admitted.ts";
import { knockToCancel, standing } from "./cancel-requests.ts";
import { compute, passed } from "./computing.ts";
import { PURPOSE } from "./cores.ts";
import { EVENT } from "./events.ts";
import { type Faults, LINK } from "./faults.ts";
import { callPeer } from "./handing-on.ts";
import type { Run } from "./run.ts";

/** The core wants a connection, for `reason`. */
export function opening(run: Run, server: number, reason: number): void {
  while (server >= run.serverDue.length) {
    run.serverDue = doubled(run.serverDue);
    run.setupDue = doubled(run.setupDue);
  }
  const { cancels } = run;
  if (cancels !== undefined && reason === REASON.cancel && callPeer(run, cancels, server)) return;
  run.connections.up(run.now);
  if (run.now >= run.from && run.now < run.to) run.opened++;
  let delay = run.extras.connect.draw(0, run.connects, 0);
  const work = run.extras.connect_cpu.draw(0, run.connects, 0);
  run.connects++;
  if (run.faults !== undefined) {
    delay = passed(run, delay);
    if (knock(run, run.faults, server)) return;
  }
  if (knockToCancel(run, server, reason, delay)) {
    serverEvent(run, run.now + run.serverTrip, EVENT.connect, server);
    return;
  }
  countBackends(run);
  if (run.cores !== undefined && work > 0) {
    compute(run, run.cores.take(server, PURPOSE.connection, work), delay);
    return;
  }
  serverEvent(run, run.now + delay, EVENT.connect, server);
}

/** Nobody is there to connect to while the database restarts. True: it will be refused. */
function knock(run: Run, { now, links }: Faults, server: number): boolean {
  const down = now?.fault === "restart" && run.now + run.serverTrip < run.from + now.at + now.for;
  const called = now?.fault === "failover" ? LINK.calling : LINK.login;
  links.set(server, down ? LINK.refused : called);
  if (down) serverEvent(run, run.now + run.serverTrip, EVENT.connect, server);
  return down;
}

/**
 * The connection is up and logged in, unless the database has no room for it ("sorry, too many clients
 * already"). False: closed before.
 */
export function connect(run: Run, server: number): boolean {
  if (!isDue(run, server)) return false;
  if (run.cancels?.isCall(server)) {
    run.core.connected(run.now, server);
    return true;
  }
  if (run.faults?.links.get(server) === LINK.refused) {
    run.core.loginFailed(run.now, server, false);
    closed(run, server);
    return true;
  }
  run.faults?.links.set(server, LINK.up);
  if (run.cancels !== undefined) {
    const login = standing(run, run.cancels, server);
    if (login > 0) {
      countBackends(run);
      serverEvent(run, run.now + login, EVENT.loggedIn, server);
    }
    if (login !== 0) return true;
  } else run.core.connected(run.now, server);
  return logIn(run, server);
}

/** EVENT.loggedIn: a connection that was opened for a cancel request has logged in instead. */
export function loggedIn(run: Run, server: number): boolean {
  return isDue(run, server) && logIn(run, server);
}

function logIn(run: Run, server: number): boolean {
  const others = run.cores?.orphans ?? 0;
  if (backends(run) + others <= run.workload.server.max_connections)
    run.core.loggedIn(run.now, server);
  else {
    run.core.loginFailed(run.now, server, true);
    closed(run, server);
  }
  return true;
}

/** The core has the server reset or checked. */
export function testing(run: Run, server: number): void {
  const extra = run.extras.reset.draw(0, run.resets++, 0);
  const due = run.now + passed(run, 0) + run.serverTrip + extra;
  serverEvent(run, due, EVENT.tested, server);
}

/** The reset or check is answered. False: closed before. */
export function tested(run: Run, server: number): boolean {
  if (!isDue(run, server)) return false;
  run.core.ready(run.now, server, STATUS.idle);
  return true;
}

/** The server's connection is no more. */
export function closed(run: Run, server: number): void {
  run.serverDue[server] = -1;
  run.setupDue[server] = -1;
  if (run.cancels?.forget(server)) return;
  run.faults?.links.delete(server);
  run.backends?.forget(server);
  run.cores?.leave(server);
  run.connections.down(run.now);
}

function isDue(run: Run, server: number): boolean {
  if (run.setupDue[server] !== run.now) return false;
  run.setupDue[server] = -1;
  return true;
}

function serverEvent(run: Run, time: Nanos, event: number, server: number): void {
  run.setupDue[server] = time;
  run.at(time, event, server);
}
