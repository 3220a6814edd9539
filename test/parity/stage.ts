/**
 * What the parity tests run on: a private PostgreSQL, and in front of it our pooler or PgBouncer
 * on the very same ini, each in a process of its own.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startPooler as startHere } from "../../engine/pooler/main.ts";
import { type PoolerProcess, startPooler } from "../../sim/study/live/pooler-process.ts";
import { type Address, type Database, resolveDatabase } from "../../workloads/database/index.ts";
import type { LiveTarget } from "../../workloads/live/index.ts";
import { NO_PGBOUNCER } from "../pgbouncer.ts";

if (NO_PGBOUNCER !== "") console.log(`skipped: everything against PgBouncer, ${NO_PGBOUNCER}`);

const PORT = 6432;

type Settings = Readonly<Record<string, string | number>>;

export interface StageOptions {
  /** Lines of [pgbouncer]. */
  settings: Settings;
  /** More keys of every entry of [databases]. */
  entry?: string;
  /** Names of the entries; `app` when left out. */
  databases?: readonly string[];
  /** Or entries with keys of their own. */
  entries?: Readonly<Record<string, string>> | undefined;
  /** Lines of [users]. */
  users?: Readonly<Record<string, string>> | undefined;
  /** Users of auth_file beside the database's own. */
  names?: readonly string[];
  pgbouncer?: string | undefined;
  /** Ours runs in this process, which starts sooner. */
  here?: boolean;
}

/** A running pooler; `journal` is what ours has recorded, to be read after `stop`. */
export class Running {
  readonly target: LiveTarget;
  readonly admin: Address;
  /** Resolves when the pooler has ended by itself. */
  readonly ended: Promise<string>;
  private readonly directory: string;
  private readonly process: Ended;

  constructor(directory: string, process: Ended, user: string) {
    this.directory = directory;
    this.process = process;
    this.ended = process.ended;
    this.target = { host: directory, port: PORT, user, users: {} };
    this.admin = { host: directory, port: PORT, user, database: "pgbouncer" };
  }

  /** Runs one command on the console. */
  async tell(command: string): Promise<Record<string, string>[]> {
    const client = await this.client("pgbouncer");
    const { rows } = await client.query(command);
    await client.end();
    return rows;
  }

  async client(database: string): Promise<pg.Client> {
    const client = new pg.Client({ ...this.admin, database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** Changes the entries of the ini, and has the pooler read it again. */
  async reload(entries: readonly string[]): Promise<void> {
    const file = join(this.directory, "ini");
    const [, settings] = readFileSync(file, "utf8").split("[pgbouncer]");
    writeFileSync(file, `${["[databases]", ...entries].join("\n")}\n[pgbouncer]${settings}`);
    await this.tell("RELOAD");
  }

  /** Ends the pooler and returns its journal: empty for PgBouncer, which writes none. */
  async stop(): Promise<Uint8Array> {
    await this.process.stop();
    const file = join(this.directory, "journal");
    const journal = existsSync(file) ? readFileSync(file) : new Uint8Array();
    rmSync(this.directory, { recursive: true, force: true });
    return journal;
  }
}

export class Stage {
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  static async open(): Promise<Stage> {
    return new Stage(await resolveDatabase({ env: { PATH: process.env.PATH ?? "" } }));
  }

  /** Starts a pooler whose entries lead to the private PostgreSQL. */
  async pooler(options: StageOptions): Promise<Running> {
    const { settings, entry, databases, pgbouncer, users = {}, names = [] } = options;
    const { host, port, user } = this.database;
    const directory = mkdtempSync(join(tmpdir(), "pwx-"));
    chmodSync(directory, 0o755);
    const place = `host=${host} port=${port} dbname=postgres ${entry ?? ""}`;
    const all: Settings = {
      listen_port: PORT,
      unix_socket_dir: directory,
      auth_type: "trust",
      auth_file: join(directory, "users"),
      admin_users: user,
      server_tls_sslmode: "disable",
      max_client_conn: 500,
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    const plain = (databases ?? ["app"]).map((name) => [name, ""] as const);
    const entries = (options.entries === undefined ? plain : Object.entries(options.entries)).map(
      ([name, more]) => `${name} = ${place} ${more}`,
    );
    const people = Object.entries(users).map(([name, keys]) => `${name} = ${keys}`);
    const sections = ["[databases]", ...entries, "[users]", ...people, "[pgbouncer]", ...lines, ""];
    const text = sections.join("\n");
    const accounts = [user, ...names].map((name) => `"${name}" ""\n`);
    writeFileSync(join(directory, "users"), accounts.join(""));
    writeFileSync(join(directory, "ini"), text);
    const journal = pgbouncer === undefined ? join(directory, "journal") : undefined;
    const ini = join(directory, "ini");
    const started =
      options.here && pgbouncer === undefined
        ? await startInside(ini, journal)
        : await startPooler({ ini, directory, port: PORT, pgbouncer, journal });
    return new Running(directory, started, user);
  }

  /** A client that goes past every pooler. */
  async direct(): Promise<pg.Client> {
    const { host, port, user, database } = this.database;
    const client = new pg.Client({ host, port, user, database });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  close(): Promise<void> {
    return this.database.stop();
  }
}

/** A pooler that can be ended. */
type Ended = Pick<PoolerProcess, "ended" | "notes" | "stop">;

async function startInside(config: string, journal: string | undefined): Promise<Ended> {
  const pooler = await startHere({ config, journal, quiet: true });
  const ended = pooler.ended.then(() => "the pooler ended");
  return { ended, notes: [], stop: () => pooler.close() };
}
