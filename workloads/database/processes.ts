/** Processes of a private server, and signals to them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { OutsideError } from "./errors.ts";

/**
 * Ids of the processes that `parent` has started. Each backend of PostgreSQL is the leader of a process
 * group of its own, so a signal to a group reaches but one of them. Errors: OutsideError.
 */
export async function childrenOf(parent: number): Promise<number[]> {
  const columns = ["-A", "-o", "pid=", "-o", "ppid="];
  const { stdout } = await promisify(execFile)("ps", columns).catch((error: Error) => {
    throw new OutsideError(`the program ps, which lists processes, failed: ${error.message}`);
  });
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, ppid]) => ppid === parent).map(([pid]) => pid as number);
}

/** Sends `signal` to those that are still there. */
export function signalAll(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
}
