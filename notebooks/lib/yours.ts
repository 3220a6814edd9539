/** A reader's own pooler: what its pgbouncer.ini and a few of its SHOW figures say about its load. */
import { coreSettings, parseIni } from "../../engine/config/index.ts";
import type { CoreSettings, PoolMode } from "../../engine/core/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { type Load, workloadOf } from "./loads.ts";

/** Either a value, or what is wrong, in one line. */
export type Read<Value> = { value: Value; problem?: never } | { value?: never; problem: string };

/** What the settings say of one database. */
export interface Settings {
  settings: CoreSettings;
  /** Of the database that is looked at. */
  database: string;
  pool_size: number;
  pool_mode: PoolMode;
  /** Other databases, which are left out. */
  others: number;
}

function reading<Value>(read: () => Value): Read<Value> {
  try {
    return { value: read() };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Reads a pgbouncer.ini; its first database is looked at, or the `*` one. */
export function readIni(text: string): Read<Settings> {
  return reading(() => {
    const settings = coreSettings(parseIni("pgbouncer.ini", () => text));
    const first = settings.databases[0] ?? settings.autodb;
    return {
      settings,
      database: first?.name ?? "app",
      pool_size: first?.pool_size ?? settings.default_pool_size,
      pool_mode: first?.pool_mode ?? settings.pool_mode,
      others: Math.max(0, settings.databases.length - 1),
    };
  });
}

/** What averages of SHOW STATS and the clients of SHOW POOLS come to. Times in milliseconds. */
export interface Measured {
  clients: number;
  /** Transactions a second. */
  rate: number;
  /** For how long a transaction has its server connection. */
  transaction_ms: number;
  /** Mean wait of a transaction for it. */
  wait_ms: number;
  /** What is left of a client's cycle: its pause. */
  pause_ms: number;
}

const NEEDED = {
  clients: "clients (cl_active + cl_waiting of SHOW POOLS)",
  avg_xact_count: "avg_xact_count (transactions a second)",
  avg_xact_time: "avg_xact_time (microseconds)",
} as const;

/**
 * Reads lines such as `avg_xact_count | 190`, in any order; lines that it does not know are no matter. In
 * PgBouncer the time of a transaction begins with its first packet, so that its wait is part of it; waits are
 * averaged over assignments of servers, of which there is one a transaction unless
 * `avg_server_assignment_count` says otherwise (session mode has one a session).
 * Source: PgBouncer 1.25.2 src/client.c, handle_client_work(); src/stats.c, calc_average().
 */
export function readFigures(text: string): Read<Measured> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^\s*(\w+)\s*[|=:\s]\s*([0-9.]+)\s*$/.exec(line);
    if (match) found.set(match[1] as string, Number(match[2]));
  }
  const sum = (found.get("cl_active") ?? 0) + (found.get("cl_waiting") ?? 0);
  if (sum > 0 && !found.has("clients")) found.set("clients", sum);
  for (const [name, what] of Object.entries(NEEDED))
    if (!(Number(found.get(name)) > 0)) return { problem: `There is no ${what} above 0.` };
  const clients = Math.round(found.get("clients") as number);
  const rate = found.get("avg_xact_count") as number;
  const whole_ms = (found.get("avg_xact_time") as number) / 1000;
  const assigned = found.get("avg_server_assignment_count") ?? rate;
  const wait_ms = ((found.get("avg_wait_time") ?? 0) / 1000) * (assigned / rate);
  const transaction_ms = whole_ms - wait_ms;
  // Little's law for the clients' cycle: clients = rate x (pause + wait + transaction).
  const pause_ms = (1000 * clients) / rate - whole_ms;
  if (transaction_ms > 0 && pause_ms >= 0)
    return { value: { clients, rate, transaction_ms, wait_ms, pause_ms } };
  const most = Math.round((1000 * clients) / whole_ms);
  const problem =
    transaction_ms > 0
      ? `${clients} clients cannot do ${rate} transactions a second of that length, at most ${most}.`
      : "avg_wait_time cannot be all of avg_xact_time, of which it is a part.";
  return { problem: `${problem} Are all figures of the same time and database?` };
}

/** How much transactions differ in length: SHOW STATS has means only. */
export const SPREADS = {
  "they are all alike": 0,
  "as chance has it": undefined,
  "a few are very long": 3,
} as const;
export type Spread = keyof typeof SPREADS;

/** The load that would give such figures. */
export function loadOf(
  measured: Measured,
  spread: Spread,
  wait_p99_ms: number,
  seconds: number,
): Load {
  const digits = (value: number): number => Number(value.toPrecision(6));
  const service_cv = SPREADS[spread];
  const kind = {
    name: "clients",
    count: measured.clients,
    think_ms: digits(measured.pause_ms),
    service_ms: digits(measured.transaction_ms),
    ...(service_cv === undefined ? {} : { service_cv }),
  };
  return { name: "your-turn", kinds: [kind], pool_size: 1, wait_p99_ms, seconds };
}

/** That load under the reader's own settings. Errors: ConfigError. */
export function yourWorkload(load: Load, { settings, pool_mode }: Settings): Workload {
  const workload = workloadOf(load);
  const { databases, users } = workload.settings;
  return { ...workload, settings: { ...settings, databases, users, autodb: undefined, pool_mode } };
}

/** Simulated seconds for about so many transactions, so that rare long waits are seen. */
export function secondsFor(measured: Measured, transactions = 10_000): number {
  return Math.min(3600, Math.max(30, Math.ceil(transactions / measured.rate)));
}
