/** What the commands that play for real have in common: database, pooler, Ctrl-C, files to write. */
import type { Command } from "commander";
import { ConfigError, durationWithUnit } from "../../engine/config/index.ts";
import { SECOND } from "../../engine/core/index.ts";
import { checkJournal } from "../../engine/pooler/journal.ts";
import {
  type Address,
  type Database,
  parseDsn,
  resolveDatabase,
} from "../../workloads/database/index.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { checkFaults } from "../study/live/faults.ts";
import { mostServerConnections } from "../study/live/room.ts";
import { STATUS, UsageError } from "./failure.ts";
import { chartOption, gather } from "./options.ts";
import { checkApart } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";

/** Options of a command that plays for real. */
export interface RealOptions {
  poolMode?: string;
  poolSize?: string;
  dsn?: string;
  poolerDsn?: string;
  pgbouncer?: string;
  journal?: string;
  set: string[];
  seed?: string;
  duration: string;
  warmup: string;
  json?: boolean;
  quiet?: boolean;
  chart: string[];
}

/** What the commands say of the same options. */
export interface RealWords {
  poolMode: string;
  poolSize: string;
  duration: string;
  seed: string;
}

/** Adds what to play, for how long and where: database, and pooler in front of it. */
export function withPlaying(command: Command, words: RealWords): Command {
  return command
    .argument("<workload>", "workload file, such as workloads/tour.yaml")
    .option("--pool-mode <mode>", words.poolMode)
    .option("--pool-size <number>", words.poolSize)
    .option(
      "--set <key=value>",
      "any key of the file or setting of PgBouncer; repeatable",
      gather,
      [],
    )
    .option("--seed <number>", words.seed)
    .option("--duration <time>", words.duration, "20 s")
    .option("--warmup <time>", "time before it", "2 s")
    .option("--dsn <dsn>", "database to run against (default: DATABASE_URL, else a private one)")
    .option("--pooler-dsn <dsn>", "go through the pooler that runs there, as it is configured")
    .option("--pgbouncer <program>", "start this PgBouncer instead of our pooler")
    .option("--journal <file>", "our pooler records the inputs of its scheduler there")
    .option("--json", "print one JSON object")
    .addOption(chartOption())
    .option("--quiet", "no progress, no notes");
}

/** Where to play. */
export interface Places {
  /** Undefined only beside `running`. */
  database: Database | undefined;
  /** A pooler that runs already. */
  running: Address | undefined;
  pgbouncer: string | undefined;
  journal: string | undefined;
}

/**
 * Refuses what cannot be, before anything is started; `workload` is the file that is played. Errors:
 * UsageError, ConfigError.
 */
export function checkPlaces(workload: string, options: RealOptions): void {
  checkApart("--journal", options.journal, workload);
  const { dsn, journal, pgbouncer, poolerDsn, poolMode, poolSize } = options;
  if (pgbouncer !== undefined && journal !== undefined)
    throw new UsageError("--journal is our pooler's; with --pgbouncer there is none");
  const own = { "--pgbouncer": pgbouncer, "--journal": journal };
  const configured = { "--pool-mode": poolMode, "--pool-size": poolSize };
  for (const [name, value] of Object.entries({ ...own, ...configured })) {
    if (poolerDsn === undefined || value === undefined) continue;
    throw new UsageError(`${name} cannot be told to the pooler of --pooler-dsn: it has its own`);
  }
  if (dsn !== undefined) parseDsn(dsn);
  if (journal !== undefined) checkJournal(journal);
}

/** Refuses faults that cannot be played there. Errors: ConfigError. */
export function checkBreakable(workload: Workload, options: RealOptions, duration: number): void {
  const { dsn, poolerDsn } = options;
  const own = dsn !== undefined ? "--dsn" : process.env.DATABASE_URL ? "DATABASE_URL" : undefined;
  const foreign = poolerDsn !== undefined ? "--pooler-dsn" : own;
  checkFaults(workload, { foreign, duration });
}

/**
 * Runs `work` against the database and the pooler that the options name, with a bar and with Ctrl-C as a
 * request to take everything down. `connections`: what a private database must have room for.
 */
export async function playing<T>(
  options: RealOptions,
  connections: number,
  work: (places: Places, signal: AbortSignal, progress: Progress) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Interrupted());
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  const progress = startProgress(options.quiet === true);
  const { dsn, journal, pgbouncer, poolerDsn } = options;
  const running = poolerDsn === undefined ? undefined : parseDsn(poolerDsn);
  try {
    // Beside a pooler only a database that was named is known to be the one behind it.
    const database =
      running !== undefined && dsn === undefined
        ? undefined
        : await resolveDatabase({
            dsn,
            maxConnections: connections,
            onProgress: (line) => progress.update(0, line),
          });
    try {
      controller.signal.throwIfAborted();
      return await work({ database, running, pgbouncer, journal }, controller.signal, progress);
    } finally {
      await database?.stop();
    }
  } catch (error) {
    // A terminal tells all our processes: one that has ended of it is no failure.
    await new Promise((resolve) => setImmediate(resolve));
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    progress.stop();
    for (const signal of signals) process.off(signal, stop);
  }
}

/** Ctrl-C during a live run: everything is taken down, nothing is printed. */
class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly exitStatus = STATUS.interrupted;
  constructor() {
    super("interrupted; everything that was started has been stopped");
  }
}

/** Connections for all clients at once, and some for whoever looks on. */
export function roomForClients(workload: Workload): number {
  return 50 + workload.clients.reduce((sum, kind) => sum + (kind.count ?? 64), 0);
}

/** What a private database has room for: as much as the workload's, where that may refuse connections. */
export function roomFor(workload: Workload): number {
  const { max_connections } = workload.server;
  const most = mostServerConnections(workload);
  return most > max_connections ? max_connections : roomForClients(workload) + most;
}

/** A duration in ns, up to an hour. Errors: ConfigError. */
export function time(option: string, text: string): number {
  const nanos = durationWithUnit(text);
  if (nanos !== undefined && nanos > 0 && nanos <= 3600 * SECOND) return nanos;
  const expected = "a duration with its unit, such as 20 s, up to an hour";
  throw new ConfigError({ at: option, name: "time", got: text, expected });
}
