/** A pooler run by a command line: its process id and user, its signals, its exit status. */
import { ConfigError, loadConfig } from "../config/index.ts";
import { RunningPooler } from "./main.ts";
import { OutsideError } from "./system/errors.ts";
import { readText } from "./system/read-text.ts";
import { reloading, tellService } from "./system/service.ts";

/** Options of the command line beside the path of the ini. */
export interface PoolerFlags {
  quiet?: boolean | undefined;
  /** As PgBouncer's -v: more to the log. */
  verbose?: number | undefined;
  /** As -u: the user to become when started as root; wins over the setting `user`. */
  user?: string | undefined;
  /** As -R: take the sockets over from a pooler that runs already; without one, start as usual. */
  reboot?: boolean | undefined;
  journal?: string | undefined;
  /** Where Prometheus may ask, see `PoolerOptions`. */
  metrics?: string | undefined;
}

/**
 * Runs a pooler until a signal or its console ends it. Returns the exit status: 0 ended in order, 2 the
 * configuration is not in order, 3 an address or a file is not to be had; both with a line on stderr.
 * `onUp` is called when it listens.
 */
export async function runPooler(
  iniPath: string,
  flags: PoolerFlags = {},
  onUp: () => void = () => {},
): Promise<number> {
  try {
    const config = loadConfig(iniPath, readText);
    const user = flags.user ?? config.values.user ?? "";
    const values = {
      ...config.values,
      user: user === "" ? config.values.user : user,
      verbose: config.given.has("verbose") ? config.values.verbose : (flags.verbose ?? 0),
    };
    const { quiet, journal, reboot, metrics } = flags;
    let forget = (): void => {};
    const options = { config: { ...config, values }, quiet, journal, reboot, metrics, user };
    const pooler = await RunningPooler.start(options, (made) => {
      forget = heed(made);
    });
    onUp();
    await pooler.ended;
    forget();
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof OutsideError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error instanceof ConfigError ? 2 : 3;
  }
}

/**
 * Obeys PgBouncer's signals. Node.js leaves SIGUSR1 to us once we listen to it. A crash, which is a bug of
 * ours, goes to the log too: in the background there is no stderr.
 * Source: PgBouncer 1.25.2 src/main.c. Returns how to stop that.
 */
function heed(pooler: RunningPooler): () => void {
  const { log } = pooler;
  const handlers: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGHUP: () => {
      log.write("LOG", "got SIGHUP, re-reading config");
      tellService(...reloading());
      pooler.reload();
      tellService("READY=1");
    },
    SIGINT: () => pooler.windDown("SIGINT", "wait_for_servers"),
    SIGTERM: () => pooler.windDown("SIGTERM", "wait_for_clients"),
    SIGQUIT: () => {
      log.write("LOG", "got SIGQUIT, fast exit");
      void pooler.close();
    },
    SIGUSR1: () => pooler.pause(),
    SIGUSR2: () => pooler.resume(),
  };
  const crashed = (error: Error): void => log.write("FATAL", error.stack ?? String(error));
  const entries = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  process.on("uncaughtExceptionMonitor", crashed);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
    process.off("uncaughtExceptionMonitor", crashed);
  };
}
