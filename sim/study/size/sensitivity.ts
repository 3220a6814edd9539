/** Harder days: what the recommended size is worth when the load is not what it was thought to be. */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { poolsOf } from "../pools.ts";
import type { Sensitivity } from "../results/index.ts";
import { inTime, type Study } from "../run.ts";
import { nameOfTerm } from "../slo.ts";
import { judge, type Probes } from "./probes.ts";
import { withLoad, withPoolSize, withService } from "./variants.ts";

const LOAD = 1.5;
const SERVICE = 1.3;

/** Each change by itself, at `size` connections; those for which no time is left are left out. */
export async function harderDays(
  workload: Workload,
  size: number,
  probes: Probes,
  until: number,
): Promise<Sensitivity[]> {
  const here = withPoolSize(workload, size);
  const days: [string, () => Promise<Study>][] = [
    // Whoever holds a connection all the time leaves one less to the others.
    [`one transaction more that never ends${inEach(workload)}`, () => probes.at(size - 1)],
    [`load x ${LOAD}`, () => probes.day(withLoad(here, LOAD))],
    [`service times x ${SERVICE}`, () => probes.day(withService(here, SERVICE))],
  ];
  const found: Sensitivity[] = [];
  for (const [change, look] of days) {
    if (size === 1 && change.startsWith("one transaction")) continue;
    if (probes.spent > until) break;
    probes.tell(change);
    const made = await inTime(look());
    if (made === undefined) break;
    found.push(row(change, made));
  }
  return found;
}

/** One connection less is one less of each pool that has no size of its own, in each process. */
function inEach(workload: Workload): string {
  const pools = poolsOf(workload).length;
  const processes = workload.pooler?.processes ?? 1;
  if (pools > 1) return ", in each pool that default_pool_size sizes";
  return processes > 1 ? ", in each process" : "";
}

function row(change: string, made: Study): Sensitivity {
  const { run } = made;
  const missed = run.slo?.terms.filter((term) => !(term.met && term.certain)) ?? [];
  return {
    change,
    wait_p99_ms: run.wait_ms.p99,
    wait_p99_ms_ci95: run.wait_ms.p99_ci95 ?? null,
    utilization: run.utilization,
    slo_met: judge(made) === "met",
    ...(missed.length > 0 && { missed: [...new Set(missed.map(nameOfTerm))] }),
  };
}
