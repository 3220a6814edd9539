/**
 * SHOW FDS, and the same rows with the sockets themselves for an online restart, see `handover.ts`. What is
 * needed only to go on with them (passwords, SCRAM keys) is NULL for everybody else.
 * Source: PgBouncer 1.25.2 src/admin.c, show_one_fd().
 */
import { columns, type Table, type Value } from "../../show/table.ts";
import type { ClientRole, HostRole, ServerRole } from "../relay/roles.ts";
import type { Door } from "../sockets/doors.ts";

/** Names and types of the columns. */
export const DESCRIPTOR_COLUMNS =
  "fd i, task t, user t, database t, addr t, port i, cancel q, link i, client_encoding t, " +
  "std_strings t, datestyle t, timezone t, password t, scram_client_key b, scram_server_key b";

/** What lets another process log in as these users do; null where there is none, or it is not told. */
export type Secrets = readonly [
  password: string | null,
  client_key: string | null,
  server_key: string | null,
];
const NO_SECRETS: Secrets = [null, null, null];

export function showDescriptors(host: HostRole): Table {
  const rows: Value[][] = host.doors.doors.map(doorRow);
  for (const client of host.clients)
    if (client !== undefined) rows.push(endRow("client", client, client.upstream, NO_SECRETS));
  for (const server of host.servers)
    if (server !== undefined) rows.push(endRow("server", server, server.client, NO_SECRETS));
  return { columns: columns(DESCRIPTOR_COLUMNS), rows };
}

/** A listening socket. */
export function doorRow({ descriptor, address, port }: Door): Value[] {
  const nothing = [null, null, null, null, ...NO_SECRETS];
  return [descriptor, "pooler", null, null, address, port, 0, 0, ...nothing];
}

/** A client or a server, and the other one if they are linked. */
export function endRow(
  task: "client" | "server",
  { channel, identity, key, relay }: ClientRole | ServerRole,
  linked: ClientRole | ServerRole | undefined,
  secrets: Secrets,
): Value[] {
  const variable = (name: string): string | null => relay.variables.value(name) ?? null;
  return [
    channel.descriptor,
    task,
    identity.user,
    identity.database,
    identity.address,
    identity.port,
    key.length === 8 ? key.readBigInt64BE() : 0,
    linked?.channel.descriptor ?? 0,
    variable("client_encoding"),
    variable("standard_conforming_strings"),
    variable("datestyle"),
    variable("timezone"),
    ...secrets,
  ];
}
