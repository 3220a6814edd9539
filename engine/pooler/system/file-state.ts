/** Whether a file is still the one that was read. */
import { statSync } from "node:fs";

/** Changes when the file does; a file that is not there has a state too. */
export function fileState(path: string): string {
  try {
    const { dev, ino, mode, uid, gid, mtimeMs, size } = statSync(path);
    return [path, dev, ino, mode, uid, gid, mtimeMs, size].join(":");
  } catch {
    return path;
  }
}
