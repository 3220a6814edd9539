/**
 * Exit statuses, and which error ends in which: 0 done; 1 a verdict or an objective not met, or the time was up
 * before anything was known; 2 bad usage or input; 3 an outside part (database, pooler, disk) failed; 70 a bug of
 * ours; 130 interrupted.
 */
import { CommanderError } from "commander";
import { ConfigError } from "../../engine/config/index.ts";
import { Interrupted, TimeUp } from "../study/run.ts";

export const STATUS = {
  done: 0,
  notMet: 1,
  usage: 2,
  outside: 3,
  bug: 70,
  interrupted: 130,
} as const;

/** Options that are fine one by one and wrong together, or that only a command can check. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What to print on stderr about an error (nothing: it was said already) and the exit status. */
export function failure(error: unknown): { text: string; status: number } {
  if (error instanceof CommanderError) return fromCommander(error);
  if (error instanceof ConfigError || error instanceof UsageError) {
    return { text: error.message, status: STATUS.usage };
  }
  if (error instanceof Interrupted) return { text: error.message, status: STATUS.interrupted };
  if (error instanceof TimeUp) return { text: error.message, status: STATUS.notMet };
  if (isOutside(error)) return { text: error.message, status: error.exitStatus };
  if (isMemory(error)) return { text: NO_MEMORY, status: STATUS.outside };
  const stack = error instanceof Error ? error.stack : String(error);
  return { text: `this is a bug in poolwise, please report it:\n${stack}`, status: STATUS.bug };
}

const NO_MEMORY =
  "this machine has not the memory for so many clients at once; lower clients.NAME.count, the rate of " +
  "arrivals or max_client_conn";

/** V8's words where the memory of clients and servers cannot grow, or is asked for more than any machine has. */
const MEMORY = ["Array buffer allocation failed", "Invalid array buffer length"];

const isMemory = (error: unknown): boolean =>
  error instanceof RangeError && MEMORY.includes(error.message);

/** Commander says "error: unknown option '--sede'\n(Did you mean --seed?)"; we say it in one line. */
function fromCommander(error: CommanderError): { text: string; status: number } {
  if (error.exitCode === 0) return { text: "", status: STATUS.done };
  const said = error.code === "commander.help";
  const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return { text: said ? "" : text, status: STATUS.usage };
}

/** Errors of outside parts carry their exit status, wherever they are defined. */
function isOutside(error: unknown): error is Error & { exitStatus: number } {
  return error instanceof Error && "exitStatus" in error && typeof error.exitStatus === "number";
}
