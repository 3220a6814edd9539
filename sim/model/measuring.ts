/** What is measured of a run beside its transactions' histograms: the window's averages, course and trace. */
import type { Nanos } from "../../engine/core/index.ts";
import { countBackends } from "./admitted.ts";
import type { Cores } from "./cores.ts";
import { SAMPLE } from "./dashboard.ts";
import { EVENT } from "./events.ts";
import type { Level, Moment, Trace } from "./meters.ts";
import { measurePools } from "./pool-sizes.ts";
import { M, MT, type Population } from "./population.ts";
import { statistics } from "./restarting.ts";
import type { CoresFigures } from "./result.ts";
import type { Run } from "./run.ts";
import { lastLook } from "./scraping.ts";

/** The window begins or ends. */
export function turnWindow(run: Run, begins: boolean): void {
  measurePools(run);
  run.totals.push(statistics(run));
  if (begins) {
    const { active, waiting, knocking, connections, connected } = run;
    for (const level of [active, waiting, knocking, connections, connected]) level.begin(run.now);
    run.backendsMost = 0;
    countBackends(run);
    run.cores?.measure(run.now);
    run.station?.measure();
    return;
  }
  const mean = (level: Level): number => level.mean(run.from, run.to);
  run.averages = {
    active: mean(run.active),
    waiting: mean(run.waiting),
    knocking: mean(run.knocking),
    connections: mean(run.connections),
    connected: mean(run.connected),
  };
  if (run.dashboard !== undefined) lastLook(run, run.dashboard);
  run.stationFigures = run.station?.figures(run.to - run.from);
  if (run.cores !== undefined) run.coresFigures = coresFigures(run, run.cores);
}

/**
 * Part of a pool that is linked to clients, by the means of a window: of its size, or where a reserve makes its
 * connections more than that, of these.
 */
export const inUse = (active: number, size: number, connections: number): number =>
  Math.min(1, active / Math.max(size, connections)); // Sums of times are not exact.

function coresFigures(run: Run, { sharing, wasted }: Cores): CoresFigures {
  const { area, worked } = sharing.measured(run.now);
  const length = run.to - run.from;
  return {
    mean: area / length,
    max: sharing.max,
    speed: worked / length,
    stretch: worked > 0 ? area / worked : 1,
    wasted,
  };
}

/** One row of the course. */
export function sample(run: Run): void {
  run.timeline.push({
    at: run.now - run.from,
    ...waitingInside(run),
    clients_waiting: run.waiting.value,
    servers_active: run.active.value,
    server_connections: run.connections.value,
  });
  const next = run.now + Math.max(1, Math.floor(run.options.duration / run.options.moments));
  if (next < run.to) run.at(next, EVENT.sample, SAMPLE.row);
}

/** Users who wait for a connection of the application's own pool. */
function waitingInside({ kinds }: Run): Pick<Moment, "app_waiting"> {
  const pools = kinds.flatMap(({ app }) => app ?? []);
  return pools.length === 0
    ? {}
    : { app_waiting: pools.reduce((sum, app) => sum + app.waiting, 0) };
}

/** Keeps a transaction that is over. */
export function note(trace: Trace, clients: Population, client: number, response: Nanos): void {
  const at = client << 4;
  const time = client << 3;
  trace.kind.push(clients.ints[at + M.kind] as number);
  trace.client.push(clients.ints[at + M.number] as number);
  trace.transaction.push(clients.ints[at + M.transaction] as number);
  trace.sent.push(clients.times[time + MT.sent] as number);
  trace.wait.push(clients.times[time + MT.waited] as number);
  trace.response.push(response);
}
