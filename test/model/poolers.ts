/** A workload behind a pooler that is not quite PgBouncer: tests change what they are about. */
import { MS } from "../../sim/study/theory/textbook.ts";
import type { PoolerModel, Workload } from "../../workloads/schema/workload.ts";

const PLAIN: PoolerModel = {
  discipline: "fifo",
  wake_up: 0.1 * MS,
  sleep: 500 * MS,
  processes: 1,
  cpu_per_message: 0,
};

export const withPooler = (workload: Workload, pooler: Partial<PoolerModel>): Workload => ({
  ...workload,
  pooler: { ...PLAIN, ...pooler },
});
