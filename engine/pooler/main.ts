/**
 * The pooler as a whole: listener, host, log and journal put together, started, reloaded and ended.
 * `startPooler` is for programs, `runPooler` for the command line.
 */
import { type Config, ConfigError, loadConfig, poolerNotes } from "../config/index.ts";
import { reload } from "./commands.ts";
import { Environment } from "./environment.ts";
import { OutsideError } from "./errors.ts";
import { Host } from "./host.ts";
import { Journal } from "./journal.ts";
import { Listener } from "./listener.ts";
import { Log } from "./log.ts";
import { VERSION } from "./names.ts";
import { removePid, writePid } from "./pidfile.ts";
import { SHOW } from "./show.ts";
import type { Table, Value } from "./table.ts";

export { OutsideError } from "./errors.ts";

export interface PoolerOptions {
  /** A loaded configuration, or the path of a pgbouncer.ini. */
  config: Config | string;
  /** File to which every input of the scheduler is recorded. */
  journal?: string | undefined;
  /** Nothing to stderr; a logfile is still written. */
  quiet?: boolean | undefined;
}

/** Rows of SHOW under their columns' names. */
export type Rows = Record<string, Value>[];

/** A running pooler. */
export interface Pooler {
  /** Where it listens: `socket` is the directory of the Unix socket, empty if there is none. */
  readonly address: { readonly host: string; readonly port: number; readonly socket: string };
  /** Resolves when it has ended, by `close` or by SHUTDOWN on its console. */
  readonly ended: Promise<void>;
  /** SHOW POOLS and SHOW STATS of this moment. */
  stats(): { pools: Rows; stats: Rows };
  /** RELOAD. False: the file is not in order, see the log. */
  reload(): boolean;
  /** Ends it now: connections are cut, the socket file is gone when this resolves. */
  close(): Promise<void>;
}

/**
 * Starts a pooler. Errors: ConfigError for what the configuration asks and we cannot do; OutsideError if
 * an address is in use, or a file cannot be written.
 */
export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  return await RunningPooler.start(options);
}

class RunningPooler implements Pooler {
  readonly ended: Promise<void>;
  readonly host: Host;
  readonly log: Log;
  private readonly listener: Listener;
  private journal: Journal | undefined;
  private pidfile = "";
  private closing: Promise<void> | undefined;
  private end: () => void = () => {};

  private constructor(environment: Environment, log: Log) {
    this.log = log;
    this.host = new Host(environment, log);
    this.listener = new Listener((channel) => this.host.accept(channel));
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.host.onShutdown = (mode) => this.onShutdown(mode);
    this.host.onTick = () => this.journal?.flush();
    this.host.onAdopted = () => this.reopenLog();
  }

  /** `beforeUp` is called when it listens, before it says so: who reads "process up" may send a signal. */
  static async start(
    options: PoolerOptions,
    beforeUp: (pooler: RunningPooler) => void = () => {},
  ): Promise<RunningPooler> {
    const config = typeof options.config === "string" ? loadConfig(options.config) : options.config;
    const pooler = new RunningPooler(new Environment(config), new Log(options.quiet));
    try {
      await pooler.open(config, options.journal);
      beforeUp(pooler);
      pooler.up();
    } catch (error) {
      await pooler.close();
      throw error;
    }
    return pooler;
  }

  private async open(config: Config, journal: string | undefined): Promise<void> {
    const { host, listener, log } = this;
    openLog(log, config);
    for (const note of poolerNotes(config)) log.write("LOG", note);
    if (journal !== undefined) this.journal = await Journal.open(host.core, journal);
    await listener.open(host.environment.listen);
    host.port = listener.port || config.values.listen_port;
    writePid(config.values.pidfile);
    this.pidfile = config.values.pidfile;
    for (const place of listener.places) log.write("LOG", `listening on ${place}`);
  }

  private up(): void {
    this.log.write("LOG", `process up: ${VERSION}, by Poolwise on Node.js ${process.version}`);
    this.host.start();
  }

  get address() {
    const { socketDirectory, addresses } = this.host.environment.listen;
    const first = addresses[0] === "*" ? "127.0.0.1" : addresses[0];
    const { port } = this.host;
    return { host: first ?? socketDirectory, port, socket: this.listener.path && socketDirectory };
  }

  stats(): { pools: Rows; stats: Rows } {
    this.host.begin();
    return { pools: byName(SHOW.pools(this.host)), stats: byName(SHOW.stats(this.host)) };
  }

  reload(): boolean {
    this.host.begin();
    const done = reload(this.host);
    this.host.end();
    return done;
  }

  /** A signal that ends gently: takes no more TCP clients and waits; the second one ends at once. */
  windDown(signal: string, mode: "wait_for_servers" | "wait_for_clients"): void {
    const { host, log } = this;
    if (host.stopping) {
      log.write("LOG", `got ${signal} while shutting down, fast exit`);
      void this.close();
      return;
    }
    const what =
      mode === "wait_for_servers"
        ? "waiting for all servers connections to be released"
        : "waiting for all clients disconnect";
    log.write("LOG", `got ${signal}, shutting down, ${what}`);
    host.begin();
    host.shutdown(mode);
    host.end();
  }

  /** SIGUSR2: lifts a PAUSE. Node.js keeps SIGUSR1, PgBouncer's signal to pause, for its debugger. */
  resume(): void {
    const { host, log } = this;
    host.begin();
    if (host.stopping) log.write("LOG", "got SIGUSR2 while shutting down, ignoring");
    else if (host.core.resume(host.now)) log.write("LOG", "got SIGUSR2, continuing from PAUSE");
    else log.write("LOG", "got SIGUSR2, but not paused/suspended");
    host.end();
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    await Promise.all([this.listener.close(), this.host.close()]);
    await this.journal?.close();
    removePid(this.pidfile);
    this.log.close();
    this.end();
  }

  private onShutdown(mode: "immediate" | "graceful" | "complete"): void {
    if (mode === "graceful") void this.listener.closeTcp();
    else setImmediate(() => void this.close()); // Not from within a turn of the host.
  }

  /** After RELOAD: a log that cannot be opened is no reason to end. */
  private reopenLog(): void {
    try {
      openLog(this.log, this.host.environment.config);
    } catch (error) {
      if (!(error instanceof OutsideError)) throw error;
      this.log.write("ERROR", error.message);
    }
  }
}

function openLog(log: Log, { values }: Config): void {
  log.verbose = values.verbose ?? 0;
  try {
    log.open(values.logfile);
  } catch (error) {
    throw new OutsideError(
      `cannot write the logfile ${values.logfile}: ${(error as Error).message}`,
    );
  }
}

function byName({ columns, rows }: Table): Rows {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name }, at) => [name, row[at] ?? null])),
  );
}

/** Options of the command line beside the path of the ini. */
export interface PoolerFlags {
  quiet?: boolean | undefined;
  /** As PgBouncer's -v: more to the log. */
  verbose?: number | undefined;
  journal?: string | undefined;
}

/**
 * Runs a pooler until a signal or its console ends it. Returns the exit status: 0 ended in order, 2 the
 * configuration is not in order, 3 an address or a file is not to be had; both with a line on stderr.
 */
export async function runPooler(iniPath: string, flags: PoolerFlags = {}): Promise<number> {
  try {
    const config = loadConfig(iniPath);
    const verbose = flags.verbose ?? config.values.verbose;
    const values = { ...config.values, verbose };
    const { quiet, journal } = flags;
    let forget = (): void => {};
    const options = { config: { ...config, values }, quiet, journal };
    const pooler = await RunningPooler.start(options, (made) => {
      forget = heed(made);
    });
    await pooler.ended;
    forget();
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof OutsideError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof ConfigError ? 2 : 3;
  }
}

/** Obeys PgBouncer's signals. Source: PgBouncer 1.25.2 src/main.c. Returns how to stop that. */
function heed(pooler: RunningPooler): () => void {
  const { log } = pooler;
  const handlers: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGHUP: () => {
      log.write("LOG", "got SIGHUP, re-reading config");
      pooler.reload();
    },
    SIGINT: () => pooler.windDown("SIGINT", "wait_for_servers"),
    SIGTERM: () => pooler.windDown("SIGTERM", "wait_for_clients"),
    SIGQUIT: () => {
      log.write("LOG", "got SIGQUIT, fast exit");
      void pooler.close();
    },
    SIGUSR2: () => pooler.resume(),
  };
  const entries = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
  };
}
