/**
 * The system's log, for `syslog = 1`. Its socket is one of datagrams, which takes the system's calls.
 * Source: syslog(3), RFC 3164, and PgBouncer 1.25.2 lib/usual/logging.c.
 */
import { localTime } from "./clock.ts";
import { libc } from "./libc.ts";
import type { Level } from "./log.ts";

const SOCKET = "/dev/log";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const LOCAL = 16;
const FACILITIES: ReadonlyMap<string, number> = new Map([
  ["user", 1],
  ["daemon", 3],
  ["auth", 4],
  ["authpriv", 10],
  ...Array.from({ length: 8 }, (_, at): [string, number] => [`local${at}`, LOCAL + at]),
]);
const DAEMON = 3;

/** How grave a line is there; what is for debugging does not go there. */
const PRIORITIES: Readonly<Partial<Record<Level, number>>> = {
  FATAL: 2,
  ERROR: 3,
  WARNING: 4,
  LOG: 6,
};

export class Syslog {
  private readonly facility: number;
  private readonly name: string;
  private readonly socket: string;

  /** A facility that is not known is `daemon`, as in PgBouncer. */
  constructor(facility: string, name: string, socket = SOCKET) {
    this.facility = FACILITIES.get(facility) ?? DAEMON;
    this.name = name;
    this.socket = socket;
  }

  /** Sends a line. A system without such a log, or with one that is full, loses it. */
  write(level: Level, text: string, now: Date): void {
    const priority = PRIORITIES[level];
    if (priority === undefined) return;
    const head = `<${this.facility * 8 + priority}>${stamp(now)}`;
    libc()?.notify(this.socket, `${head} ${this.name}[${process.pid}]: ${text}`);
  }
}

/** `Jan  2 03:04:05`, in English and in local time. */
function stamp(now: Date): string {
  const [, time] = localTime(now).split(" ");
  return `${MONTHS[now.getMonth()]} ${String(now.getDate()).padStart(2)} ${time}`;
}
