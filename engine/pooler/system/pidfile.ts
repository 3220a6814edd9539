/** The file with our process id, which also keeps a second pooler from starting with the same one. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { OutsideError } from "./errors.ts";

/**
 * Writes the file. An empty path: nothing to do. Returns true if one that a dead process has left was replaced.
 * Errors: OutsideError if its process lives, if it
 * names none, or if the file cannot be written. Source: PgBouncer 1.25.2 src/main.c, check_pidfile().
 */
export function writePid(path: string): boolean {
  if (path === "") return false;
  const stale = existsSync(path);
  if (stale && isTaken(path)) {
    const fix = "is another pooler running? If not, remove it";
    throw new OutsideError(`pidfile ${path} exists; ${fix}`);
  }
  try {
    if (stale) rmSync(path);
    writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
    return stale;
  } catch (error) {
    throw new OutsideError(`cannot write the pidfile ${path}: ${(error as Error).message}`);
  }
}

/** Waits until the process that has written the file has taken it away, or is gone. */
export async function pidGone(path: string): Promise<void> {
  while (path !== "" && lives(pidIn(path))) await sleep(20);
}

/** Removes the file. */
export function removePid(path: string): void {
  if (path !== "") rmSync(path, { force: true });
}

/** One that names no process is as good as taken: who is about to write it may have just begun. */
function isTaken(path: string): boolean {
  const pid = pidIn(path);
  return pid <= 0 || lives(pid);
}

/** 0: it names no process, or cannot be read. */
function pidIn(path: string): number {
  try {
    return Number.parseInt(readFileSync(path, "utf8"), 10) || 0;
  } catch {
    return 0;
  }
}

function lives(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // It lives, as somebody else's.
  }
}
