/** A closed pool in front of a database that slows down, solved as a birth-death chain. */
import { speedOf } from "../../sim/model/speed.ts";
import { textbook } from "../../sim/study/theory/textbook.ts";
import type { ServerModel } from "../../workloads/schema/workload.ts";

/** Transactions a millisecond of N clients, `pool` connections and a speed: a birth-death chain. */
export function chain(
  server: Pick<ServerModel, "cores" | "speed" | "usl">,
  { clients, think, service, pool }: Record<"clients" | "think" | "service" | "pool", number>,
): number {
  const speed = speedOf({ ...plainServer, ...server }) ?? ((jobs: number) => jobs);
  let [term, sum, done] = [1, 1, 0];
  for (let busy = 1; busy <= clients; busy++) {
    const rate = speed(Math.min(busy, pool)) / service;
    term *= (clients - busy + 1) / think / rate;
    sum += term;
    done += term * rate;
  }
  return done / sum;
}
const plainServer = textbook([], 1).server;
