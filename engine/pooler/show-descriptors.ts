/**
 * SHOW FDS. PgBouncer hands the sockets over with it; Node.js cannot, so what would be needed to go on with
 * them (passwords, SCRAM keys) is NULL. Source: PgBouncer 1.25.2 src/admin.c, show_one_fd().
 */

import { columns, type Table, type Value } from "../show/table.ts";
import type { ClientRole, HostRole, ServerRole } from "./roles.ts";

const COLUMNS =
  "fd i, task t, user t, database t, addr t, port i, cancel q, link i, client_encoding t, " +
  "std_strings t, datestyle t, timezone t, password t, scram_client_key b, scram_server_key b";

export function showDescriptors(host: HostRole): Table {
  const rows: Value[][] = [];
  for (const client of host.clients)
    if (client !== undefined) rows.push(row("client", client, client.upstream));
  for (const server of host.servers)
    if (server !== undefined) rows.push(row("server", server, server.client));
  return { columns: columns(COLUMNS), rows };
}

function row(
  task: string,
  { channel, identity, key, relay }: ClientRole | ServerRole,
  linked: ClientRole | ServerRole | undefined,
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
    null,
    null,
    null,
  ];
}
