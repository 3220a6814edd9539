/** Who is at the other end of a connection: for the log and for SHOW. */
import { hostname } from "node:os";
import type { Nanos, Pool } from "../../core/index.ts";
import type { Replication } from "../../wire/startup.ts";
import type { Channel } from "../sockets/channel.ts";

let last = 0;

export class Identity {
  /** Counts clients and servers together from 1, as PgBouncer does. KILL_CLIENT takes it. */
  readonly id: number;
  readonly type: "C" | "S";
  database = "(nodb)";
  user = "(nouser)";
  /** How much of that is known to be so: names of strangers stay out of the prefix of log lines. */
  known: "nothing" | "user" | "database" | "pool";
  /** Address, or "unix". */
  address = "unix";
  port = 0;
  /** The number of the peer that its pool is for; 0: it is an ordinary one. */
  peer = 0;
  localAddress = "unix";
  localPort = 0;
  /** The process of a client at the other end of a Unix socket; 0: it is not known. */
  process = 0;
  /** TLS version and cipher, such as "TLSv1.3/TLS_AES_256_GCM_SHA384"; empty without TLS. */
  tls = "";
  /** Whether it is a replication connection, and of which kind. */
  replication: Replication = "no";
  /** When the connection was accepted or begun. */
  readonly since: Nanos;

  constructor(type: "C" | "S", since: Nanos) {
    this.id = ++last;
    this.type = type;
    this.known = type === "S" ? "pool" : "nothing";
    this.since = since;
  }

  /** Takes the addresses of a connected socket; `port` and `localPort` stand for those of a Unix socket. */
  locate(channel: Channel, port: number, localPort = port): void {
    const { remote, local } = channel;
    this.address = plain(remote.address) ?? "unix";
    this.port = remote.port ?? port;
    this.localAddress = plain(local.address) ?? "unix";
    this.localPort = local.port ?? localPort;
  }

  /** It belongs to that pool: a server, or a cancel request, which has no user. Those to peers have no names. */
  join({ peer, database, user }: Pool): void {
    this.peer = peer;
    if (peer > 0) return;
    this.database = database.settings.name;
    if (this.type === "S") this.user = user.settings.name;
    else this.known = "database";
  }

  /** What stands in place of PgBouncer's pointers: unique while the process runs. */
  get pointer(): string {
    return `0x${this.id.toString(16)}`;
  }

  /** For application_name_add_host. Source: PgBouncer 1.25.2 src/util.c, pga_details(). */
  get details(): string {
    const machine = this.process > 0 ? `(${this.process}@${hostname()})` : "";
    return place(`${this.address}${machine}`, this.port);
  }

  /** The prefix of log lines: `C-0x1f: shop/alice@127.0.0.1:50123`. */
  get label(): string {
    const address = this.process > 0 ? `${this.address}(${this.process})` : this.address;
    const where = place(address, this.port);
    const { known } = this;
    const database = known === "pool" || known === "database" ? this.database : "(nodb)";
    const user = known === "pool" || known === "user" ? this.user : "(nouser)";
    const whose = this.peer > 0 ? `peer-${this.peer}` : `${database}/${user}`;
    return `${this.type}-${this.pointer}: ${whose}@${where}`;
  }
}

/** With listen_addr = * one socket is there for IPv6 and IPv4, and has addresses such as `::ffff:10.0.0.1`. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** Address and port in one word: `127.0.0.1:50123`, `[::1]:50123`, `unix:6432`. */
export function place(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
