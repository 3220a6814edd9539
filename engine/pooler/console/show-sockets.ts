/** SHOW CLIENTS, SERVERS and SOCKETS. Source: PgBouncer 1.25.2 src/admin.c, socket_row(). */
import { CLIENT_STATES, type Nanos, SERVER_STATES } from "../../core/index.ts";
import { columns, type Value } from "../../show/table.ts";
import type { Column } from "../../wire/writer.ts";
import type { Identity } from "../relay/identity.ts";
import type { ClientRole, HostRole, ServerRole } from "../relay/roles.ts";
import { localTime, timeZone } from "../system/clock.ts";

type Which = "CLIENTS" | "SERVERS" | "SOCKETS";

const STANDARD =
  "type t, user t, database t, replication t, state t, addr t, port i, local_addr t, local_port i, " +
  "connect_time t, request_time t, wait i, wait_us i, close_needed i, ptr t, link t, remote_pid i, " +
  "tls t, application_name t, prepared_statements i, id i";
const BUFFERS =
  "recv_pos i, pkt_pos i, pkt_remain i, send_pos i, send_remain i, pkt_avail i, send_avail i";

/** `buffers`: those of SHOW SOCKETS. Node.js has the buffers, so they are zero but the last two. */
export function socketColumns(buffers: boolean): Column[] {
  return columns(buffers ? `${STANDARD}, ${BUFFERS}` : STANDARD);
}

/** The states of a client in the core under SHOW's names. */
const CLIENT_NAMES: Readonly<Record<(typeof CLIENT_STATES)[number], string>> = {
  free: "",
  login: "login",
  active: "active",
  waiting: "waiting",
  waiting_login: "waiting",
  waiting_cancel: "waiting_cancel_req",
  active_cancel: "active_cancel_req",
};

/** SHOW SOCKETS has prefixes, and calls a server that logs in `login`, not `new`. */
const PREFIX = { C: "cl_", S: "sv_" } as const;

/** What differs between clients, servers and consoles; the rest is common. */
interface Facts {
  identity: Identity;
  /** Where it is not the identity's. */
  database?: string;
  state: string;
  requested: Nanos;
  /** When the running query began; -1: there is none. */
  query: Nanos;
  closeNeeded: boolean;
  link: string;
  pid: number;
  application: string;
  prepared: number;
  /** Bytes that have come and wait for a server. */
  kept: number;
  /** Bytes that the kernel has not taken yet. */
  pending: number;
}

const NOTHING = {
  query: -1,
  closeNeeded: false,
  link: "",
  pid: 0,
  application: "",
  prepared: 0,
  kept: 0,
  pending: 0,
} as const;

export function clientRows(host: HostRole, which: Which): Value[][] {
  const rows: Value[][] = [];
  for (const client of host.clients)
    if (client !== undefined) rows.push(row(host, clientFacts(host, client), which));
  if (which === "CLIENTS") rows.push(...cancelRows(host));
  for (const { identity, application, requested } of host.consoles)
    rows.push(row(host, { ...NOTHING, identity, state: "idle", requested, application }, which));
  return rows;
}

/** Cancel requests: in SHOW CLIENTS and, as in PgBouncer, not in SHOW SOCKETS. */
function cancelRows(host: HostRole): Value[][] {
  const { core } = host;
  return host.entrances.flatMap((guest) => {
    if (guest === undefined || !isCancel(host, guest)) return [];
    const { handle, identity } = guest;
    const pool = core.clientPool(handle);
    const facts = {
      ...NOTHING,
      identity,
      database: pool.peer > 0 ? identity.database : pool.database.settings.name,
      state: CLIENT_NAMES[CLIENT_STATES[core.clientState(handle)] ?? "free"],
      requested: core.clientRequestTime(handle),
    };
    return [row(host, facts, "CLIENTS")];
  });
}

function isCancel({ core }: HostRole, { handle }: { handle: number }): boolean {
  const state = CLIENT_STATES[core.clientState(handle)];
  return state === "waiting_cancel" || state === "active_cancel";
}

/** Those that are not in yet; SHOW SOCKETS has them, SHOW CLIENTS has not. */
export function loginRows(host: HostRole): Value[][] {
  return host.entrances.flatMap((guest) => {
    if (guest === undefined || isCancel(host, guest)) return [];
    const { identity, channel } = guest;
    const requested = identity.since;
    const facts = { ...NOTHING, identity, state: "login", requested, pending: channel.pending };
    return [row(host, facts, "SOCKETS")];
  });
}

export function serverRows(host: HostRole, which: Which): Value[][] {
  const rows: Value[][] = [];
  for (const server of host.servers)
    if (server !== undefined) rows.push(row(host, serverFacts(host, server), which));
  return rows;
}

function clientFacts(host: HostRole, client: ClientRole): Facts {
  const { core } = host;
  const { handle, identity, upstream, relay } = client;
  const state = CLIENT_NAMES[CLIENT_STATES[core.clientState(handle)] ?? "free"];
  return {
    ...NOTHING,
    identity,
    state: state === "active" && upstream === undefined ? "idle" : state,
    requested: core.clientRequestTime(handle),
    query: core.queryStart(handle),
    link: upstream?.identity.pointer ?? "",
    application: relay.variables.value("application_name") ?? "",
    prepared: relay.statements?.size ?? 0,
    kept: client.kept,
    pending: client.channel.pending,
  };
}

function serverFacts(host: HostRole, server: ServerRole): Facts {
  const { core } = host;
  const { handle, identity, client, relay } = server;
  const state = SERVER_STATES[core.serverState(handle)] ?? "free";
  return {
    ...NOTHING,
    identity,
    state: state === "login" ? "new" : state,
    requested: core.serverRequestTime(handle),
    closeNeeded: core.closeNeeded(handle),
    link: client?.identity.pointer ?? "",
    pid: server.key.length >= 4 ? server.key.readInt32BE(0) : 0,
    application: relay.variables.value("application_name") ?? "",
    prepared: server.prepared,
    pending: server.channel.pending,
  };
}

function row(host: HostRole, facts: Facts, which: Which): Value[] {
  const { identity, link, application, prepared, kept, pending } = facts;
  const waited = facts.query < 0 ? 0 : Math.floor((host.now - facts.query) / 1_000);
  const values = [
    identity.type,
    identity.user,
    facts.database ?? identity.database,
    identity.replication === "no" ? "none" : identity.replication,
    which === "SOCKETS" ? socketState(identity.type, facts.state) : facts.state,
    identity.address,
    identity.port,
    identity.localAddress,
    identity.localPort,
    instant(host, identity.since),
    instant(host, facts.requested),
    Math.floor(waited / 1_000_000),
    waited % 1_000_000,
    facts.closeNeeded ? 1 : 0,
    identity.pointer,
    link,
    facts.pid || identity.process,
    identity.tls,
    application,
    prepared,
    identity.id,
  ];
  return which === "SOCKETS" ? [...values, 0, 0, 0, 0, 0, kept, pending] : values;
}

function socketState(type: "C" | "S", state: string): string {
  const bare = state === "new" ? "login" : state;
  return `${PREFIX[type]}${type === "C" && bare === "idle" ? "active" : bare}`;
}

/** "2026-01-31 13:05:09 CET" */
function instant(host: HostRole, at: Nanos): string {
  const date = host.dateOf(at);
  return `${localTime(date)} ${timeZone(date)}`;
}
