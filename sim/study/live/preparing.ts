/**
 * What a server must be told because it does not know its client, in a validation: the model says when, and
 * what it costs on this machine is measured on an idle connection. A calibration goes without it.
 */
import type { Nanos } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { setTimes } from "./probes.ts";
import type { Cell, Stand } from "./stand.ts";
import { median } from "./verdict.ts";

/** What it costs here. */
export interface PreparingCosts {
  /** A SET of parameters, there and back. */
  set: Nanos;
}

/** Whether servers of this workload must be told anything. */
const isTold = ({ clients }: Workload): boolean =>
  clients.some((kind) => kind.parameters !== undefined);

/** Measures; undefined where nothing has to be told. Errors: OutsideError. */
export async function preparingCosts(
  stand: Stand,
  cell: Cell,
): Promise<PreparingCosts | undefined> {
  if (!isTold(stand.workloadOf(cell))) return undefined;
  const { host, port, user, password, sslmode } = stand.target(cell);
  const [database = user] = stand.entries(cell);
  const address = stand.direct ?? { host, port, user, password, sslmode, database };
  return { set: median(await setTimes(address)) };
}

/** The workload with clients whom every server knows. */
export function withoutTelling(workload: Workload): Workload {
  const clients = workload.clients.map((kind) => ({ ...kind, parameters: undefined }));
  return { ...workload, clients };
}

/** The stand, its workloads without telling. */
export function standWithoutTelling(stand: Stand): Stand {
  return { ...stand, workloadOf: (cell) => withoutTelling(stand.workloadOf(cell)) };
}
