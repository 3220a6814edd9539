/** The journal of a running pooler: what the core is told goes to a file, without holding up the traffic. */
import { createWriteStream, type WriteStream } from "node:fs";
import { type Core, JournalWriter } from "../core/index.ts";
import { OutsideError } from "./errors.ts";

/** Bytes that may wait for the disk. A disk that cannot keep up ends the journal, not the traffic. */
const BUFFERED = 16 * 1024 * 1024;

export class Journal {
  private readonly writer: JournalWriter;
  private readonly file: WriteStream;
  private broken = false;

  private constructor(core: Core, file: WriteStream) {
    this.file = file;
    file.on("error", () => {
      this.broken = true;
    });
    this.writer = new JournalWriter(core, 0, (bytes) => {
      if (this.broken || file.writableLength > BUFFERED) return false;
      file.write(bytes);
      return true;
    });
  }

  /** Starts to record `core`, which must be fresh. Errors: OutsideError if the file cannot be made. */
  static async open(core: Core, path: string): Promise<Journal> {
    const file = createWriteStream(path);
    await new Promise<void>((resolve, reject) => {
      file.once("open", () => resolve());
      file.once("error", (error) =>
        reject(new OutsideError(`cannot write the journal ${path}: ${error.message}`)),
      );
    });
    return new Journal(core, file);
  }

  /** True when the disk could not keep up, or failed: the file ends there, whole and readable. */
  get stopped(): boolean {
    return this.writer.stopped || this.broken;
  }

  /** Hands what is buffered to the file. */
  flush(): void {
    this.writer.flush();
  }

  /** Ends the journal and waits until all of it is written. */
  async close(): Promise<void> {
    this.writer.end();
    await new Promise<void>((resolve) => {
      this.file.once("close", () => resolve());
      this.file.end();
    });
  }
}
