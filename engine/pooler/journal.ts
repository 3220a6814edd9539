/** The journal of a running pooler: what the core is told goes to a file, without holding up the traffic. */
import { accessSync, constants, createWriteStream, statSync, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { ConfigError } from "../config/index.ts";
import { type Core, JournalWriter } from "../core/index.ts";
import { inWords, OutsideError } from "./system/errors.ts";

/** Bytes that may wait for the disk. A disk that cannot keep up ends the journal, not the traffic. */
const BUFFERED = 16 * 1024 * 1024;

/**
 * Refuses a place where no journal can be, before anything else is done. Nothing is written. Errors: ConfigError.
 */
export function checkJournal(path: string): void {
  const directory = dirname(path);
  const refuse = (problem: string, fix: string): ConfigError => {
    const expected = "the name of a file that can be written";
    return new ConfigError({ at: "--journal", name: path, problem, expected, fix });
  };
  const there = kindOf(path);
  if (there === "directory") throw refuse("is a directory", "name a file in it");
  if (there === "nothing" && kindOf(directory) !== "directory")
    throw refuse(`is in no directory: there is no ${directory}`, "make it, or name another file");
  const target = there === "nothing" ? directory : path;
  try {
    accessSync(target, constants.W_OK);
  } catch (error) {
    const why = inWords(error as NodeJS.ErrnoException);
    throw refuse(
      `cannot be written (${target}: ${why})`,
      "change its permissions, or name another file",
    );
  }
}

/** What there is at a path; what cannot be looked at is taken for nothing. */
function kindOf(path: string): "directory" | "file" | "nothing" {
  try {
    return statSync(path).isDirectory() ? "directory" : "file";
  } catch {
    return "nothing";
  }
}

export class Journal {
  private readonly writer: JournalWriter;
  private readonly file: WriteStream;
  /** It has ended before the pooler, and that has been told. */
  private ended = false;

  private constructor(core: Core, file: WriteStream, tell: (why: string) => void) {
    this.file = file;
    const end = (why: string): void => {
      if (!this.ended) tell(why);
      this.ended = true;
    };
    file.on("error", (error) => end(error.message));
    this.writer = new JournalWriter(core, 0, (bytes) => {
      if (file.writableLength > BUFFERED) end("the disk cannot keep up");
      if (this.ended) return false;
      file.write(bytes);
      return true;
    });
  }

  /**
   * Starts to record `core`, which must be fresh. Should the disk fail or not keep up, `tell` is told why,
   * once, and the file ends there: whole and readable. Errors: OutsideError if the file cannot be made.
   */
  static async open(core: Core, path: string, tell: (why: string) => void): Promise<Journal> {
    const file = createWriteStream(path);
    await new Promise<void>((resolve, reject) => {
      file.once("open", () => resolve());
      file.once("error", (error) =>
        reject(new OutsideError(`cannot write the journal ${path}: ${inWords(error)}`)),
      );
    });
    return new Journal(core, file, tell);
  }

  /** Hands what is buffered to the file. */
  flush(): void {
    this.writer.flush();
  }

  /** Ends the journal and waits until all of it is written. */
  async close(): Promise<void> {
    this.writer.end();
    if (this.file.closed) return;
    await new Promise<void>((resolve) => {
      this.file.once("close", () => resolve());
      this.file.end();
    });
  }
}
