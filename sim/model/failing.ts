/** The database fails, and comes back. */
import { hold } from "./computing.ts";
import { EVENT } from "./events.ts";
import { type Faults, LINK } from "./faults.ts";
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
  const { fault: kind } = faults.list[target >> 1] as Faults["list"][number];
  const begins = (target & 1) === 0;
  faults.now = begins ? faults.list[target >> 1] : undefined;
  if (kind !== "restart") hold(run, begins);
  // Who fails over is silent until another takes its place; who restarts says good-bye at once.
  const dies = kind === "restart" ? begins : kind === "failover" && !begins;
  if (dies) crash(run, faults);
  return dies;
}

/** Every connection dies, and every statement with it. */
function crash(run: Run, faults: Faults): void {
  run.cores?.crash(run.now);
  for (const [server, link] of [...faults.links]) {
    if (link === LINK.up) run.core.closed(run.now, server);
    else run.core.loginFailed(run.now, server, false);
    closed(run, server);
  }
}
