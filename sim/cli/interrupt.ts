/**
 * Ctrl-C: the first one asks a study to stop and print what it knows, the second one ends the program.
 */
import { STATUS } from "./failure.ts";

/** A signal that SIGINT aborts; `release` gives SIGINT back. */
export function interruptible(): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(STATUS.interrupted);
    controller.abort();
  };
  process.on("SIGINT", stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", stop);
    },
  };
}
