/** Patience and further attempts, for clients of the pooler and for users of an application's pool. */
import type { Nanos } from "../../engine/core/index.ts";
import type { Attempts } from "./attempts.ts";
import { EVENT } from "./events.ts";
import { M, MT } from "./population.ts";
import type { Kind, Run } from "./run.ts";

/**
 * From `from` on the client waits for its timeout, and no longer. Who then hangs up is heard as soon as
 * the request was, who cancels must connect first; a user of an application's pool may do either.
 */
export function wait(
  run: Run,
  attempts: Attempts,
  client: number,
  from: Nanos,
  { timeout, cancels, app_pool }: Kind["kind"],
): void {
  if (timeout === undefined) return;
  const end = from + timeout + (cancels === true && app_pool === undefined ? run.clientTrip : 0);
  attempts.expect(client, end);
  run.at(end, EVENT.impatient, client);
}

/** Pause before the next attempt; -1: the transaction is given up, and that is counted. */
export function nextAttempt(run: Run, { kind, attempts, meter }: Kind, client: number): Nanos {
  const { ints } = run.clients;
  const at = client << 4;
  const number = ints[at + M.number] as number;
  const transaction = ints[at + M.transaction] as number;
  const pause = attempts?.fail(client, kind.retry, number, transaction) ?? -1;
  const counts = isCounted(run, client);
  if (pause >= 0) {
    if (counts) meter.retries++;
    return pause;
  }
  if (counts) {
    meter.given_up++;
    run.pending--;
  }
  ints[at + M.transaction] = transaction + 1;
  return -1;
}

/** The client's transaction was sent within the window. */
export function isCounted(run: Run, client: number): boolean {
  const sent = run.clients.times[(client << 3) + MT.sent] as number;
  return sent >= run.from && sent < run.to;
}
