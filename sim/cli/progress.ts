/**
 * A bar on stderr while a study runs: only on a terminal, never into a pipe or a file. There a command that
 * may take long says now and then what it is still doing.
 */
import { Presets, SingleBar } from "cli-progress";
import { note } from "./output.ts";

/** Shows how far something is. */
export interface Progress {
  /** `share` is between 0 and 1; `text` says what is being done. */
  update(share: number, text: string): void;
  /** Removes the bar. */
  stop(): void;
}

/**
 * A progress bar; a silent one when `quiet` or when stderr is no terminal. `every`: milliseconds after which
 * it breaks that silence, each time, with a line.
 */
export function startProgress(quiet: boolean, every?: number): Progress {
  if (quiet) return SILENT;
  if (!process.stderr.isTTY) return every === undefined ? SILENT : startLines(every, note);
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

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** Progress as a line every so many milliseconds. */
export function startLines(every: number, write: (line: string) => void): Progress {
  let [share, text] = [0, "beginning"];
  let times = 0;
  const timer = setInterval(() => {
    const seconds = Math.round((++times * every) / 1000);
    write(
      `note: still at it after ${seconds} s, ${Math.round(100 * share)} % of the time: ${text}`,
    );
  }, every);
  timer.unref();
  return {
    update: (now, what) => {
      [share, text] = [Math.min(1, now), what];
    },
    stop: () => clearInterval(timer),
  };
}
