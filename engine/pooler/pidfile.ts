/** The file with our process id, which also keeps a second pooler from starting with the same one. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { OutsideError } from "./errors.ts";

/**
 * Writes the file. An empty path: nothing to do. Returns true if one that a dead process has left was replaced.
 * Errors: OutsideError if its process lives, or if the file cannot be written.
 */
export function writePid(path: string): boolean {
  if (path === "") return false;
  const stale = existsSync(path);
  if (isTaken(path)) throw new OutsideError(`pidfile ${path} exists; is another pooler running?`);
  try {
    writeFileSync(path, `${process.pid}\n`);
    return stale;
  } catch (error) {
    throw new OutsideError(`cannot write the pidfile ${path}: ${(error as Error).message}`);
  }
}

/** Waits until the process that has written the file has taken it away, or is gone. */
export async function pidGone(path: string): Promise<void> {
  while (path !== "" && isTaken(path)) await sleep(20);
}

/** Removes the file. */
export function removePid(path: string): void {
  if (path !== "") rmSync(path, { force: true });
}

function isTaken(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    if (!Number.isInteger(pid) || pid <= 0) return false;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // It lives, as somebody else's.
  }
}
