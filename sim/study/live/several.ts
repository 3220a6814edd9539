/**
 * Several processes of our pooler on one port. The system deals the clients out among them by its hash of
 * their addresses, which nobody can foretell: so it is looked at, by the keys that the processes give out,
 * and a live run is predicted for the very deal that it had.
 */
import { ConfigError } from "../../../engine/config/index.ts";
import { canSharePort } from "../../../engine/pooler/sockets/shared-port.ts";
import { type LiveResult, usesCores } from "../../../workloads/live/index.ts";
import { isDemanding } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import type { SimulateOptions } from "../../model/index.ts";

/** Processes of the pooler. */
export const processesOf = ({ pooler }: Workload): number => pooler?.processes ?? 1;

/** What stands beside several processes. */
interface Beside {
  /** `--pooler-dsn`, as it is shown. */
  running?: string | undefined;
  pgbouncer?: string | undefined;
}

/** Refuses what cannot be played with several processes. Errors: ConfigError. */
export function checkProcesses(workload: Workload, beside: Beside): void {
  if (processesOf(workload) === 1) return;
  const { running, pgbouncer } = beside;
  if ((running ?? pgbouncer) !== undefined)
    throw refusal(workload, "1 where the pooler is not ours, and does not tell who is where");
  if (!canSharePort())
    throw refusal(workload, "1 here: sharing a port takes Node.js 22.12, or koffi and Linux");
}

/** Refuses what can be played so, and not predicted. Errors: ConfigError. */
export function checkComparable(workload: Workload): void {
  if (processesOf(workload) === 1) return;
  if (usesCores(workload))
    throw refusal(workload, "1 in a validation with work: cpu, whose capacity is measured on one");
  if (workload.clients.some((kind) => kind.app_pool !== undefined || isDemanding(kind)))
    throw refusal(
      workload,
      "1 in a validation of clients with app_pool, timeout or retry: they connect anew, and by then " +
        "the live run and its prediction are dealt out differently",
    );
}

function refusal(workload: Workload, expected: string): ConfigError {
  const got = String(processesOf(workload));
  return new ConfigError({
    at: workload.file,
    name: "pooler.processes",
    got,
    expected,
    fix: "set pooler.processes=1, or simulate instead",
  });
}

/** Where each session of each client was in a live run; undefined for those that it never saw. */
export function dealOf({ kinds, sessions }: LiveResult): SimulateOptions["deal"] {
  const seen = new Map<string, number[]>();
  for (let at = 0; at < sessions.length; at++) {
    const kind = kinds[sessions.kind[at] as number]?.name;
    const name = JSON.stringify([kind, sessions.client[at]]);
    const processes = seen.get(name) ?? [];
    processes.push(sessions.process[at] as number);
    seen.set(name, processes);
  }
  return (kind, number, session) => {
    const process = seen.get(JSON.stringify([kind, number]))?.[session] ?? -1;
    return process < 0 ? undefined : process;
  };
}
