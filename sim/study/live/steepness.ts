/**
 * How much longer transactions with more work take, where several share a core. If all advance alike, twice
 * the work takes twice the time. In turns a short one waits for others' whole turns and a long one for no
 * more of them than it has turns itself: times differ less than work does. A machine that is faster at one
 * time than at another makes them no more or less alike, as long as that hits all.
 */
import type { Nanos } from "../../../engine/core/index.ts";
import type { LiveResult } from "../../../workloads/live/index.ts";
import { kindDraws } from "../../../workloads/schema/draws.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { Trace } from "../../model/index.ts";

/** Transactions, each with the work that it asked for, in any unit. */
export interface Served {
  work: number[];
  response: Nanos[];
  /**
   * Before its first statement began. Where cores are busy a backend that has a statement waits for a core
   * first: live that is part of the wait, simulated it is none.
   */
  wait: Nanos[];
}

/**
 * The slope of response over work, over the ratio of their means: 1 where it is in proportion to work, less
 * in turns, 0 where it has nothing to do with it. Waiting, whatever is taken for it, has nothing to do with
 * the work to come: without it the slope is the same, and known better. NaN: all ask for the same, or there
 * are none.
 */
export function steepness({ work, response, wait }: Served): number {
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const time = response.map((value, i) => value - (wait[i] as number));
  const [middleWork, middleTime] = [mean(work), mean(time)];
  let [together, alone] = [0, 0];
  for (const [i, value] of work.entries()) {
    together += (value - middleWork) * ((time[i] as number) - middleTime);
    alone += (value - middleWork) ** 2;
  }
  return ((together / alone) * middleWork) / mean(response);
}

/** Those of the window that were committed. */
export function servedLive({ transactions, window }: LiveResult): Served {
  const served: Served = { work: [], response: [], wait: [] };
  for (let at = 0; at < transactions.length; at++) {
    const sent = transactions.sent[at] as number;
    const response = transactions.response[at] as number;
    if (sent < window.from || sent >= window.to || transactions.outcome[at] !== 0) continue;
    if (Number.isNaN(response)) continue; // It had not ended when the run did.
    served.work.push(transactions.service[at] as number);
    served.response.push(response);
    served.wait.push(transactions.wait[at] as number);
  }
  return served;
}

/** Those of a run's trace. */
export function servedSimulated(trace: Trace, workload: Workload, seed: number): Served {
  const draws = workload.clients.map((kind) => kindDraws(kind, seed));
  const work = trace.kind.map((kind, i) => {
    const { statements, service } = draws[kind] as (typeof draws)[number];
    const [client, number] = [trace.client[i] as number, trace.transaction[i] as number];
    let sum = 0;
    for (let part = Math.max(1, statements.draw(client, number, 0)) - 1; part >= 0; part--)
      sum += service.draw(client, number, part);
    return sum;
  });
  return { work, response: trace.response, wait: trace.wait };
}
