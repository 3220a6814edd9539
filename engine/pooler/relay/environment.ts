/** The configuration in use and everything that is made of it. RELOAD and SET put a new one in force. */
import { randomBytes } from "node:crypto";
import { existsSync, lstatSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
import {
  CALLS_NEED,
  type Config,
  ConfigError,
  coreSettings,
  type DatabaseEntry,
  misread,
  type PeerEntry,
  plainRefusals,
  poolerNotes,
} from "../../config/index.ts";
import type { CoreSettings, Pool } from "../../core/index.ts";
import type { ClientLoginOptions } from "../../wire/client-login.ts";
import type { RelayOptions } from "../../wire/relay.ts";
import { ServerLogin, type ServerLoginOptions } from "../../wire/server-login.ts";
import { VariableNames } from "../../wire/variables.ts";
import { Accounts } from "../auth/accounts.ts";
import { NO_PEER } from "../auth/admission.ts";
import type { Target } from "../sockets/channel.ts";
import type { ListenSettings } from "../sockets/listener.ts";
import { canSharePort } from "../sockets/shared-port.ts";
import { type SocketOptions, socketOptions } from "../sockets/socket-options.ts";
import { abstractRefusal, isUnixHost, socketPath } from "../sockets/socket-path.ts";
import { hasLibc } from "../system/libc.ts";
import type { Log } from "../system/log.ts";
import { CONSOLE } from "../system/names.ts";
import type { PoolFacts } from "./facts.ts";
import type { Identity } from "./identity.ts";

const words = (list: string): string[] => list.split(/[\s,]+/).filter((word) => word !== "");

/**
 * Bytes of the largest packet of a login: strangers fill no more of our memory. The longest password,
 * of 65 531 bytes, fits. Source: PgBouncer 1.25.2 include/bouncer.h, MAX_PASSWORD.
 */
const LOGIN_PACKET = 80 * 1024;

/** From this the salts of users that do not exist are made, so that they look like any other's. */
const mockKey = randomBytes(32);

/** Where a user's secret is looked up: by `sql`, which has `$1` for the user, as `user` in `database`. */
export interface Lookup {
  readonly sql: string;
  readonly user: string;
  readonly database: string;
}

export class Environment {
  readonly config: Config;
  readonly core: CoreSettings;
  readonly accounts: Accounts;
  readonly variableNames: VariableNames;
  readonly relayOptions: RelayOptions;
  /** What each TCP connection is told, see `tune`. */
  readonly socketOptions: SocketOptions;
  private readonly ignored: ReadonlySet<string>;
  private readonly entries: ReadonlyMap<string, DatabaseEntry>;

  /**
   * `before` is the one that it takes the place of, by RELOAD or by a SET. Errors: ConfigError for what the
   * pooler cannot do.
   */
  constructor(config: Config, before?: Environment, by: "RELOAD" | "SET" = "RELOAD") {
    const { values } = config;
    const refusal =
      plainRefusals(config, hasLibc)[0] ?? portRefusal(config) ?? abstractRefusal(config);
    if (refusal !== undefined) throw refusal;
    this.config = config;
    this.core = coreSettings(config);
    this.accounts = new Accounts(config, before?.accounts, by);
    this.socketOptions = socketOptions(values);
    this.variableNames = new VariableNames(words(values.track_extra_parameters));
    this.ignored = new Set(words(values.ignore_startup_parameters));
    this.entries = new Map(config.databases.map((entry) => [entry.name, entry]));
    this.relayOptions = {
      maxPacketSize: values.max_packet_size,
      disablePqexec: values.disable_pqexec,
    };
  }

  /** Tells the log what the configuration asks for in vain, and what of it is left out. */
  tell(log: Log): void {
    this.accounts.tell(log);
    for (const number of this.config.misread) log.write("WARNING", misread(number));
    for (const note of this.notes) log.write("LOG", note);
  }

  private get notes(): string[] {
    return [
      ...poolerNotes(this.config, hasLibc),
      ...this.accounts.rules.flatMap(({ at, method, note }) => {
        const lost = method === "peer" && !hasLibc();
        const why = lost ? `this rule lets nobody in: ${NO_PEER}` : note;
        return why === undefined ? [] : [`${at}: ${why}`];
      }),
    ];
  }

  /** The entry for a database; undefined: there is none, nor a `*` entry. */
  entryOf(database: string): DatabaseEntry | undefined {
    return this.entries.get(database) ?? this.config.autodb;
  }

  /** As whom a client is counted: with auth_type = any its own name means nothing. */
  loginUser(database: string, user: string): string {
    if (this.accounts.method !== "any") return user;
    return database === CONSOLE ? CONSOLE : (this.entryOf(database)?.user ?? user);
  }

  /** Where the next server of a pool is. Along a list of hosts it counts on the pool's turn. */
  nextTarget(pool: Pool, facts: PoolFacts): Target {
    if (pool.peer > 0) return this.peerTarget(pool.peer);
    const entry = this.entryOf(pool.database.settings.name);
    const { port } = entry ?? { port: 5432 };
    const hosts = hostsOf(entry);
    if (hosts.length > 1 && !takesTurns(entry) && pool.last_connect_failed) facts.turn++;
    const host = hosts[facts.turn % hosts.length];
    if (hosts.length > 1 && takesTurns(entry)) facts.turn++;
    return targetAt(host || this.config.values.unix_socket_dir, port);
  }

  /** The entry of `[peers]` with this number. */
  peer(id: number): PeerEntry | undefined {
    return this.config.peers.find(({ name }) => Number(name) === id);
  }

  private peerTarget(peer: number): Target {
    const entry = this.peer(peer);
    return targetAt(entry?.host ?? "", entry?.port ?? 0);
  }

  /** How users of a database whom auth_file does not name are looked up; undefined: they are not. */
  lookupFor(database: string): Lookup | undefined {
    const { values } = this.config;
    const entry = database === CONSOLE ? undefined : this.entryOf(database);
    const user = entry?.auth_user ?? values.auth_user;
    if (user === null || user === "") return undefined;
    const place = entry?.auth_dbname ?? values.auth_dbname;
    return {
      sql: entry?.auth_query ?? values.auth_query,
      user,
      database: place === null || place === "" ? database : place,
    };
  }

  /** load_balance_hosts as SHOW has it: null unless there is a list. */
  loadBalance(database: string): string | null {
    const entry = this.entryOf(database);
    if (hostsOf(entry).length < 2) return null;
    return takesTurns(entry) ? "round-robin" : "disable";
  }

  /** The database's name on its server. */
  serverDatabase(database: string): string {
    return this.entryOf(database)?.dbname ?? database;
  }

  /**
   * How a client of a pool logs in to the pool's server; `tls`: is the server asked for it? `chosen`: the
   * parameters of a replication client, the last of equal names being the one that counts.
   */
  serverLogin(
    pool: Pool,
    facts: PoolFacts,
    tls: ServerLoginOptions["tls"],
    chosen: ServerLoginOptions["parameters"],
  ): ServerLogin {
    const name = pool.database.settings.name;
    const user = pool.user.settings.name;
    const entry = this.entryOf(name);
    const own = entry?.user === user && entry.password !== "" ? entry.password : undefined;
    const wanted = {
      client_encoding: entry?.client_encoding,
      datestyle: entry?.datestyle,
      timezone: entry?.timezone,
      application_name: entry?.application_name,
    };
    const given = Object.entries(wanted).flatMap(([key, value]): [string, string][] =>
      value === undefined || value === null ? [] : [[key, value]],
    );
    return new ServerLogin({
      tls,
      user,
      parameters: [["database", this.serverDatabase(name)], ...given, ...chosen],
      secret: own ?? facts.password ?? this.accounts.secretOf(user) ?? facts.secret ?? "",
      scramKeys: facts.scramKeys,
      connectQuery: entry?.connect_query ?? undefined,
      maxPacketSize: this.config.values.max_packet_size,
      random: randomBytes,
    });
  }

  /** How a client logs in; `tls`: may or must it be used? A RELOAD holds for who has not asked yet, too. */
  clientLogin(identity: Identity, tls: () => ClientLoginOptions["tls"]): ClientLoginOptions {
    const { values } = this.config;
    const peer = values.application_name_add_host ? identity.details : undefined;
    return {
      get tls() {
        return tls();
      },
      rules: { names: this.variableNames, ignored: this.ignored, peer },
      maxPacketSize: Math.min(values.max_packet_size, LOGIN_PACKET),
      random: randomBytes,
      scramIterations: values.scram_iterations,
      mockKey,
    };
  }

  /** What to listen on. */
  get listen(): ListenSettings {
    const { values, given } = this.config;
    return {
      addresses: words(values.listen_addr),
      port: values.listen_port,
      backlog: values.listen_backlog < 0 ? 0x7fff_ffff : values.listen_backlog,
      reusePort: values.so_reuseport,
      // Its default would have every pooler make system calls: it holds where it is written.
      deferAccept: given.has("tcp_defer_accept") && values.tcp_defer_accept,
      receiveBuffer: values.tcp_socket_buffer,
      socketDirectory: values.unix_socket_dir,
      socketMode: values.unix_socket_mode,
      socketGroup: values.unix_socket_group,
    };
  }

  /**
   * True if nobody but our own user (and root) can reach the Unix socket: there is a private directory on
   * the way to it. Then the system need not be asked who is at the other end.
   */
  get socketIsPrivate(): boolean {
    const { unix_socket_dir } = this.config.values;
    return unix_socket_dir !== "" && existsSync(unix_socket_dir) && isPrivate(unix_socket_dir);
  }
}

/** A host may be the directory of a Unix socket. */
function targetAt(host: string, port: number): Target {
  return isUnixHost(host) ? { path: socketPath(host, port) } : { host, port };
}

function isPrivate(directory: string): boolean {
  for (let at = realpathSync(directory); ; at = dirname(at)) {
    const { mode, uid } = lstatSync(at);
    if ((mode & 0o077) === 0 && uid === process.getuid?.()) return true;
    if (at === dirname(at)) return false;
  }
}

/** Whether several processes can share a port depends on what we run on. */
function portRefusal({ given, values }: Config): ConfigError | undefined {
  if (!values.so_reuseport || canSharePort()) return undefined;
  const here = `Node.js ${process.version} cannot share a port`;
  const expected = `0: ${here}; 22.12 and later can, and older ones with ${CALLS_NEED}`;
  const at = given.get("so_reuseport") ?? "";
  return new ConfigError({ at, name: "so_reuseport", got: "1", expected });
}

function hostsOf(entry: DatabaseEntry | undefined): string[] {
  return (entry?.host ?? "").split(",").map((host) => host.trim());
}

/** The hosts of a list serve in turn, unless load_balance_hosts says that the first one that can does. */
function takesTurns(entry: DatabaseEntry | undefined): boolean {
  return entry?.load_balance_hosts !== "disable";
}
