/** The load as something to be sized: so many clients, or so many per cent of the arrivals. */
import { staying } from "../../../workloads/schema/kinds.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { connectionsOf } from "../pools.ts";
import { counted } from "../words.ts";
import type { Varied } from "./probes.ts";
import { holdings } from "./reason.ts";
import { withLoad } from "./variants.ts";

/**
 * A size is a number of clients where the workload has any that stay, all kinds together; their shares
 * stay as they are, and arrivals from outside grow by the same factor. Else it is per cent of the arrivals.
 * `max_client_conn` makes room for the clients, for it is no more than a limit on open sockets.
 */
export const LOAD: Varied = {
  at: (workload, size) => withRoom(withLoad(workload, factorOf(workload, size)), workload),
  name: (size, workload) =>
    clientsOf(workload) === undefined ? `${size} % of the arrivals` : counted(size, "client"),
};

/** A size as a multiple of the workload's own load. */
export function factorOf(workload: Workload, size: number): number {
  return size / (clientsOf(workload) ?? 100);
}

/** Clients that stay, all kinds together; undefined when all of them come from outside. */
export function clientsOf({ clients }: Workload): number | undefined {
  const count = clients.reduce((sum, kind) => sum + (kind.count ?? 0), 0);
  return count > 0 ? count : undefined;
}

/** Where to begin: as many as the pools hold with a square root of spare connections (A. K. Erlang). */
export function likelySize(workload: Workload): number {
  const wanted = holdings(workload).reduce((sum, part) => sum + part.connections, 0);
  const servers = serversOf(workload);
  const own = clientsOf(workload) ?? 100;
  const size = (own * (servers - Math.sqrt(servers))) / Math.max(1e-9, wanted);
  return Math.max(1, Math.round(size));
}

/** Server connections that all pools may have together. */
function serversOf(workload: Workload): number {
  return connectionsOf(workload, workload.server.max_connections);
}

/** `max_client_conn` with room for all who stay, and for as many others as the file leaves room for. */
function withRoom(changed: Workload, { clients, settings }: Workload): Workload {
  const come = clients.some((kind) => kind.count === undefined);
  const spare = come ? Math.max(0, settings.max_client_conn - staying(clients)) : 0;
  const max_client_conn = Math.max(settings.max_client_conn, staying(changed.clients) + spare);
  return { ...changed, settings: { ...changed.settings, max_client_conn } };
}
