/**
 * What a server must be told because it does not know its client, in a validation: the model says when, and
 * what it costs on this machine is measured on an idle connection. A calibration goes without it.
 */
import type { Nanos } from "../../../engine/core/index.ts";
import { Counts, preparedSql, prepares, Sleeps } from "../../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../../workloads/schema/workload.ts";
import { parseTimes, setTimes } from "./probes.ts";
import type { Cell, Stand } from "./stand.ts";
import { median } from "./verdict.ts";

/** What it costs here. */
export interface PreparingCosts {
  /** A SET of parameters, there and back. */
  set: Nanos;
  /** The Parse of a statement, beside its use. */
  parse: Nanos;
}

/** Whether servers of this workload must be told anything. */
const isTold = (workload: Workload): boolean =>
  prepares(workload) || workload.clients.some((kind) => kind.parameters !== undefined);

/** Measures; undefined where nothing has to be told. Errors: OutsideError. */
export async function preparingCosts(
  stand: Stand,
  cell: Cell,
): Promise<PreparingCosts | undefined> {
  const workload = stand.workloadOf(cell);
  if (!isTold(workload)) return undefined;
  const { host, port, user, password, sslmode } = stand.target(cell);
  const [database = user] = stand.entries(cell);
  const address = stand.direct ?? { host, port, user, password, sslmode, database };
  const counts = workload.clients.some((kind) => kind.transaction.work === "cpu");
  const statements = counts ? new Counts(1) : new Sleeps();
  const parses = await parseTimes(address, (name) => preparedSql(statements, name));
  return { set: median(await setTimes(address)), parse: Math.max(0, Math.round(median(parses))) };
}

/**
 * The workload with clients whom every server knows: without parameters, and with one prepared statement where
 * they have several, which is soon known to all of them.
 */
export function withoutTelling(workload: Workload): Workload {
  return mapped(workload, (kind) => {
    const prepared = kind.prepared && { ...kind.prepared, statements: 1 };
    return { ...kind, prepared, parameters: undefined };
  });
}

/** The workload whose statements take as long to parse as they do here. */
export function withParse(workload: Workload, costs: PreparingCosts | undefined): Workload {
  if (costs === undefined) return workload;
  return mapped(workload, (kind) => ({
    ...kind,
    prepared: kind.prepared && { ...kind.prepared, parse: costs.parse },
  }));
}

const mapped = (workload: Workload, change: (kind: ClientKind) => ClientKind): Workload => ({
  ...workload,
  clients: workload.clients.map(change),
});

/** The stand, its workloads without telling. */
export function standWithoutTelling(stand: Stand): Stand {
  return { ...stand, workloadOf: (cell) => withoutTelling(stand.workloadOf(cell)) };
}
