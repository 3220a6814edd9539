/**
 * What the tests of private servers share: owners in processes of their own, and looking for
 * remains.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect } from "vitest";
import { serverAccount } from "../../workloads/database/account.ts";
import {
  type Database,
  type PrivateServer,
  resolveDatabase,
} from "../../workloads/database/index.ts";

const run = promisify(execFile);
const OWNER = fileURLToPath(new URL("owner.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Polls every 5 ms for a minute: only a hang is meant to reach it. */
const POLLS_MAX = 12_000;
const POLL_MS = 5;

/** A private database for the tests of a `describe`, and what it can be made to do. */
export function privateDatabase(): { database: () => Database; server: () => PrivateServer } {
  let database: Database;
  beforeAll(async () => {
    database = await resolveDatabase({ env: { PATH: process.env.PATH } });
  });
  afterAll(() => database.stop());
  const server = () => database.server ?? expect.fail("it is not private");
  return { database: () => database, server };
}

/** Starts `owner.ts`; as `nobody` when `ordinary` and we are root. */
export async function spawnOwner(temporary: string, args: string[], ordinary = false) {
  const account = ordinary ? await serverAccount() : undefined;
  return spawn(process.execPath, ["--import", "tsx", OWNER, ...args], {
    ...account,
    cwd: ROOT,
    env: { PATH: process.env.PATH, TMPDIR: temporary },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** The first line a process prints; its error output when it ends without one. */
export function firstLine(child: ChildProcess): Promise<string> {
  let errors = "";
  let text = "";
  child.stderr?.on("data", (chunk) => {
    errors += chunk;
  });
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
    child.on("close", () => reject(new Error(`ended without a line: ${errors}`)));
  });
}

/** A temporary directory that every user can write to, as /tmp is. */
export async function sharedDirectory(): Promise<string> {
  const directory = await mkdtemp("/tmp/pwtest-");
  await chmod(directory, 0o1777);
  return directory;
}

/** Process ids whose command line contains `text`. */
export async function processesWith(text: string): Promise<number[]> {
  const { stdout } = await run("ps", ["-eo", "pid=,args="]);
  const lines = stdout.split("\n").filter((line) => line.includes(text));
  return lines.map((line) => Number.parseInt(line, 10)).filter((pid) => pid !== process.pid);
}

/** Polls until neither the directory nor a process that names it exists; returns what is left. */
export async function remains(directory: string): Promise<string[]> {
  let left: string[] = [];
  for (let polls = 0; polls < POLLS_MAX; polls += 10) {
    left = (await processesWith(directory)).map(String);
    if (existsSync(directory)) left.push(directory);
    if (left.length === 0) return [];
    await sleep(10 * POLL_MS);
  }
  return left;
}

/** Polls for the directory of a server that is being made below `temporary`. */
export async function firstServerDirectory(temporary: string): Promise<string> {
  for (let polls = 0; polls < POLLS_MAX; polls++) {
    const found = (await readdir(temporary)).find((name) => name.startsWith("pw-"));
    if (found !== undefined && existsSync(join(temporary, found, "data")))
      return join(temporary, found);
    await sleep(POLL_MS);
  }
  throw new Error("no server directory appeared");
}

export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
