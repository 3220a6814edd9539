/** Every connection is an open file, and a process may have only so many of them. */
import { OutsideError } from "../database/errors.ts";

/** What Node itself, the modules and the control channel need. */
const OTHERS = 64;

/**
 * Checks that `connections` sockets can be open at once. Node has already raised the soft limit to
 * the hard one. Errors: OutsideError that says what to do.
 */
export function checkOpenFiles(connections: number, limit = openFilesLimit()): void {
  const needed = connections + OTHERS;
  if (needed <= limit) return;
  throw new OutsideError(
    `${connections} clients need ${needed} open files, but a process may have ${limit}: ` +
      `raise the limit with \`ulimit -n ${needed}\``,
  );
}

/** The limit of this process; infinite when the system has none or does not tell. */
export function openFilesLimit(): number {
  const report: unknown = process.report?.getReport();
  const soft = (report as { userLimits?: { open_files?: { soft?: unknown } } }).userLimits
    ?.open_files?.soft;
  return typeof soft === "number" ? soft : Number.POSITIVE_INFINITY;
}
