/**
 * As whom and where a private PostgreSQL runs. PostgreSQL refuses to run as root, and a user id
 * without a name will not do either, so root steps down to `nobody`, who exists everywhere. Nobody
 * must then be able to enter every directory on the way to the data and to the binaries.
 */
import { execFile } from "node:child_process";
import { chown, mkdtemp, realpath, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { OutsideError } from "./errors.ts";

const run = promisify(execFile);

/** The account to drop to, or undefined to stay who we are. */
export type Account = { uid: number; gid: number } | undefined;

/**
 * A socket's path must stay below 104 bytes (macOS; 108 on Linux), and `/pw-xxxx-4194304-xxxxxx`
 * with `/door/.s.PGSQL.65535` takes 43 of them.
 */
const TEMPORARY_LENGTH_MAX = 60;

/** The account PostgreSQL is to run under. Errors: OutsideError when root finds no `nobody`. */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const [uid, gid] = await Promise.all([
      run("id", ["-u", "nobody"]),
      run("id", ["-g", "nobody"]),
    ]);
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch (cause) {
    const message = "PostgreSQL does not run as root, and there is no user nobody to run it as";
    throw new OutsideError(message, "", cause);
  }
}

/** The directory for temporary files that `account` can enter and whose paths are short. */
export async function temporaryBase(account: Account): Promise<string> {
  const usual = await realpath(tmpdir());
  if (usual.length > TEMPORARY_LENGTH_MAX) return "/tmp";
  return account === undefined || (await openToAll(usual)) ? usual : "/tmp";
}

/**
 * The start of the names of this process's directories. The host's name is part of it because
 * containers with a common /tmp cannot see each other's processes.
 */
export function ownPrefix(pid: number): string {
  let hash = 0;
  for (const character of hostname()) hash = (hash * 31 + character.charCodeAt(0)) & 0xffff;
  return `pw-${hash.toString(16).padStart(4, "0")}-${pid}-`;
}

/** Makes a private directory that belongs to `account`. */
export async function privateDirectory(account: Account): Promise<string> {
  const directory = await mkdtemp(join(await temporaryBase(account), ownPrefix(process.pid)));
  if (account !== undefined) await chown(directory, account.uid, account.gid);
  return directory;
}

async function openToAll(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
