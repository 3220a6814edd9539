/**
 * Cancel requests of clients whose patience is over, as far as the pooler and the network go. A client
 * keeps its connection: the request comes on a connection of its own, and PgBouncer opens another one to
 * the database to pass it on. Source: PgBouncer 1.25.2 accept_cancel_request(), forward_cancel_request().
 */
import { type Nanos, REASON, SERVER } from "../../engine/core/index.ts";
import { type Cancels, REQUEST } from "./cancels.ts";
import { passed } from "./computing.ts";
import { EVENT } from "./events.ts";
import { carryOn, handOn } from "./handing-on.ts";
import { M } from "./population.ts";
import type { Processes } from "./processes.ts";
import { isCounted } from "./retries.ts";
import type { Kind, Run } from "./run.ts";
import { own } from "./sessions.ts";

/**
 * The client's request is at the pooler, one round trip after its patience was over. With several
 * processes it is one of them by chance that gets it, and only the client's own knows its key.
 * True: the core has had an input.
 */
export function askToCancel(run: Run, entry: Kind, cancels: Cancels, client: number): boolean {
  const handle = run.clients.ints[(client << 4) + M.handle] as number;
  if (run.down || handle < 0) return false;
  if (isCounted(run, client)) cancels.asked++;
  if (run.processes !== undefined) choose(run, run.processes, entry, client);
  const request = run.core.accept(run.now);
  own(run, request, REQUEST);
  const known = run.processOf(request) === run.processOf(handle);
  if (known || !handOn(run, cancels, request, client))
    run.core.cancel(run.now, request, known ? handle : -1);
  return true;
}

/** The process by chance: a draw for each attempt of each transaction, as all that is drawn for them. */
function choose(run: Run, processes: Processes, entry: Kind, client: number): void {
  const { ints } = run.clients;
  const [number, transaction] = [M.number, M.transaction].map((at) => ints[(client << 4) + at]);
  const who = entry.app?.connection(client)?.user ?? client;
  const attempt = entry.attempts?.count(who) ?? 0;
  processes.choose(`${entry.kind.name} cancel`, number as number, transaction as number, attempt);
}

/**
 * EFFECT.cancel: `request` goes to the database on `carrier`, and ends what runs on `target`. Without a
 * target it goes to a peer.
 */
export function carry(
  run: Run,
  cancels: Cancels,
  request: number,
  carrier: number,
  target: number,
): void {
  if (target < 0) {
    carryOn(run, cancels, request, carrier);
    return;
  }
  const due = run.now + passed(run, 0) + run.serverTrip;
  cancels.carry(carrier, target, due);
  run.at(due, EVENT.strike, carrier);
}

/** The core opens a connection for a request: it needs no login. True: it is planned. */
export function knockToCancel(run: Run, server: number, reason: number, delay: Nanos): boolean {
  if (run.cancels === undefined || reason !== REASON.cancel) return false;
  run.cancels.knock(server, delay);
  return true;
}

/**
 * A connection stands: the core may use it for a request. Returns how long its login takes from now on;
 * -1: there is none, it carries a request or is not needed any more.
 */
export function standing(run: Run, cancels: Cancels, server: number): Nanos {
  run.core.connected(run.now, server);
  if (run.core.serverState(server) !== SERVER.login) return -1;
  return cancels.login(server);
}
