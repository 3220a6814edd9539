/**
 * The tables of SHOW, with PgBouncer's columns and types. Source: PgBouncer 1.25.2 src/admin.c and
 * src/stats.c. What we do not have (slabs) is zero.
 */
import { showConfig } from "../../config/index.ts";
import { type Pool, SECOND, type User } from "../../core/index.ts";
import { DATABASE_COLUMNS, databaseRow } from "../../show/databases.ts";
import { POOL_COLUMNS, poolRow } from "../../show/pools.ts";
import {
  byDatabase,
  type StatsSource,
  showStats,
  showStatsAverages,
  showStatsTotals,
  showTotals,
} from "../../show/stats.ts";
import { columns, type Table, type Value } from "../../show/table.ts";
import type { ShowName } from "../../wire/console.ts";
import type { HostRole } from "../relay/roles.ts";
import { CONSOLE, VERSION } from "../system/names.ts";
import { showDescriptors } from "./show-descriptors.ts";
import { clientRows, loginRows, serverRows, socketColumns } from "./show-sockets.ts";

type Shown = Exclude<ShowName, "help">;

/** Makes the table of a SHOW from what is there at this moment. */
export const SHOW: Readonly<Record<Shown, (host: HostRole) => Table>> = {
  clients: (host) => ({ columns: socketColumns(false), rows: clientRows(host, "CLIENTS") }),
  servers: (host) => ({ columns: socketColumns(false), rows: serverRows(host, "SERVERS") }),
  sockets: (host) => sockets(host),
  active_sockets: activeSockets,
  config: showSettings,
  databases: showDatabases,
  lists: showLists,
  pools: showPools,
  users: showUsers,
  stats: (host) => showStats(counted(host)),
  stats_totals: (host) => showStatsTotals(counted(host)),
  stats_averages: (host) => showStatsAverages(counted(host)),
  totals: (host) => showTotals(counted(host)),
  state: showState,
  version: () => ({ columns: columns("version t"), rows: [[VERSION]] }),
  peers: showPeers,
  peer_pools: showPeerPools,
  mem: showMemory,
  fds: showDescriptors,
  dns_hosts: showNames,
  dns_zones: showZones,
};

function sockets(host: HostRole): Table {
  const clients = [...clientRows(host, "SOCKETS"), ...loginRows(host)];
  return { columns: socketColumns(true), rows: [...clients, ...serverRows(host, "SOCKETS")] };
}

/** Only those with bytes that wait: for the kernel, or for a server. */
function activeSockets(host: HostRole): Table {
  const { columns, rows } = sockets(host);
  const of = (name: string) => columns.findIndex((column) => column.name === name);
  const [read, unsent] = [of("pkt_avail"), of("send_avail")];
  return { columns, rows: rows.filter((row) => Number(row[read]) + Number(row[unsent]) > 0) };
}

function showSettings(host: HostRole): Table {
  const rows = showConfig(host.environment.config).map((row): Value[] => [
    row.key,
    row.value,
    row.default,
    row.changeable,
  ]);
  return { columns: columns("key t, value t, default t, changeable t"), rows };
}

/** The scheduler's counters, and those of the console's own pool. */
function counted({ now, averages, core, consolePool }: HostRole): StatsSource {
  return { now, averages, groups: byDatabase(core.pools, [CONSOLE, consolePool]) };
}

function showPools(host: HostRole): Table {
  const { core, environment } = host;
  const rows = core.pools.map((pool) =>
    poolRow(core, host.now, pool, environment.loadBalance(pool.database.settings.name)),
  );
  const zeros = Array.from({ length: 12 }, () => 0);
  const console: Value[] = [CONSOLE, CONSOLE, host.consoles.size, ...zeros, "statement", null];
  const at = rows.findIndex(([database]) => String(database) > CONSOLE);
  rows.splice(at < 0 ? rows.length : at, 0, console);
  return { columns: POOL_COLUMNS, rows };
}

function showDatabases(host: HostRole): Table {
  const { core, environment } = host;
  const rows = core.databases.map((database) => {
    const { name } = database.settings;
    const entry = environment.entryOf(name);
    return databaseRow(core.settings, database, {
      host: entry?.host ?? null,
      port: entry?.port ?? 5432,
      database: environment.serverDatabase(name),
      load_balance: environment.loadBalance(name),
    });
  });
  rows.push(consoleDatabase(host));
  rows.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return { columns: DATABASE_COLUMNS, rows };
}

function consoleDatabase(host: HostRole): Value[] {
  const { min_pool_size, reserve_pool_size, server_lifetime, max_db_connections } =
    host.core.settings;
  const sizes = [2, min_pool_size, reserve_pool_size, Math.floor(server_lifetime / SECOND)];
  const clients = [host.core.settings.max_db_client_connections, host.consoles.size];
  const limits = [max_db_connections, 0, ...clients, 0, 0];
  return [CONSOLE, null, host.port, CONSOLE, CONSOLE, ...sizes, "statement", null, ...limits];
}

const USERS =
  "name t, pool_size t, reserve_pool_size t, pool_mode t, max_user_connections i, " +
  "current_connections i, max_user_client_connections i, current_client_connections i";

function showUsers(host: HostRole): Table {
  const known = new Map(host.core.users.map((user) => [user.settings.name, user]));
  const { accounts } = host.environment;
  const names = new Set([...accounts.names, ...known.keys(), ...namedByEntries(host), CONSOLE]);
  const rows = [...names].sort().map((name) => userRow(host, name, known.get(name)));
  return { columns: columns(USERS), rows };
}

/** Users in whose name servers are logged in to, or asked for secrets; that of all databases is not shown. */
function namedByEntries({ core, environment }: HostRole): string[] {
  const entries = core.databases.map(({ settings }) => environment.entryOf(settings.name));
  return entries.flatMap((entry) => [entry?.user, entry?.auth_user].filter((name) => name != null));
}

function userRow(host: HostRole, name: string, user: User | undefined): Value[] {
  const { max_user_connections, max_user_client_connections } = host.core.settings;
  const settings = user?.settings;
  const size = (value: number | undefined): string =>
    value === undefined ? "" : String(value).padStart(9);
  return [
    name,
    size(settings?.pool_size),
    size(settings?.reserve_pool_size),
    settings?.pool_mode ?? null,
    settings?.max_user_connections || max_user_connections,
    user?.connections ?? 0,
    settings?.max_user_client_connections || max_user_client_connections,
    user?.clients ?? 0,
  ];
}

function showNames({ resolver }: HostRole): Table {
  const rows = resolver
    .names()
    .map(({ name, ttl, addresses }) => [name, Math.floor(ttl / SECOND), addresses.join(",")]);
  return { columns: columns("hostname t, ttl q, addrs t"), rows };
}

/** Serial numbers are asked for by PgBouncer with c-ares only. */
function showZones({ resolver }: HostRole): Table {
  const rows = resolver.zones().map(([zone, names]) => [zone, 0, names]);
  return { columns: columns("zonename t, serial q, count i"), rows };
}

function showPeers({ core, environment }: HostRole): Table {
  const rows = core.peers.map(({ peer, size }) => {
    const { host = "", port = 0 } = environment.peer(peer) ?? {};
    return [peer, host, port, size];
  });
  return { columns: columns("peer_id i, host t, port i, pool_size i"), rows };
}

/** A peer has a pool from the first request on that goes there. */
const peerPools = ({ core }: HostRole): Pool[] =>
  core.peers.filter((pool) => pool.last_connect_time > 0 || pool.waiting_cancel.length > 0);

function showPeerPools(host: HostRole): Table {
  const rows = peerPools(host).map(
    ({ peer, clients_active_cancel, waiting_cancel, active_cancel, login }) => [
      peer,
      clients_active_cancel,
      waiting_cancel.length,
      active_cancel,
      login,
    ],
  );
  const names = "cl_active_cancel_req i, cl_waiting_cancel_req i, sv_active_cancel i, sv_login i";
  return { columns: columns(`peer_id i, ${names}`), rows };
}

function showLists(host: HostRole): Table {
  const { core } = host;
  const logins = host.core.clientCount - host.clients.filter((client) => client).length;
  const rows: Value[][] = [
    ["databases", core.databases.length + 1],
    ["users", showUsers(host).rows.length],
    ["peers", core.peers.length],
    ["pools", core.pools.length + 1],
    ["peer_pools", peerPools(host).length],
    ["free_clients", 0],
    ["used_clients", core.clientCount + host.consoles.size],
    ["login_clients", logins],
    ["free_servers", 0],
    ["used_servers", core.serverCount],
    ["dns_names", host.resolver.size],
    ["dns_zones", host.resolver.zones().length],
    ["dns_queries", host.resolver.pending],
    ["dns_pending", 0],
  ];
  return { columns: columns("list t, items i"), rows };
}

function showState(host: HostRole): Table {
  const yes = (value: boolean): string => (value ? "yes" : "no");
  const rows = [
    ["active", yes(!host.core.paused && !host.suspension.on)],
    ["paused", yes(host.core.paused)],
    ["suspended", yes(host.suspension.on)],
  ];
  return { columns: columns("key t, value t"), rows };
}

/** Node.js manages memory, so there are no slabs: the counts are true, the bytes are not to be had. */
function showMemory(host: HostRole): Table {
  const { core, environment, clients, servers } = host;
  const connected = [...clients, ...servers].filter((end) => end !== undefined);
  const prepared = servers.reduce((sum, server) => sum + (server?.prepared ?? 0), 0);
  const counts: readonly [string, number][] = [
    ["user_cache", core.users.length],
    ["credentials_cache", environment.accounts.names.length],
    ["db_cache", core.databases.length],
    ["peer_cache", 0],
    ["peer_pool_cache", 0],
    ["pool_cache", core.pools.length],
    ["outstanding_request_cache", 0],
    ["server_cache", core.serverCount],
    ["client_cache", core.clientCount + host.consoles.size],
    ["iobuf_cache", connected.filter(({ channel }) => channel.pending > 0).length],
    ["var_list_cache", connected.length],
    ["server_prepared_statement_cache", prepared],
  ];
  const rows = counts.map(([name, used]): Value[] => [name, 0, used, 0, 0]);
  return { columns: columns("name t, size i, used i, free i, memtotal i"), rows };
}
