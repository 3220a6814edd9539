/** Messages that wait for the pooler's process before the scheduler hears of them. */
import { EVENT } from "./events.ts";
import { M, MT, PHASE } from "./population.ts";
import type { Run } from "./run.ts";
import type { Station } from "./station.ts";
import { arrive } from "./transactions.ts";

/** EVENT.arrive: a client's message is at the pooler, and waits to be read. Stale ones are not read. */
export function request(run: Run, station: Station, client: number): void {
  const { ints, times } = run.clients;
  const due = (client << 3) + MT.due;
  const phase = ints[(client << 4) + M.phase] as number;
  if (times[due] !== run.now || (phase !== PHASE.thinking && phase !== PHASE.asking)) return;
  station.keep(client, run.now);
  const handle = ints[(client << 4) + M.handle] as number;
  const done = station.take(run.now, run.processOf(handle));
  times[due] = done;
  run.at(done, EVENT.read, client);
}

/**
 * EVENT.read: the scheduler has the client's message. The transaction was sent when it came, not when it
 * was read. False: it is stale.
 */
export function read(run: Run, station: Station, client: number): boolean {
  const { ints, times } = run.clients;
  const begins = ints[(client << 4) + M.phase] === PHASE.thinking;
  if (!arrive(run, client)) return false;
  if (!begins) return true;
  const sent = station.came(client);
  times[(client << 3) + MT.sent] = sent;
  // It counted as one of the window when it was read.
  run.pending += inWindow(run, sent) - inWindow(run, run.now);
  return true;
}

const inWindow = (run: Run, time: number): number => (time >= run.from && time < run.to ? 1 : 0);

/** EVENT.answer: a server's answer is at the pooler, and waits to be read. Stale ones are not read. */
export function reply(run: Run, station: Station, server: number): void {
  if (run.serverDue[server] !== run.now) return;
  const done = station.take(run.now, run.processOf(server));
  run.serverDue[server] = done;
  run.at(done, EVENT.reply, server);
}
