/**
 * The log in PgBouncer's format, so that what reads its logs reads ours:
 * `2026-01-31 13:05:09.123 UTC [pid] LOG C-0x1f: db/user@127.0.0.1:5000 text`.
 * Source: PgBouncer 1.25.2 lib/usual/logging.c, src/util.c (log_socket_prefix).
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { bytesOf } from "../../wire/text.ts";
import { localTime, timeZone } from "./clock.ts";

/** Severities with their place in `verbose`: debug needs 1, noise needs 2. */
const LEVELS = { FATAL: 0, ERROR: 1, WARNING: 2, LOG: 3, DEBUG: 4, NOISE: 5 } as const;
export type Level = keyof typeof LEVELS;

interface SystemLog {
  write(level: Level, text: string, now: Date): void;
}

/** PgBouncer cuts a message there, and so nothing that a client sends makes a log line longer. */
const LONGEST = 2048;

/** Where log lines go. A line is written at once, so that nothing is lost in a crash. */
export class Log {
  /** Lines go to stderr unless this is set. */
  quiet: boolean;
  /** `verbose` of the configuration: 0 logs LOG and worse, 1 also DEBUG, 2 also NOISE. */
  verbose = 0;
  /** The system's log, if lines go there too. */
  system: SystemLog | undefined;
  private path = "";
  private file = -1;

  constructor(quiet = false) {
    this.quiet = quiet;
  }

  /**
   * Sets the file that lines are appended to; empty: none. Also reopens it, for log rotation.
   * Errors: those of opening the file; the log then goes on without it.
   */
  open(path: string): void {
    this.close();
    this.path = path;
    if (path !== "") this.file = openSync(path, "a");
  }

  /** Closes the file. */
  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }

  /** True if a line of this level would be written, for callers with costly texts. */
  logs(level: Level): boolean {
    const somewhere = !this.quiet || this.file >= 0 || this.system !== undefined;
    return LEVELS[level] <= LEVELS.LOG + Math.max(0, this.verbose) && somewhere;
  }

  /** Writes a line. `about` is the prefix of a connection, such as `C-0x1: db/user@unix:6432`. */
  write(level: Level, text: string, about = ""): void {
    if (!this.logs(level)) return;
    const now = new Date();
    const millis = String(now.getMilliseconds()).padStart(3, "0");
    const stamp = `${localTime(now)}.${millis} ${timeZone(now)} [${process.pid}]`;
    const body = `${about === "" ? "" : `${about} `}${text}`.slice(0, LONGEST);
    const message = body.replaceAll("\n", "\n\t").trimEnd();
    const line = `${stamp} ${level} ${message}\n`;
    this.system?.write(level, message, now);
    if (!this.quiet) put(2, line);
    if (this.file >= 0) put(this.file, line);
  }

  /** Path of the log file, empty if there is none. */
  get target(): string {
    return this.path;
  }
}

/** A log that cannot be written must not stop the traffic: the line is lost. */
function put(file: number, line: string): void {
  try {
    writeSync(file, bytesOf(line));
  } catch {
    // A full disk or a closed pipe; there is nowhere left to complain.
  }
}
