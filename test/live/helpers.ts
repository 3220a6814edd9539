/**
 * What the tests of live runs share: small workloads, and Debian's PgBouncer in front of a
 * database.
 */
import { execFile, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import pg from "pg";
import { DEFAULTS, type PoolMode } from "../../engine/core/settings.ts";
import { MILLISECOND } from "../../engine/core/units.ts";
import type { DistributionSpec } from "../../sim/kernel/distributions.ts";
import { serverAccount } from "../../workloads/database/account.ts";
import type { Address } from "../../workloads/database/index.ts";
import { alive } from "../../workloads/database/sweep.ts";
import type { LiveResult } from "../../workloads/live/index.ts";
import type { ClientKind, Workload } from "../../workloads/schema/workload.ts";
import { removeTree, sharedDirectory } from "../database/helpers.ts";

export const ms = (value: number): number => value * MILLISECOND;
export const constant = (value: number): DistributionSpec => ({ kind: "constant", value });
export const exponential = (mean: number): DistributionSpec => ({ kind: "exponential", mean });

/** Clients that think 10 ms and ask one statement of 5 ms, for ever; overridden by `changes`. */
export function kind(changes: Partial<ClientKind> = {}): ClientKind {
  return {
    name: "web",
    database: "postgres",
    user: "postgres",
    count: 4,
    session: { transactions: "forever", away: constant(0) },
    think: constant(ms(10)),
    transaction: { statements: constant(1), service: constant(ms(5)), gap: constant(0) },
    ...changes,
  };
}

export function workload(...clients: ClientKind[]): Workload {
  return {
    name: "test",
    description: "",
    file: "test.yaml",
    settings: { ...DEFAULTS, databases: [{ name: "postgres" }], users: [] },
    clients,
    server: {
      max_connections: 100,
      connect_time: constant(0),
      memory_per_connection: 0,
      cpu_share: 1,
    },
    network: { client: 0, server: 0 },
    schedule: [],
    slo: {},
    run: { duration: ms(500), warmup: 0, seed: 1, precision: 0.05 },
  };
}

/** A column of the rows that `wanted` picks by their number, as a sorted array. */
export function sorted(column: Float64Array, wanted: (row: number) => boolean = () => true) {
  return [...column].filter((_, row) => wanted(row)).sort((a, b) => a - b);
}

export function median(values: number[]): number {
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The transaction numbers of one client, in the order of its rows. */
export function numbersOf(result: LiveResult, client: number): number[] {
  const { transactions } = result;
  return [...transactions.number].filter((_, row) => transactions.client[row] === client);
}

/** A running PgBouncer and its console. */
export interface Bouncer extends Address {
  admin: Address;
  stop(): Promise<void>;
}

/** Starts PgBouncer with one entry, `*`, that leads to `server` as its superuser. */
export async function startBouncer(
  path: string,
  server: Address,
  pool_mode: PoolMode,
  settings: Record<string, string | number> = {},
): Promise<Bouncer> {
  const directory = await sharedDirectory();
  const all = {
    unix_socket_dir: directory,
    listen_port: 6432,
    auth_type: "any",
    admin_users: "any",
    stats_users: "any",
    max_client_conn: 5_000,
    pool_mode,
    ...settings,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
  const entry = `* = host=${server.host} port=${server.port} dbname=postgres user=${server.user}`;
  await writeFile(join(directory, "users.txt"), '"shop" "secret"\n"any" "secret"\n');
  lines.push(`auth_file = ${directory}/users.txt`);
  await writeFile(
    join(directory, "ini"),
    ["[databases]", entry, "[pgbouncer]", ...lines, ""].join("\n"),
  );
  const account = await serverAccount();
  const child = spawn(path, ["-q", join(directory, "ini")], { ...account, stdio: "ignore" });
  const address = {
    host: directory,
    port: 6432,
    user: "shop",
    password: "secret",
    database: "shop",
  };
  const admin = { ...address, user: "any", database: "pgbouncer" };
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await removeTree(directory);
  };
  await answering(admin).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { ...address, admin, stop };
}

async function answering(admin: Address): Promise<void> {
  for (let polls = 0; polls < 1_200; polls++) {
    const client = new pg.Client(admin);
    client.on("error", () => undefined);
    const up = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (up) return;
    await sleep(25);
  }
  throw new Error("PgBouncer does not answer");
}

/** Process ids of the live drivers that `parent` started. */
export async function driversOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "pid=,ppid=,args="]);
  const fields = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  const drivers = fields.filter(([, ppid, ...args]) => {
    return Number(ppid) === parent && args.some((arg) => arg.includes("workloads/live/driver"));
  });
  return drivers.map(([pid]) => Number(pid));
}

/** Polls until none of the processes is left; returns those that are. */
export async function stillAlive(pids: number[]): Promise<number[]> {
  for (let polls = 0; polls < 600 && pids.some(alive); polls++) await sleep(50);
  return pids.filter(alive);
}
