/**
 * Removes what a run left behind whose watchdog was killed too. The owner's process id is part of a
 * directory's name, so a directory never exists without its owner being known.
 */
import { execFile } from "node:child_process";
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Account, ownPrefix, temporaryBase } from "./account.ts";
import { childrenOf, signalAll } from "./processes.ts";

const run = promisify(execFile);
const POLLS_MAX = 100;

/**
 * Ends servers without an owner and removes their directories. Never throws: it is only tidying.
 */
export async function sweepStale(account: Account): Promise<void> {
  const base = await temporaryBase(account);
  const host = ownPrefix(0).slice(0, "pw-xxxx-".length);
  for (const name of await readdir(base).catch(() => [])) {
    const owner = /^pw-[0-9a-f]{4}-(\d+)-\w{6}$/.exec(name);
    if (owner === null || !name.startsWith(host) || alive(Number(owner[1]))) continue;
    await removeStale(join(base, name), account).catch(() => undefined);
  }
}

/** Whether a process exists; one that we may not signal exists as well. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function removeStale(directory: string, account: Account): Promise<void> {
  const { uid } = await lstat(directory);
  if (uid !== account?.uid && uid !== process.getuid?.()) return;
  const text = await readFile(join(directory, "data", "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number.parseInt(text, 10);
  if (pid > 1 && (await commandOf(pid)).includes(directory)) await end(pid);
  await rm(directory, { recursive: true, force: true });
}

/** The number may meanwhile belong to a stranger, so the command line has to name the directory. */
async function commandOf(pid: number): Promise<string> {
  const found = await run("ps", ["-o", "args=", "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return found.stdout;
}

async function end(pid: number): Promise<void> {
  process.kill(pid, "SIGQUIT"); // Immediate shutdown: its data are about to be removed anyway.
  signalAll([pid, ...(await childrenOf(pid))], "SIGCONT"); // They may have been made to stand still.
  for (let polls = 0; alive(pid) && polls < POLLS_MAX; polls++) await sleep(50);
}
