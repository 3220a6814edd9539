/** A simulated run with a journal, as the pooler writes one. */
import { type Core, INPUT, JournalWriter, type Nanos } from "../../engine/core/index.ts";
import { IDEAL, type Machine, type Trace } from "../../sim/model/index.ts";
import { emptyTrace } from "../../sim/model/meters.ts";
import { drive } from "../../sim/model/model.ts";
import { Run } from "../../sim/model/run.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { ms } from "../live/helpers.ts";

export interface Simulated {
  journal: Uint8Array;
  trace: Trace;
}

/** Names are interned while a run is made, before anybody can listen: they are written down after it. */
export function simulated(load: Workload, duration: Nanos, machine: Machine = IDEAL): Simulated {
  const options = { seed: 1, warmup: 0, duration, patience: ms(20_000), moments: 0, trace: true };
  const run = new Run(load, { ...options, machine });
  const parts: Uint8Array[] = [];
  const writer = new JournalWriter(run.core as Core, 0, (bytes) => parts.push(bytes) > 0);
  for (const { database, user } of load.clients) {
    writer.name(INPUT.database, database);
    writer.name(INPUT.user, user);
  }
  drive(run);
  writer.end();
  return { journal: Buffer.concat(parts), trace: run.trace ?? emptyTrace() };
}
