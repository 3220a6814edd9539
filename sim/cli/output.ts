/**
 * Where words go: results to stdout, notes and errors to stderr. A reader that goes away early, such as
 * `head`, is no failure.
 */

import { type Stats, statSync } from "node:fs";
import { OutputError } from "../report/files.ts";
import { wrapped } from "../report/wrap.ts";
import { STATUS, UsageError } from "./failure.ts";

/** Writes to stdout and waits until it is handed over, so that a long result is not cut at exit. */
export function print(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text.endsWith("\n") ? text : `${text}\n`, () => resolve());
  });
}

/** The same with text for people, in lines that fit their terminal. */
export function printText(text: string): Promise<void> {
  return print(wrapped(text, process.stdout.columns));
}

/** One line on stderr, or as many as a terminal needs: something to know that is not the result. */
export function note(text: string): void {
  process.stderr.write(`${wrapped(text, process.stderr.columns)}\n`);
}

/** Refuses to write over the file that is read, whatever name it goes by. Errors: UsageError. */
export function checkApart(option: string, output: string | undefined, input: string): void {
  if (output === undefined) return;
  const [one, other] = [output, input].map(found);
  if (!one?.isFile() || one.ino !== other?.ino || one.dev !== other.dev) return;
  throw new UsageError(`${option}: ${output} is the file that is read; give it another name`);
}

/** What cannot be looked at is not that file; who opens it says why. */
function found(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}

/**
 * Ends the program quietly once nobody reads its results any more. A stderr that is gone, or full, is no
 * reason to end: a pooler goes on without it. A disk that is full, or gone, is said.
 */
export function tolerateClosedPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    process.stderr.write(`poolwise: ${new OutputError("the result", error).message}\n`);
    process.exit(STATUS.outside);
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "ENOSPC") throw error;
  });
}
