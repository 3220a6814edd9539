/**
 * The pooler as a whole: listener, host, log and journal put together, started, reloaded and ended.
 * `startPooler` is for programs; the command line is in `run.ts`.
 */
import { CALLS_NEED, type Config, loadConfig } from "../config/index.ts";
import { MILLISECOND } from "../core/index.ts";
import type { Table, Value } from "../show/table.ts";
import { adopt, doorsOf } from "./adoption.ts";
import { reload } from "./console/commands.ts";
import { SHOW } from "./console/show.ts";
import { Host } from "./host.ts";
import { checkJournal, Journal } from "./journal.ts";
import { Environment } from "./relay/environment.ts";
import { ignored, passedSockets } from "./sockets/activation.ts";
import { Listener } from "./sockets/listener.ts";
import { answers, socketPath } from "./sockets/socket-path.ts";
import { OutsideError } from "./system/errors.ts";
import { fileLimitLine } from "./system/file-limit.ts";
import { Log } from "./system/log.ts";
import { VERSION } from "./system/names.ts";
import { pidGone, removePid, writePid } from "./system/pidfile.ts";
import { readText } from "./system/read-text.ts";
import { tellService } from "./system/service.ts";
import { Syslog } from "./system/syslog.ts";
import { becomeUser } from "./system/user.ts";
import { type Taken, takeOver } from "./takeover.ts";

export { OutsideError } from "./system/errors.ts";

export interface PoolerOptions {
  /** A loaded configuration, or the path of a pgbouncer.ini. */
  config: Config | string;
  /** File to which every input of the scheduler is recorded. */
  journal?: string | undefined;
  /** Told with a sentence when the journal ends before the pooler: a full disk does not stop traffic. */
  onJournalEnd?: ((message: string) => void) | undefined;
  /** Nothing to stderr; a logfile is still written. */
  quiet?: boolean | undefined;
  /** Where Prometheus may ask, `HOST:PORT`, or a port of 127.0.0.1; left out: nowhere. */
  metrics?: string | undefined;
  /** As PgBouncer's -R: a pooler that runs already hands its sockets over, and ends. */
  reboot?: boolean | undefined;
  /** Whom to become, as root, once what may be root's alone has been read; empty: nobody. */
  user?: string | undefined;
}

/** Rows of SHOW under their columns' names. */
export type Rows = Record<string, Value>[];

/** A running pooler. */
export interface Pooler {
  /** Where it listens: `socket` is the directory of the Unix socket, empty if there is none. */
  readonly address: { readonly host: string; readonly port: number; readonly socket: string };
  /** Where Prometheus may ask, `host:port`; empty: nowhere. */
  readonly metrics: string;
  /** Resolves when it has ended, by `close` or by SHUTDOWN on its console. */
  readonly ended: Promise<void>;
  /** SHOW POOLS and SHOW STATS of this moment. */
  stats(): { pools: Rows; stats: Rows };
  /** RELOAD. False: the file, or what it says of TLS, is not in order, see the log. */
  reload(): boolean;
  /** Ends it now: connections are cut, the socket file is gone when this resolves. */
  close(): Promise<void>;
}

/**
 * Starts a pooler. Errors: ConfigError for what the configuration asks and we cannot do, and for a journal where
 * none can be; OutsideError if an address is in use, or a file cannot be written.
 */
export async function startPooler(options: PoolerOptions): Promise<Pooler> {
  return await RunningPooler.start(options);
}

/** A pooler with what the command line and its signals need beyond `Pooler`. */
export class RunningPooler implements Pooler {
  readonly ended: Promise<void>;
  readonly host: Host;
  readonly log: Log;
  private readonly listener: Listener;
  metrics = "";
  private journal: Journal | undefined;
  private endpoint: { close(): Promise<void> } | undefined;
  private pidfile = "";
  private closing: Promise<void> | undefined;
  private end: () => void = () => {};

  private constructor(environment: Environment, log: Log) {
    this.log = log;
    this.host = new Host(environment, log);
    this.listener = new Listener((channel) => this.host.accept(channel));
    this.host.doors = this.listener;
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    this.host.onShutdown = (mode) => this.onShutdown(mode);
    this.host.onTick = () => this.journal?.flush();
    this.host.onAdopted = () => {
      this.reopenLog();
      this.listener.tune(this.host.environment.listen);
    };
  }

  /** `beforeUp` is called when it listens, before it says so: who reads "process up" may send a signal. */
  static async start(
    options: PoolerOptions,
    beforeUp: (pooler: RunningPooler) => void = () => {},
  ): Promise<RunningPooler> {
    const config =
      typeof options.config === "string" ? loadConfig(options.config, readText) : options.config;
    const pooler = new RunningPooler(new Environment(config), new Log(options.quiet));
    if (options.user) becomeUser(options.user);
    if (options.journal !== undefined) checkJournal(options.journal);
    try {
      await pooler.open(config, options);
      beforeUp(pooler);
      pooler.up();
    } catch (error) {
      // Who starts us may look for the reason in the logfile only; the caller tells it to people.
      pooler.log.quiet = true;
      if (error instanceof OutsideError) pooler.log.write("FATAL", error.message);
      await pooler.close();
      throw error;
    }
    return pooler;
  }

  private async open(config: Config, options: PoolerOptions): Promise<void> {
    const { journal, reboot, metrics } = options;
    const { host, listener, log } = this;
    openLog(log, config);
    host.environment.tell(log);
    const limit = fileLimitLine(config, host.environment.accounts.names);
    if (limit !== undefined) log.write("LOG", limit);
    const taken = reboot ? await this.takeOver() : undefined;
    if (journal !== undefined)
      this.journal = await Journal.open(host.core, journal, (why) => {
        const message = `the journal ${journal} ends early, traffic goes on: ${why}`;
        log.write("WARNING", message);
        options.onJournalEnd?.(message);
      });
    const warn = (text: string): void => log.write("WARNING", text);
    if (taken !== undefined) await this.goOnWith(taken);
    else if (passedSockets().length > 0) await this.openPassed(passedSockets());
    else await listener.open(host.environment.listen, warn);
    if (metrics !== undefined) await this.serveMetrics(metrics);
    host.port = (listener.passed ? 0 : listener.port) || config.values.listen_port;
    if (writePid(config.values.pidfile)) log.write("LOG", "stale pidfile, removing");
    this.pidfile = config.values.pidfile;
    const places = listener.passed ? [] : listener.places;
    for (const place of places) log.write("LOG", `listening on ${place}`);
  }

  /** Clients and servers first: who comes in next finds them there. */
  private async goOnWith(taken: readonly Taken[]): Promise<void> {
    const { host, listener } = this;
    const doors = doorsOf(taken);
    host.port = doors.find(({ port }) => port > 0)?.port ?? host.values.listen_port;
    adopt(host, taken);
    await listener.adopt(doors, host.environment.listen);
  }

  private async openPassed(descriptors: readonly number[]): Promise<void> {
    const { host, listener, log } = this;
    const { listen_addr, unix_socket_dir } = host.values;
    for (const text of ignored(listen_addr, unix_socket_dir, "/tmp")) log.write("WARNING", text);
    await listener.takePassed(descriptors, host.environment.listen);
    for (const fd of descriptors) log.write("LOG", `socket passed from service manager (fd ${fd})`);
  }

  private async serveMetrics(address: string): Promise<void> {
    // Loaded only when it is asked for: a pooler without it starts faster.
    const { Metrics } = await import("./metrics.ts");
    const metrics = new Metrics(this.host);
    this.endpoint = metrics;
    await metrics.open(address);
    this.host.waits = metrics;
    this.metrics = metrics.place;
    this.log.write("LOG", `metrics on http://${metrics.place}/metrics`);
  }

  /** For -R: the sockets of the pooler that answers on our Unix socket. Errors: see `takeOver`. */
  private async takeOver(): Promise<readonly Taken[] | undefined> {
    const { log } = this;
    const { socketDirectory, port } = this.host.environment.listen;
    const path = socketPath(socketDirectory, port);
    const own = socketDirectory !== "" && passedSockets().length === 0;
    if (own && (await answers(path))) {
      const { suspend_timeout, pidfile } = this.host.values;
      const tell = (text: string): void => log.write("LOG", text);
      const taken = await takeOver(path, suspend_timeout / MILLISECOND, tell);
      await pidGone(pidfile);
      log.write("LOG", "old process killed, resuming work");
      return taken;
    }
    log.write("LOG", "old process not found, try to continue normally");
    return undefined;
  }

  private up(): void {
    this.log.write("LOG", `process up: ${VERSION}, by Poolwise on Node.js ${process.version}`);
    this.host.start();
    if (!tellService("READY=1"))
      this.log.write("WARNING", `systemd cannot be told that we are up: that takes ${CALLS_NEED}`);
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
    tellService("STOPPING=1");
    if (host.suspension.on) {
      log.write("FATAL", "suspend was in progress, going down immediately");
      void this.close();
      return;
    }
    host.begin();
    host.shutdown(mode);
    host.end();
  }

  /** SIGUSR1: as PAUSE. */
  pause(): void {
    const { host, log } = this;
    host.begin();
    if (!host.suspension.on && host.core.pause(host.now))
      log.write("LOG", "got SIGUSR1, pausing all activity");
    else log.write("LOG", "got SIGUSR1, but already paused/suspended");
    host.end();
  }

  /** SIGUSR2: lifts a PAUSE or a SUSPEND. */
  resume(): void {
    const { host, log } = this;
    host.begin();
    if (host.stopping) log.write("LOG", "got SIGUSR2 while shutting down, ignoring");
    else if (host.suspension.end()) log.write("LOG", "got SIGUSR2, continuing from SUSPEND");
    else if (host.core.resume(host.now)) log.write("LOG", "got SIGUSR2, continuing from PAUSE");
    else log.write("LOG", "got SIGUSR2, but not paused/suspended");
    host.end();
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    // It takes nobody in from now on; through Node's streams it is closed when all that came in are, too.
    const doors = this.listener.close();
    await Promise.all([this.host.close(), this.endpoint?.close()]);
    await this.journal?.close();
    removePid(this.pidfile);
    await this.host.closeConsoles();
    await doors;
    this.log.close();
    this.end();
  }

  private onShutdown(mode: "immediate" | "graceful" | "complete"): void {
    const waited = this.host.stopping === "wait_for_servers" ? "server" : "client";
    if (mode === "complete") this.log.write("LOG", `${waited} connections dropped, exiting`);
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
  log.verbose = values.verbose;
  const { syslog, syslog_facility, syslog_ident } = values;
  log.system = syslog ? new Syslog(syslog_facility, syslog_ident) : undefined;
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
