/**
 * The sockets of another process become clients and servers of this one, which go on where they were. From
 * a PgBouncer come fewer facts: its servers are closed on release, for it is not known what is on them.
 * Source: PgBouncer 1.25.2 src/takeover.c, src/objects.c.
 */
import { closeSync } from "node:fs";
import { type Pool, STATUS } from "../core/index.ts";
import {
  type ClientState,
  restoreClient,
  restoreServer,
  restoreTable,
  type ServerState,
  type TableState,
} from "../wire/handover.ts";
import type { Statement } from "../wire/prepared.ts";
import { Variables } from "../wire/variables.ts";
import type { Host } from "./host.ts";
import { Client } from "./relay/client.ts";
import { Identity } from "./relay/identity.ts";
import { Upstream } from "./relay/upstream.ts";
import { Channel } from "./sockets/channel.ts";
import { processOf } from "./sockets/unix-peer.ts";
import type { Taken } from "./takeover.ts";

/** A row of SHOW FDS by its columns' names. */
interface Row {
  readonly descriptor: number;
  readonly task: string;
  readonly user: string | null;
  readonly database: string | null;
  readonly unix: boolean;
  readonly port: number;
  readonly key: Buffer;
  /** The number that the socket had there, and that of the one linked to it; 0: none. */
  readonly old: string;
  readonly link: string;
  readonly variables: [string, string][];
  readonly password: string | null;
  readonly clientKey: Buffer | undefined;
  readonly serverKey: Buffer | undefined;
  /** Undefined: it is a PgBouncer's. */
  readonly state: object | undefined;
}

/** What goes for all: comes with the first row. */
interface Common {
  readonly statements: TableState;
  readonly pools: readonly {
    readonly database: string;
    readonly user: string;
    readonly parameters: [string, string][];
  }[];
}

/** Those to listen on. */
export const doorsOf = (taken: readonly Taken[]) =>
  taken.map(rowOf).filter(({ task }) => task === "pooler");

/** Brings clients and servers into the host, which has not started yet. They are read from now on. */
export function adopt(host: Host, taken: readonly Taken[]): void {
  const rows = taken.map(rowOf);
  const common = rows[0]?.state as Common | undefined;
  const statements = restoreTable(host.statements, common?.statements ?? []);
  const channels: Channel[] = [];
  const clients = new Map<string, Client>();
  host.begin();
  for (const row of rows.filter(({ task }) => task === "client")) {
    const channel = Channel.ofDescriptor(row.descriptor, row.unix);
    const client = adoptClient(host, row, channel, statements);
    if (client !== undefined) clients.set(row.old, client);
    channels.push(channel);
  }
  for (const row of rows.filter(({ task }) => task === "server"))
    channels.push(...adoptServer(host, row, clients.get(row.link), statements));
  dropLinkless(rows, clients);
  learn(host, common);
  host.end();
  for (const channel of channels) channel.thaw();
}

function adoptClient(
  host: Host,
  row: Row,
  channel: Channel,
  statements: ReadonlyMap<number, Statement>,
): Client | undefined {
  const { core, now, environment } = host;
  const { database, user, key } = row;
  if (database === null || user === null) {
    host.accept(channel); // It has said nothing yet.
    return undefined;
  }
  const place = core.database(database);
  const handle = core.accept(now);
  const login = core.user(environment.loginUser(database, user));
  if (place < 0) core.disconnect(now, handle);
  if (place < 0 || !core.startup(now, handle, place, login)) {
    channel.destroy();
    return undefined;
  }
  core.adoptClient(now, handle);
  const pool = core.clientPool(handle);
  const identity = Object.assign(new Identity("C", now), { database, user, known: "pool" });
  identity.locate(channel, host.port);
  identity.process = processOf(channel);
  const variables = new Variables(environment.variableNames);
  const parts = { handle, channel, identity, variables, options: undefined, pool, key };
  const client = new Client(host, parts);
  restoreClient(client.relay, clientStateOf(row), statements);
  client.goOn(undefined);
  channel.owner = client;
  host.admit(client);
  remember(host, pool, row);
  return client;
}

function adoptServer(
  host: Host,
  row: Row,
  client: Client | undefined,
  statements: ReadonlyMap<number, Statement>,
): Channel[] {
  const { core, now } = host;
  const { database, user, key } = row;
  const place = database === null ? -1 : core.database(database);
  const alone = row.link !== "0" && client === undefined;
  if (place < 0 || user === null || alone) {
    closeSync(row.descriptor);
    return [];
  }
  const handle = core.adoptServer(now, client?.handle ?? -1, place, core.user(user));
  const channel = Channel.ofDescriptor(row.descriptor, row.unix);
  const pool = core.serverPool(handle);
  const server = new Upstream(host, handle, pool, channel);
  const state = serverStateOf(row);
  restoreServer(server.relay, state, statements);
  server.goOn(key, row.port);
  host.admitServer(server);
  remember(host, pool, row);
  if (client !== undefined) client.goOn(server);
  if (client !== undefined && state.status !== STATUS.busy) core.ready(now, handle, state.status);
  return [channel];
}

/** A client whose server has not come along is in the middle of something that nobody can go on with. */
function dropLinkless(rows: readonly Row[], clients: ReadonlyMap<string, Client>): void {
  for (const { link, old } of rows) {
    const client = clients.get(old);
    if (link !== "0" && client !== undefined && client.upstream === undefined) client.ended();
  }
}

/** A password beside the one in auth_file is one that LDAP has approved of. */
function remember(host: Host, pool: Pool, { user, password, clientKey, serverKey }: Row): void {
  const facts = host.factsOf(pool);
  const known = user !== null && host.environment.accounts.knows(user);
  if (password !== null) facts[known ? "password" : "secret"] = password;
  if (clientKey !== undefined && serverKey !== undefined)
    facts.scramKeys = { clientKey, serverKey };
}

/** Pools of which nothing is known open new servers for who logs in, and close those that have come. */
function learn(host: Host, common: Common | undefined): void {
  const { core } = host;
  for (const pool of core.pools) {
    const [database, user] = [pool.database.settings.name, pool.user.settings.name];
    const known = common?.pools.find((one) => one.database === database && one.user === user);
    if (known !== undefined) host.factsOf(pool).learn(known.parameters);
    else core.reconnect(host.now, pool.database.id);
  }
}

/** By the columns of SHOW FDS, see `show-descriptors.ts`. */
function rowOf({ descriptor, columns }: Taken): Row {
  const [old, task, user, database, address, port, cancel, link] = columns;
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt.asUintN(64, BigInt(cancel ?? "0")));
  const state = columns[15];
  return {
    descriptor,
    task: task ?? "",
    user: user ?? null,
    database: database ?? null,
    unix: address?.startsWith("unix") === true,
    port: Number(port ?? 0),
    key,
    old: old ?? "",
    link: link ?? "0",
    variables: NAMES.flatMap((name, index) => {
      const value = columns[8 + index];
      return value === null || value === undefined ? [] : [[name, value] as [string, string]];
    }),
    password: columns[12] ?? null,
    clientKey: bytea(columns[13]),
    serverKey: bytea(columns[14]),
    state: state === null || state === undefined ? undefined : (JSON.parse(state) as object),
  };
}

const NAMES = ["client_encoding", "standard_conforming_strings", "DateStyle", "TimeZone"];

function bytea(text: string | null | undefined): Buffer | undefined {
  return text?.startsWith("\\x") ? Buffer.from(text.slice(2), "hex") : undefined;
}

/** Of a PgBouncer's client with a server it is not known whether an answer is due: one ends the query. */
function clientStateOf({ state, variables, link }: Row): ClientState {
  const busy = link !== "0";
  const plain = { variables, busy, copying: false, names: [], unanswered: [] };
  return (state as ClientState | undefined) ?? plain;
}

function serverStateOf({ state, variables, link }: Row): ServerState {
  const status = link === "0" ? STATUS.idle : STATUS.busy;
  const plain = { variables, status, copying: false, failed: false, outstanding: [] };
  const none = { statements: [], pending: [], batch: 0 };
  return (state as ServerState | undefined) ?? { ...plain, ...none };
}
