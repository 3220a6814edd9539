/**
 * A pooler in the background. A process cannot fork itself in Node, so a second one is started in a
 * session of its own; unlike PgBouncer we wait until it listens, so that the exit status tells the truth.
 */
import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError, loadConfig } from "../config/index.ts";
import type { PoolerFlags } from "./run.ts";
import { Log } from "./system/log.ts";
import { becomeUser } from "./system/user.ts";

/**
 * Starts a pooler that goes on when we end. Returns the exit status: 0 it listens; 2 or 3 as `runPooler`,
 * with its line on stderr.
 */
export async function startInBackground(ini: string, flags: PoolerFlags): Promise<number> {
  try {
    const { values } = loadConfig(ini);
    if (values.pidfile === "") {
      refuse("daemon needs pidfile configured", flags.user ?? values.user ?? "", values.logfile);
      return 2;
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  return await launch(JSON.stringify({ ini, flags }));
}

/** To the log too: who starts us may look there only. It is written by whom the pooler would become. */
function refuse(text: string, user: string, logfile: string): void {
  process.stderr.write(`${text}\n`);
  const log = new Log(true);
  try {
    if (user !== "") becomeUser(user);
    log.open(logfile);
    log.write("FATAL", text);
  } catch {
    // There is no such user or file; that it is refused has been said.
  }
  log.close();
}

function launch(order: string): Promise<number> {
  const fromSource = import.meta.url.endsWith(".ts");
  const name = fromSource ? "background.ts" : "background.js";
  const loader = (): string => pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), [order], {
    detached: true,
    execArgv: fromSource ? ["--import", loader()] : [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(chunk));
  return new Promise((resolve) => {
    child.once("exit", (status) => resolve(status ?? 3));
    child.once("message", () => {
      child.removeAllListeners("exit");
      child.stderr?.destroy();
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}
