/**
 * A bar on stderr while a study runs: only on a terminal, never into a pipe or a file.
 */
import { Presets, SingleBar } from "cli-progress";

/** Shows how far something is. */
export interface Progress {
  /** `share` is between 0 and 1; `text` says what is being done. */
  update(share: number, text: string): void;
  /** Removes the bar. */
  stop(): void;
}

/** A progress bar; a silent one when `quiet` or when stderr is no terminal. */
export function startProgress(quiet: boolean): Progress {
  if (quiet || !process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar(
    {
      format: "{bar} {text}",
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      // Ctrl-C is ours: it ends the study and prints what is known so far.
      gracefulExit: false,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  bar.start(1000, 0, { text: "" });
  return {
    update: (share, text) => bar.update(Math.round(1000 * Math.min(1, share)), { text }),
    stop: () => bar.stop(),
  };
}
