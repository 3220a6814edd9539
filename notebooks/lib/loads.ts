/**
 * The load of a notebook as a workload file, written from its sliders: the very text that the command
 * `poolwise` reads, so that every page can be repeated on a command line.
 */
import type { PoolMode } from "../../engine/core/index.ts";
import { holdings } from "../../sim/study/size/reason.ts";
import { parseWorkload, type Workload } from "../../workloads/schema/load.ts";

/** What sliders set. Times in milliseconds. */
export interface Load {
  name: string;
  kinds: readonly KindOfClient[];
  pool_size: number;
  pool_mode?: PoolMode;
  /** Further settings of pgbouncer.ini, in its own units. */
  settings?: Readonly<Record<string, string | number>>;
  /** Objective for the 99th percentile of the wait. */
  wait_p99_ms?: number;
  /** Simulated seconds of each replication. */
  seconds: number;
  seed?: number;
  /** What the database works with; it never slows down when left out. */
  server?: Database;
  /** Settings come from this file instead of `pool_mode`, `pool_size` and `settings`. */
  ini?: string;
}

/** A database whose statements share cores, and get into each other's way. */
export interface Database {
  cores: number;
  /** Universal Scalability Law: what each pair of statements at work costs; nothing when 0. */
  kappa: number;
}

/** One kind of clients. A time is the mean of an exponential distribution. */
export interface KindOfClient {
  name: string;
  count: number;
  think_ms: number;
  service_ms: number;
  /** Standard deviation over mean of the service; exponential (1) when left out, 0: always the same. */
  service_cv?: number;
  /** Statements of a transaction; 1 when left out. */
  statements?: number;
  /** Pause between two statements. */
  gap_ms?: number;
  /** Transactions of a session; for ever when left out. */
  session?: number;
  /** Pools inside the application: so many processes, each with so many connections at most. */
  app_pool?: { instances: number; size: number };
}

/** The workload file. */
export function yamlOf(load: Load): string {
  return `name: ${load.name}
${load.ini === undefined ? settingsYaml(load) : `ini: ${load.ini}\n`}clients:
${load.kinds.map(kindYaml).join("\n")}
server: { max_connections: 20000, connect_time: 15 ms${databaseYaml(load.server)} }
network: { client: 0.5 ms, server: 0.2 ms }
${load.wait_p99_ms === undefined ? "" : `slo: { wait_p99: ${load.wait_p99_ms} ms }\n`}run: { duration: ${load.seconds} s, seed: ${load.seed ?? 1} }
`;
}

function settingsYaml(load: Load): string {
  const settings = { ...load.settings, max_client_conn: 20_000 };
  const written = Object.entries(settings).map(([name, value]) => `  ${name}: ${value}`);
  return `pgbouncer:
  pool_mode: ${load.pool_mode ?? "transaction"}
  default_pool_size: ${load.pool_size}
${written.join("\n")}
`;
}

function databaseYaml(database: Database | undefined): string {
  if (database === undefined) return "";
  const { cores, kappa } = database;
  return `, cores: ${cores}${kappa === 0 ? "" : `, usl: { sigma: 0, kappa: ${kappa} }`}`;
}

function kindYaml(kind: KindOfClient): string {
  const { statements = 1, gap_ms = 0, session, app_pool } = kind;
  const several = [`      statements: ${statements}`, `      gap: { exponential: ${gap_ms} ms }`];
  const lines = [
    `  - name: ${kind.name}`,
    `    count: ${kind.count}`,
    `    think: { exponential: ${kind.think_ms} ms }`,
    ...(session === undefined ? [] : [`    session: { transactions: ${session}, away: 1 s }`]),
    "    transaction:",
    `      service: ${serviceYaml(kind)}`,
    ...(statements > 1 ? several : []),
    ...(app_pool === undefined
      ? []
      : [`    app_pool: { instances: ${app_pool.instances}, size: ${app_pool.size} }`]),
  ];
  return lines.join("\n");
}

function serviceYaml({ service_ms, service_cv }: KindOfClient): string {
  if (service_cv === undefined) return `{ exponential: ${service_ms} ms }`;
  if (service_cv === 0) return `${service_ms} ms`;
  return `{ lognormal: { mean: ${service_ms} ms, cv: ${service_cv} } }`;
}

/** The load, checked and ready to be simulated. Errors: ConfigError. */
export const workloadOf = (load: Load): Workload =>
  parseWorkload(yamlOf(load), `${load.name}.yaml`);

/**
 * Connections in use on average if nobody waited, in Erlangs: inside a transaction, and in session mode
 * thinking too. With fewer a pool cannot keep up.
 */
export function offered(workload: Workload): number {
  return holdings(workload).reduce((sum, part) => sum + part.connections, 0);
}
