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

/** Part of a time limit, and milliseconds at least, by which a study may exceed it without a word. */
const GRACE = { part: 0.1, least: 1000 };

/**
 * Says once that a time limit is up and the work is not, unless the function that it returns is called before.
 */
export function sayWhenUp(limit: number, write: (line: string) => void): () => void {
  const after = Math.min(limit + Math.max(GRACE.least, GRACE.part * limit), LONGEST_TIMER);
  const timer = setTimeout(() => {
    write(
      `note: the ${limit / 1000} s of the time limit are up; two replications are waited for as long again, ` +
        "10 s at least, for without them there is no interval; Ctrl-C ends sooner, a shorter --duration makes " +
        "them shorter",
    );
  }, after);
  timer.unref();
  return () => clearTimeout(timer);
}

/** What setTimeout takes. */
const LONGEST_TIMER = 2 ** 31 - 1;

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
