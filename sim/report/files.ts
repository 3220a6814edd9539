/**
 * Writing files so that nobody ever sees half of one: to a temporary neighbour, then renamed over the
 * target. Whatever fails, the target keeps what it had and the temporary file is gone. A device or a pipe
 * is written to as it is, for renaming would put a file in its place.
 */
import { randomBytes } from "node:crypto";
import { accessSync, constants, type Stats, statSync } from "node:fs";
import { open, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** A file could not be written; an outside part failed, exit status 3. The message is one line. */
export class OutputError extends Error {
  override readonly name = "OutputError";
  /** Exit status of the program when this error ends it. */
  readonly exitStatus = 3;

  constructor(file: string, cause: unknown) {
    super(`cannot write ${file}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * Writes a whole file or nothing; a link keeps pointing where it does, and a file keeps its permissions.
 * Errors: OutputError when the directory is missing or not writable, the disk is full, or the target is
 * a directory.
 */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there !== undefined && isStream(there)) return await writeFile(file, content);
    const target = there === undefined ? file : await realpath(file);
    await replace(target, content, there === undefined ? 0o644 : there.mode & 0o777);
  } catch (cause) {
    throw new OutputError(file, cause);
  }
}

/**
 * Refuses a file that `writeWhole` could not write, before any work is done for it. Errors: OutputError
 * when its directory is missing or not writable, or when it is a directory itself.
 */
export function checkWritable(file: string): void {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    accessSync(there !== undefined && isStream(there) ? file : dirname(file), constants.W_OK);
  } catch (cause) {
    throw new OutputError(file, cause);
  }
}

/** What is no place on a disk: a device, a pipe, a socket. */
const isStream = (there: Stats): boolean => !there.isFile() && !there.isDirectory();

async function replace(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  // In the same directory, because a rename cannot cross file systems.
  const temporary = join(
    dirname(file),
    `.${basename(file)}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`,
  );
  try {
    const handle = await open(temporary, "wx", mode);
    try {
      await handle.writeFile(content);
      // A full disk may show only here.
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw cause;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such directory",
  ENOTDIR: "no such directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file size limit is reached",
  EISDIR: "it is a directory",
  ENAMETOOLONG: "the name is too long",
};

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return (code !== undefined && REASONS[code]) || message;
}
