/** A pooler in a process of its own: ours, or a PgBouncer, on the same ini. */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chown } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { ChildReport } from "../../../engine/pooler/child.ts";
import { OutsideError } from "../../../workloads/database/errors.ts";

export interface PoolerProcessOptions {
  /** Path of the pgbouncer.ini. */
  ini: string;
  /** Its `unix_socket_dir`, and its `listen_port`. */
  directory: string;
  port: number;
  /** Path of a PgBouncer to start; ours when left out. */
  pgbouncer?: string | undefined;
  /** Ours only: write the scheduler's inputs to this file. */
  journal?: string | undefined;
}

export interface PoolerProcess {
  /** Resolves, with a sentence, when the process has ended by itself. */
  readonly ended: Promise<string>;
  /** What it has said that the person who measures should know; grows until it has ended. */
  readonly notes: readonly string[];
  /** Sends it a signal; PgBouncer's mean the same to ours. */
  signal(name: NodeJS.Signals): void;
  /** Ends it without a word. */
  kill(): Promise<void>;
  /** Ends it in good order, or kills it when that takes too long. */
  stop(): Promise<void>;
}

/** Starts a pooler and waits until it listens. Errors: OutsideError. */
export async function startPooler(options: PoolerProcessOptions): Promise<PoolerProcess> {
  const { ini, journal } = options;
  const notes: string[] = [];
  const child = await (options.pgbouncer === undefined
    ? startOurs(ini, journal, notes)
    : startPgBouncer(options.pgbouncer, options));
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(`the pooler ended: ${signal ?? `status ${code}`}`),
    );
  });
  return {
    ended,
    notes,
    signal: (name) => void child.kill(name),
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
    stop: () => stop(child),
  };
}

function startOurs(
  ini: string,
  journal: string | undefined,
  notes: string[],
): Promise<ChildProcess> {
  const fromSource = import.meta.url.endsWith(".ts");
  const place = `../../../engine/pooler/child.${fromSource ? "ts" : "js"}`;
  const file = fileURLToPath(new URL(place, import.meta.url));
  const loader = (): string => pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const execArgv = fromSource ? ["--import", loader()] : [];
  const child = fork(file, journal === undefined ? [ini] : [ini, journal], { execArgv });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new OutsideError(`the pooler ended with status ${code}`)));
    child.on("message", (report: ChildReport) => {
      if (report.kind === "note") {
        notes.push(report.message);
        return;
      }
      child.removeAllListeners("exit");
      if (report.kind === "ready") resolve(child);
      else reject(new OutsideError(`the pooler did not start: ${report.message}`));
    });
  });
}

/** Debian's user and group `nobody`: PgBouncer does not run as root. */
const NOBODY = 65_534;
/** For half a minute it is looked whether PgBouncer listens: one that cannot start ends by itself long before. */
const LOOKS = 600;
const LOOK_MS = 50;
/** How long an end in good order may take, which has a journal to write to its end. */
const END_MS = 15_000;

async function startPgBouncer(
  program: string,
  { directory, ini, port }: PoolerProcessOptions,
): Promise<ChildProcess> {
  const root = process.getuid?.() === 0;
  if (root) await chown(directory, NOBODY, NOBODY);
  const account = root ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(program, ["-q", ini], { ...account, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    said = `${said}${bytes}`.slice(-2_000);
  });
  // By then all that it had to say has been read.
  const over = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", (error) => {
      said = error.message;
      resolve();
    });
  });
  const socket = join(directory, `.s.PGSQL.${port}`);
  for (let attempt = 0; attempt < LOOKS && child.exitCode === null && child.pid; attempt++) {
    if (await listens(socket)) return child;
    await sleep(LOOK_MS);
  }
  const silence = child.exitCode === null ? "nothing listens" : "it ended without a word";
  // Node passes on the number 0 for a process that was never made: that is our whole process group.
  if (child.pid !== undefined) child.kill("SIGKILL");
  await over;
  const last = said.trim().split("\n").at(-1);
  throw new OutsideError(`${program} did not start: ${last || silence}`);
}

/** Whether somebody takes connections there: between bind and listen the socket's file is there already. */
function listens(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", () => resolve(false));
  });
}

/** Where ports are looked for: no system hands these out by itself, neither to who listens nor to who connects. */
const PORTS = { first: 20_000, last: 31_999 } as const;
const TRIES = 100;

/** A TCP port that was free a moment ago, and that the system gives to nobody meanwhile. Errors: OutsideError. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES; tries++) {
    const port = randomInt(PORTS.first, PORTS.last + 1);
    if (await isFree(port)) return port;
  }
  throw new OutsideError(
    `no free port found on this machine, from ${PORTS.first} to ${PORTS.last}`,
  );
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const free = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (free) await once(server.close(), "close");
  return free;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  if (child.connected) child.disconnect();
  else child.kill("SIGQUIT");
  const patience = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await gone;
  clearTimeout(patience);
}
