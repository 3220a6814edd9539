/** What endurance is tried on: a private PostgreSQL, our pooler in a process of its own, its console. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { freePort, type PoolerProcess, startPooler } from "../../sim/study/live/pooler-process.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { checkOpenFiles } from "../../workloads/live/open-files.ts";
import type { Place } from "./talker.ts";

/** Databases of the pooler, and what they are for. All lead to the same PostgreSQL. */
export const POOLS = {
  /** A few busy clients, in transaction mode. */
  busy: "pool_mode=transaction",
  /** Many that are idle nearly all the time. */
  crowd: "pool_mode=transaction pool_size=8",
  /** Busy ones in session mode, more than there are servers. */
  sticky: "pool_mode=session pool_size=6",
} as const;
export type PoolName = keyof typeof POOLS;

/** Whom the clients log in as. */
export const USER = "endurance";
const ADMIN = "admin";

/** Seconds. No client's wait comes near it, unless the machine stands still. */
export const QUERY_WAIT_TIMEOUT = 50;

/** Settings that stay; waits are shorter than the clients' patience, so that none is unexplained. */
const FIXED = {
  listen_addr: "127.0.0.1",
  listen_backlog: 1024,
  auth_type: "trust",
  admin_users: ADMIN,
  query_wait_timeout: QUERY_WAIT_TIMEOUT,
  server_login_retry: 0.5,
  server_tls_sslmode: "disable",
  log_connections: 0,
  log_disconnections: 0,
  log_pooler_errors: 0,
};

export type Settings = Record<string, string | number>;

export class Stand {
  readonly database: Database;
  readonly place: Place;
  readonly pooler: PoolerProcess;
  readonly pid: number;
  readonly console: pg.Client;
  private readonly directory: string;
  private readonly connections: number;

  private constructor(parts: Parts, pooler: PoolerProcess, pid: number, console: pg.Client) {
    this.database = parts.database;
    this.directory = parts.directory;
    this.connections = parts.connections;
    this.place = { host: "127.0.0.1", port: parts.port };
    this.pooler = pooler;
    this.pid = pid;
    this.console = console;
  }

  /** For so many clients at once. Errors: OutsideError. */
  static async open(connections: number): Promise<Stand> {
    checkOpenFiles(connections + 200);
    const env = { PATH: process.env.PATH ?? "" };
    const database = await resolveDatabase({ env, roles: [USER] });
    const directory = await mkdtemp(join(tmpdir(), "poolwise-endurance-"));
    const parts = { database, directory, connections, port: await freePort() };
    try {
      await writeFile(join(directory, "users.txt"), `"${USER}" ""\n"${ADMIN}" ""\n`);
      await writeFile(join(directory, "pooler.ini"), iniOf(parts, {}));
      const ini = join(directory, "pooler.ini");
      const pooler = await startPooler({ ini, directory, port: parts.port });
      const pid = Number(await readFile(join(directory, "pid"), "utf8"));
      const console = await consoleOf(parts.port);
      return new Stand(parts, pooler, pid, console);
    } catch (error) {
      await database.stop();
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Writes the configuration anew, with these settings on top. */
  async configure(settings: Settings): Promise<void> {
    const { directory, database, connections } = this;
    const parts = { directory, database, connections, port: this.place.port };
    await writeFile(join(directory, "pooler.ini"), iniOf(parts, settings));
  }

  /** A command of the console, and its rows. */
  async ask(sql: string): Promise<Record<string, string>[]> {
    return (await this.console.query(sql)).rows;
  }

  /** Runs `work` on a console of its own, which is cut off after it. */
  async administer(work: (console: pg.Client) => Promise<void>): Promise<void> {
    const console = await consoleOf(this.place.port);
    try {
      await work(console);
    } finally {
      console.connection.stream.destroy();
    }
  }

  /** Runs `work` on a connection that goes past the pooler. */
  async direct<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const { host, port, user, database } = this.database;
    const client = new pg.Client({ host, port, user, database });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  /** What the pooler has logged. */
  log(): Promise<string> {
    return readFile(join(this.directory, "log"), "utf8").catch(() => "");
  }

  async close(): Promise<void> {
    await this.console.end().catch(() => undefined);
    await this.pooler.stop();
    await this.database.stop();
    await rm(this.directory, { recursive: true, force: true });
  }
}

interface Parts {
  database: Database;
  directory: string;
  connections: number;
  port: number;
}

function iniOf({ database, directory, connections, port }: Parts, settings: Settings): string {
  const { host, port: place, database: name } = database;
  const entries = Object.entries(POOLS).map(
    ([pool, more]) => `${pool} = host=${host} port=${place} dbname=${name} ${more}`,
  );
  const all = {
    ...FIXED,
    listen_port: port,
    unix_socket_dir: "",
    auth_file: join(directory, "users.txt"),
    logfile: join(directory, "log"),
    pidfile: join(directory, "pid"),
    max_client_conn: connections + 200,
    default_pool_size: 10,
    ...settings,
  };
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`);
  return `${["[databases]", ...entries, "[pgbouncer]", ...lines].join("\n")}\n`;
}

async function consoleOf(port: number): Promise<pg.Client> {
  const where = { host: "127.0.0.1", port, user: ADMIN, database: "pgbouncer" };
  const console = new pg.Client(where);
  console.on("error", () => undefined);
  await console.connect();
  return console;
}
