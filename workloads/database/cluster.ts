/**
 * A private PostgreSQL for one run: initdb, server and clean-up are all done by a small shell, the
 * watchdog, in a process group of its own, so that Ctrl-C does not reach it. Its standard input is
 * a pipe from us. However we die, `kill -9` included, the pipe ends, and the watchdog stops the
 * server and removes the directory. A hook in this process could not promise that.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Account, privateDirectory } from "./account.ts";
import { copyData, type Original } from "./copy.ts";
import type { Address } from "./dsn.ts";
import { OutsideError } from "./errors.ts";
import { AGAIN, DOOR, GONE, PrivateServer } from "./private-server.ts";

/** What a private server is started with. */
export interface ClusterOptions {
  /** Directory of `initdb` and `postgres`. */
  bin: string;
  account: Account;
  /** postgresql.conf settings, on top of the defaults below. */
  settings: Record<string, string | number>;
  /** A server whose data it is to have; none when left out. */
  original?: Original | undefined;
}

/** A running private server. `stop` may be called more than once. */
export interface Cluster extends Address {
  /** To break it. */
  readonly server: PrivateServer;
  stop(): Promise<void>;
}

/** The only port: it is part of the socket's name in a directory that nobody else uses. */
const PORT = 5432;
const SUPERUSER = "postgres";

/** Durability costs time and is worth nothing here; background work would disturb measurements. */
const DEFAULTS: Record<string, string | number> = {
  listen_addresses: "",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  autovacuum: "off",
  jit: "off",
  shared_buffers: "32MB",
  log_min_messages: "fatal",
  timezone: "UTC",
};

/**
 * The watchdog: $1 directory, $2 bin; the rest are arguments of postgres. `guarded` runs a command
 * until it ends by itself or until our end of the pipe is gone. A signal may come before the
 * command has installed its handlers and be lost, hence the loop. Whoever stands still hears no
 * signal but CONT, and the server waits for its backends, hence `roused`. Where another server has
 * taken its place, the directory is still the address.
 */
const WATCHDOG = `
trap '' INT TERM HUP
directory=$1 bin=$2
shift 2
exec 3<&0
roused() {
  kill -CONT $child
  ps -A -o pid= -o ppid= | while read -r pid parent; do
    [ "$parent" = "$child" ] && kill -CONT "$pid"
  done
}
guarded() {
  "$@" </dev/null >>"$directory/log" 2>&1 3<&- &
  child=$!
  (read -r line; while kill -INT $child; do roused; sleep 0.1; done) <&3 >/dev/null 2>&1 &
  reader=$!
  wait $child
  status=$?
  kill -KILL $reader
  return $status
}
served() {
  guarded "$bin/postgres" -D "$directory/data" -k "$directory/${DOOR}" -p ${PORT} "$@"
}
made() {
  [ -d "$directory/data" ] ||
    guarded "$bin/initdb" -D "$directory/data" -U ${SUPERUSER} -A trust -N --no-locale -E UTF8
}
mkdir "$directory/${DOOR}" && made && served "$@"
status=$?
while [ -e "$directory/${AGAIN}" ]; do
  rm -f "$directory/${AGAIN}"
  served "$@"
  status=$?
done
if [ -e "$directory/${GONE}" ]; then
  rm -rf "$directory/data"
  read -r line <&3
fi
tail -n 20 "$directory/log" >&2
rm -rf "$directory"
exit $status
`;

/**
 * Starts a server and waits for its first answer. Errors: OutsideError with the log's last lines.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const directory = await directoryFor(options);
  const watchdog = spawnWatchdog(directory, options);
  const ending = ended(watchdog);
  const address = { host: directory, port: PORT, user: SUPERUSER, database: "postgres" };
  const server = new PrivateServer(address, (home) =>
    startCluster({ ...options, original: { address, data: join(home, "data") } }),
  );
  try {
    await Promise.race([server.appear(), ending.then(startFailure)]);
  } catch (error) {
    await stopWatchdog(watchdog, ending);
    await rm(directory, { recursive: true, force: true }); // When there was no shell at all.
    throw error;
  }
  release(watchdog);
  const stop = async (): Promise<void> => {
    await server.stopHeirs();
    await stopWatchdog(watchdog, ending);
  };
  return { ...address, server, stop };
}

/** A directory of its own, with the data of the original where there is one. */
async function directoryFor({ account, original }: ClusterOptions): Promise<string> {
  const directory = await privateDirectory(account);
  if (original === undefined) return directory;
  try {
    await copyData(original, join(directory, "data"), account);
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

function spawnWatchdog(directory: string, options: ClusterOptions): ChildProcess {
  const settings = Object.entries({ ...DEFAULTS, ...options.settings });
  const flags = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return spawn("/bin/sh", ["-c", WATCHDOG, "poolwise-watchdog", directory, options.bin, ...flags], {
    ...options.account,
    cwd: "/",
    detached: true,
    // Nothing of the caller's: PG* variables would reach initdb, locale variables the messages.
    env: { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C", HOME: directory },
    stdio: ["pipe", "ignore", "pipe"],
  });
}

/** Resolves with the watchdog's last words. */
function ended(watchdog: ChildProcess): Promise<string> {
  let words = "";
  watchdog.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words += text;
  });
  watchdog.stdin?.on("error", () => undefined); // It may be gone already when we end the pipe.
  return new Promise((resolve) => {
    watchdog.on("error", (error) => resolve(error.message));
    watchdog.on("close", () => resolve(words.trimEnd()));
  });
}

function startFailure(words: string): never {
  throw new OutsideError("PostgreSQL did not start; its last words were:", words);
}

/** A server that was forgotten must not keep our process alive: its end ends the server. */
function release(watchdog: ChildProcess): void {
  watchdog.unref();
  for (const stream of [watchdog.stdin, watchdog.stderr])
    if (stream !== null && "unref" in stream && typeof stream.unref === "function") stream.unref();
}

async function stopWatchdog(watchdog: ChildProcess, ending: Promise<string>): Promise<void> {
  watchdog.ref();
  watchdog.stdin?.end();
  await ending;
}
