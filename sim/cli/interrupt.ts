/**
 * Ctrl-C: the first one asks a study to stop and print what it knows, the second one ends the program.
 */
import { STATUS } from "./failure.ts";
import { note } from "./output.ts";

/** A signal that SIGINT aborts; `release` gives SIGINT back. `word`: what it says then, if anything. */
export function interruptible(word: string | undefined): { signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(STATUS.interrupted);
    controller.abort();
    if (word !== undefined) note(`note: ${word}; Ctrl-C again ends at once`);
  };
  process.on("SIGINT", stop);
  return {
    signal: controller.signal,
    release: () => {
      process.off("SIGINT", stop);
    },
  };
}
