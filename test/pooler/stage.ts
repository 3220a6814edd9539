/** What the pooler's tests run on: a private PostgreSQL, poolers in front of it, clients. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Pooler, startPooler } from "../../engine/pooler/main.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";

/** Where everything of one test file lives; `close` takes it all down. */
export class Stage {
  readonly database: Database;
  readonly directory: string;
  private readonly poolers: Pooler[] = [];
  private readonly clients: pg.Client[] = [];
  private files = 0;

  private constructor(database: Database, directory: string) {
    this.database = database;
    this.directory = directory;
  }

  static async open(settings: Record<string, string | number> = {}): Promise<Stage> {
    const database = await resolveDatabase({ env: { PATH: process.env.PATH ?? "" }, settings });
    // A path of a Unix socket must stay below 108 bytes.
    const directory = mkdtempSync(join(tmpdir(), "pwp-"));
    chmodSync(directory, 0o755);
    const stage = new Stage(database, directory);
    const direct = await stage.direct();
    for (const role of ["alice", "bob"]) await direct.query(`create role ${role} login`);
    return stage;
  }

  /** Starts a pooler; `settings` are lines of [pgbouncer], `more` further sections. */
  async pooler(settings: Record<string, string | number> = {}, more = ""): Promise<Pooler> {
    const pooler = await startPooler({ config: this.ini(settings, more), quiet: true });
    this.poolers.push(pooler);
    return pooler;
  }

  /** Writes a pgbouncer.ini; database `app` leads to the private PostgreSQL. */
  ini(settings: Record<string, string | number> = {}, more = ""): string {
    const { host, port, user } = this.database;
    const users = this.file(`"${user}" ""\n"admin" ""\n"alice" ""\n"bob" ""\n`);
    const all: Record<string, string | number> = {
      listen_addr: "127.0.0.1",
      listen_port: 0,
      unix_socket_dir: this.directory,
      auth_type: "trust",
      auth_file: users,
      admin_users: "admin",
      pool_mode: "transaction",
      max_client_conn: 1000,
      logfile: join(this.directory, "log"),
      ...settings,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`);
    const place = `host=${host} port=${port} dbname=postgres`;
    const databases = [`app = ${place}`, `postgres = ${place}`, `alone = ${place} pool_size=1`];
    const text = ["[databases]", ...databases, more, "[pgbouncer]", ...lines].join("\n");
    return this.file(`${text}\n`);
  }

  /** A file with this text. */
  file(text: string): string {
    const path = join(this.directory, `file-${++this.files}`);
    writeFileSync(path, text);
    return path;
  }

  /** A connected node-postgres client of a pooler. */
  async client(pooler: Pooler, options: pg.ClientConfig = {}): Promise<pg.Client> {
    const { host, port } = pooler.address;
    const { user } = this.database;
    const client = new pg.Client({ host, port, user, database: "app", ...options });
    client.on("error", () => undefined);
    this.clients.push(client);
    await client.connect();
    return client;
  }

  /** The console of a pooler; `ask` gives rows. */
  async console(pooler: Pooler, password?: string): Promise<Console> {
    const admin = { user: "admin", password, database: "pgbouncer" };
    return new Console(await this.client(pooler, admin));
  }

  /** A client that goes past the pooler. */
  async direct(): Promise<pg.Client> {
    const { host, port, user, database } = this.database;
    const client = new pg.Client({ host, port, user, database });
    client.on("error", () => undefined);
    this.clients.push(client);
    await client.connect();
    return client;
  }

  /**
   * Waits until the database is at work on `count` statements that begin with `start`. A server that the
   * pooler has given away may not have read its statement yet, and a cancel request would miss it.
   */
  async busyWith(start: string, count: number): Promise<void> {
    const direct = await this.direct();
    const sql = "select from pg_stat_activity where state = 'active' and starts_with(query, $1)";
    await until(async () => (await direct.query(sql, [start])).rowCount === count);
    await direct.end();
  }

  /** Has the database read its files again, and waits until those who come in from now on meet what they say. */
  async reread(): Promise<void> {
    const read = "select pg_conf_load_time()::text as at";
    const newest = async (): Promise<string> => {
      const direct = await this.direct();
      const { rows } = await direct.query(read);
      await direct.end();
      return rows[0].at;
    };
    const before = await newest();
    const direct = await this.direct();
    await direct.query("select pg_reload_conf()");
    await direct.end();
    await until(async () => (await newest()) !== before);
  }

  /** What the poolers have logged. */
  async log(): Promise<string> {
    return await readFile(join(this.directory, "log"), "utf8");
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.end().catch(() => undefined)));
    await Promise.all(this.poolers.map((pooler) => pooler.close()));
    await this.database.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Console {
  readonly client: pg.Client;

  constructor(client: pg.Client) {
    this.client = client;
  }

  async ask(sql: string): Promise<Record<string, string>[]> {
    return (await this.client.query(sql)).rows;
  }

  /** The row of SHOW POOLS for a database. */
  async pool(database: string): Promise<Record<string, string>> {
    const rows = await this.ask("show pools");
    return rows.find((row) => row.database === database) ?? {};
  }
}

/** In ms; below the limit of a test. Nothing that is only slow takes so long. */
const PATIENCE = 90_000;

/** Waits until `holds` is true. Errors: after `PATIENCE`, with the last value of `describe`. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  describe: () => unknown = () => "",
): Promise<void> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await sleep(10))
    if (await holds()) return;
  throw new Error(`did not come true within ${PATIENCE / 1000} s: ${JSON.stringify(describe())}`);
}

/** The error of a promise that must fail. */
export async function failure(promise: Promise<unknown>): Promise<pg.DatabaseError> {
  try {
    await promise;
  } catch (error) {
    return error as pg.DatabaseError;
  }
  throw new Error("did not fail");
}
