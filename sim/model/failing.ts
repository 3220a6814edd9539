/** The database, or the pooler, fails and comes back. */
import type { Fault } from "../../workloads/schema/workload.ts";
import { hold } from "./computing.ts";
import { EVENT } from "./events.ts";
import { type Faults, LINK } from "./faults.ts";
import { turn } from "./host.ts";
import { die, retire, revive, shutDown, takeOver } from "./restarting.ts";
import type { Run } from "./run.ts";
import { closed } from "./servers.ts";

/** Puts all faults on the agenda. */
export function plan(run: Run, faults: Faults): void {
  faults.list.forEach(({ at, for: length }, i) => {
    run.at(run.from + at, EVENT.fault, 2 * i);
    run.at(run.from + at + length, EVENT.fault, 2 * i + 1);
  });
}

/** A fault begins (an even `target`) or ends. True: the core has had an input. */
export function fault(run: Run, faults: Faults, target: number): boolean {
  const one = faults.list[target >> 1] as Faults["list"][number];
  const begins = (target & 1) === 0;
  const { fault: kind } = one;
  if (kind === "pooler_restart") {
    if (begins) shutDown(run, one);
    else replace(run);
    return begins;
  }
  if (kind === "pooler_takeover") {
    if (begins) takeOver(run, one);
    else retire(run);
    return true;
  }
  faults.now = begins ? one : undefined;
  if (kind !== "restart") hold(run, begins);
  // Who fails over is silent until another takes its place; who restarts says good-bye at once.
  const dies = kind === "restart" ? begins : kind === "failover" && !begins;
  if (dies) crash(run, faults, kind);
  return dies;
}

/** The old pooler goes, if it has not, and the new one begins. */
function replace(run: Run): void {
  die(run);
  turn(run);
  revive(run);
}

/** Every connection dies, and every statement with it; who takes over hears those that still call. */
function crash(run: Run, faults: Faults, kind: Fault["fault"]): void {
  run.cores?.crash(run.now);
  for (const [server, link] of [...faults.links]) {
    if (link === LINK.calling && kind === "failover") continue;
    if (link === LINK.up) run.core.closed(run.now, server);
    else run.core.loginFailed(run.now, server, false);
    closed(run, server);
  }
}
