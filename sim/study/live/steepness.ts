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
import { completed } from "./figures.ts";

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
export function servedLive(live: LiveResult): Served {
  const { service, response, wait } = live.transactions;
  const rows = [...completed(live)];
  const of = (column: Float64Array): number[] => rows.map((at) => column[at] as number);
  return { work: of(service), response: of(response), wait: of(wait) };
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
