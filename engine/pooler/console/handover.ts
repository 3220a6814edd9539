/**
 * The old side of an online restart: SHOW FDS, asked by our own user over the Unix socket while SUSPEND is in
 * force, sends with each row the open socket itself, and in one more column what its relay remembers. A
 * PgBouncer that asks gets the rows that it knows and leaves that column alone. Connections with TLS and
 * replication connections stay, and end with us. Source: PgBouncer 1.25.2 src/admin.c, admin_show_fds().
 */
import { SERVER } from "../../core/index.ts";
import { columns, type Value } from "../../show/table.ts";
import { clientState, serverState, tableState } from "../../wire/handover.ts";
import { dataRow, rowDescription } from "../../wire/writer.ts";
import type { ClientRole, HostRole, ServerRole } from "../relay/roles.ts";
import type { Channel } from "../sockets/channel.ts";
import { libc } from "../system/libc.ts";
import { DESCRIPTOR_COLUMNS, doorRow, endRow, type Secrets } from "./show-descriptors.ts";

/** Milliseconds until the next try, where the other side has yet to read, and how long it may take. */
const RETRY_MS = 5;
const PATIENCE_MS = 10_000;

/** Can sockets be handed over now, on this connection of our own user's? Not those in Node's streams, nor systemd's. */
export function canHandOver({ suspension, doors }: HostRole, channel: Channel): boolean {
  return (
    suspension.complete && !doors.passed && channel.unix && channel.movable && libc() !== undefined
  );
}

/** Hands all sockets over. `done` is called once, without `error` when all have been sent. */
export function handOver(host: HostRole, to: Channel, done: (error?: string) => void): void {
  to.sendAll(rowDescription([...columns(DESCRIPTOR_COLUMNS), ...columns("state t")]));
  new Sender(to, rowsOf(host), done).go();
}

/** Sends row after row, with nothing else on the connection meanwhile, and never waits. */
class Sender {
  private row: Row | undefined;
  private last = Date.now();
  private readonly to: Channel;
  private readonly rows: Iterator<Row>;
  private readonly done: (error?: string) => void;

  constructor(to: Channel, rows: Iterator<Row>, done: (error?: string) => void) {
    this.to = to;
    this.rows = rows;
    this.done = done;
  }

  go(): void {
    for (let sent = this.send(); ; sent = this.send()) {
      if (sent === "done") this.done();
      else if (sent === undefined) continue;
      else if (sent !== "EAGAIN" && sent !== "ETOOMANYREFS") this.done(sent);
      else if (Date.now() - this.last > PATIENCE_MS) this.done("the other side does not read");
      else setTimeout(() => this.go(), RETRY_MS);
      return;
    }
  }

  /** Sends what the system takes; an error's name, `done`, or undefined when there is more to send. */
  private send(): string | undefined {
    // What is pending must be gone first: bytes keep their order.
    if (this.to.pending > 0) return "EAGAIN";
    this.row ??= this.rows.next().value;
    if (this.row === undefined) return "done";
    const { bytes, descriptor } = this.row;
    const sent = libc()?.send(this.to.descriptor, bytes, descriptor) ?? "ENOSYS";
    if (typeof sent === "string") return sent;
    this.last = Date.now();
    const rest = bytes.subarray(sent);
    // The socket goes with the first of its bytes.
    this.row = rest.length === 0 ? undefined : { bytes: rest, descriptor: undefined };
    return undefined;
  }
}

interface Row {
  readonly descriptor: number | undefined;
  readonly bytes: Buffer;
}

const withState = (values: readonly Value[], state: object): Row => ({
  descriptor: Number(values[0]),
  bytes: dataRow([...values, JSON.stringify(state)]),
});

/** Doors come first: once they are away nobody comes in here any more, and who is here is all there is. */
function* rowsOf(host: HostRole): Generator<Row, undefined> {
  const common = { statements: tableState(host.statements), pools: poolStates(host) };
  for (const [index, door] of host.doors.doors.entries())
    yield withState(doorRow(door), index === 0 ? common : {});
  host.suspension.handedOver = true;
  host.doors.letGo();
  for (const newcomer of host.entrances)
    if (newcomer?.fresh && newcomer.channel.movable)
      yield withState(freshRow(newcomer.channel), {});
  for (const client of host.clients)
    if (client !== undefined && goes(client) && (!client.upstream || goes(client.upstream)))
      yield withState(
        endRow("client", client, client.upstream, secretsOf(host, client)),
        clientState(client.relay),
      );
  for (const server of host.servers)
    if (server !== undefined && goes(server) && isKept(host, server))
      yield withState(
        endRow("server", server, server.client, secretsOf(host, server)),
        serverState(server.relay),
      );
}

const goes = ({ identity, channel }: ClientRole | ServerRole): boolean =>
  identity.replication === "no" && channel.movable; // With TLS it is not.

/** One that is linked, or free; not one that is logged in to, reset, checked or cancelled just now. */
function isKept({ core }: HostRole, { handle, client, atRest }: ServerRole): boolean {
  if (client !== undefined) return goes(client);
  const state = core.serverState(handle);
  const rests = state === SERVER.idle || state === SERVER.used;
  return atRest && rests && !core.closeNeeded(handle);
}

/** A connection that has not been read yet: the other process accepts it as its own. */
function freshRow(channel: Channel): Value[] {
  const { address, port } = channel.remote;
  const unknown = Array.from({ length: 7 }, () => null);
  const place = [null, null, address ?? "unix", port ?? 0, 0, 0];
  return [channel.descriptor, "client", ...place, ...unknown];
}

/** What the pools' servers have said of themselves: clients that come later are told so. */
function poolStates(host: HostRole): object[] {
  return host.core.pools
    .filter((pool) => pool.peer === 0 && pool.welcome_known)
    .map((pool) => {
      const { parameters, variables } = host.factsOf(pool);
      return {
        database: pool.database.settings.name,
        user: pool.user.settings.name,
        parameters: [...parameters, ...variables.entries()],
      };
    });
}

/**
 * Users of auth_file are known to the other process; it has to be told of secrets that were looked up and of
 * passwords that LDAP has approved of.
 */
function secretsOf(host: HostRole, end: ClientRole | ServerRole): Secrets {
  const { scramKeys, secret, password } = host.factsOf(end.pool);
  const known = host.environment.accounts.knows(end.identity.user);
  const bytea = (key: Buffer | undefined) =>
    key === undefined ? null : `\\x${key.toString("hex")}`;
  return [
    password ?? (known ? null : (secret ?? null)),
    bytea(scramKeys?.clientKey),
    bytea(scramKeys?.serverKey),
  ];
}
