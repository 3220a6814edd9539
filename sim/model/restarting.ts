/**
 * The pooler is shut down and a new process takes its place. What the old one does until then is the
 * core's own SHUTDOWN; then it is gone with all its clients and servers, and the new one knows nothing of
 * them: pools are made, and servers opened, as at its first start. In a takeover the new one is there first:
 * both run until the old one has nothing left to wait for, and both have servers.
 */
import { STAT_NAMES, sumStatistics } from "../../engine/core/index.ts";
import { type Fault, shutdownOf } from "../../workloads/schema/workload.ts";
import { measurePools } from "./pool-sizes.ts";
import type { Processes } from "./processes.ts";
import type { Run } from "./run.ts";

/** SHUTDOWN. */
export function shutDown(run: Run, fault: Fault): void {
  const shutdown = shutdownOf(fault);
  run.leaving = run.processes?.count ?? 1;
  if (shutdown === "immediate") die(run);
  else run.core.shutdown(run.now, shutdown);
}

/** A new pooler listens at the same address (so_reuseport), and the old one does no longer: SHUTDOWN. */
export function takeOver(run: Run, fault: Fault): void {
  const processes = run.processes as Processes;
  run.leaving = processes.count;
  measurePools(run);
  keepStatistics(run, () => processes.relieve(run.now, shutdownOf(fault)));
  run.introduce();
}

/** What the old one still has is lost. */
export function retire(run: Run): void {
  keepStatistics(run, () => run.processes?.retireOld(run.now));
}

/** `end` ends processes, whose counters go with them. */
function keepStatistics(run: Run, end: () => void): void {
  const before = sumStatistics(run.core.pools);
  end();
  const after = sumStatistics(run.core.pools);
  run.counted = run.counted.map((value, i) => value + (before[i] as number) - (after[i] as number));
}

/** EFFECT.stopped: a process that was told to go has nothing left to wait for. */
export function stopped(run: Run): void {
  if (--run.leaving > 0) return;
  if (run.processes?.relieving) retire(run);
  else die(run);
}

/** All processes are gone, if they are not yet. The core's effects say what goes with them. */
export function die(run: Run): void {
  if (run.down) return;
  measurePools(run);
  run.counted = statistics(run);
  run.down = true;
  run.core.kill(run.now);
}

/** The new pooler is there. */
export function revive(run: Run): void {
  run.start(run.now);
  run.station?.clear();
  run.rousing?.clear();
  run.down = false;
}

/** What SHOW STATS would total, had the pooler never been restarted; by STAT. */
export function statistics(run: Run): Float64Array {
  const shown = run.down ? new Float64Array(STAT_NAMES.length) : sumStatistics(run.core.pools);
  return shown.map((value, i) => value + (run.counted[i] as number));
}
