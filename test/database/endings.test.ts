/**
 * However the owner of a private PostgreSQL dies, neither a process nor a directory is left. The
 * clean-up is another process's work, so the tests poll for it.
 */
import { once } from "node:events";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ownPrefix, serverAccount } from "../../workloads/database/account.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { alive, sweepStale } from "../../workloads/database/sweep.ts";
import {
  firstLine,
  firstServerDirectory,
  processesWith,
  remains,
  removeTree,
  sharedDirectory,
  spawnOwner,
} from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
let temporary: string;
beforeEach(async () => {
  temporary = await sharedDirectory();
});
afterEach(() => removeTree(temporary));

describe.skipIf(!installed)("the owner dies (skipped: embedded package not installed)", () => {
  const endings = [
    ["SIGKILL", false],
    ["SIGINT", false],
    ["SIGTERM", true],
    ["SIGKILL", true],
  ] as const;
  for (const [signal, ordinary] of endings)
    test(`${signal}${ordinary ? ", as an ordinary user" : ""}: nothing is left`, async () => {
      const owner = await spawnOwner(temporary, ["hold"], ordinary);
      const directory = await firstLine(owner);
      expect((await processesWith(directory)).length).toBeGreaterThan(1);
      owner.kill(signal);
      expect(await remains(directory)).toEqual([]);
    });

  test("killed while the server stands still: nothing is left", async () => {
    const owner = await spawnOwner(temporary, ["stall"]);
    const directory = await firstLine(owner);
    owner.kill("SIGKILL");
    expect(await remains(directory)).toEqual([]);
  });

  test("an uncaught error: nothing is left", async () => {
    const owner = await spawnOwner(temporary, ["throw"]);
    expect(await remains(await firstLine(owner))).toEqual([]);
  });

  test("killed while the database is still being made: nothing is left", async () => {
    const owner = await spawnOwner(temporary, ["hold"]);
    const directory = await firstServerDirectory(temporary);
    owner.kill("SIGKILL");
    expect(await remains(directory)).toEqual([]);
  });

  for (const [ending, what] of [
    ["hold", "the watchdog is killed as well"],
    ["stall", "the watchdog is killed as well, while the server stands still"],
  ] as const)
    test(`${what}: the next start sweeps up`, async () => {
      const owner = await spawnOwner(temporary, [ending]);
      const directory = await firstLine(owner);
      // Its end closes our pipe to it, and the shell that reads the pipe must not act on that any more.
      const watchdog = await processesWith(`poolwise-watchdog ${directory}`);
      for (const signal of ["SIGSTOP", "SIGKILL"])
        for (const pid of watchdog) process.kill(pid, signal);
      owner.kill("SIGKILL");
      await once(owner, "exit");
      expect((await processesWith(directory)).length).toBeGreaterThan(0);
      const next = await spawnOwner(temporary, ["throw"]);
      expect(await remains(await firstLine(next))).toEqual([]);
      expect(await remains(directory)).toEqual([]);
    });
});

test("sweeping leaves the directories of living owners and strangers alone", async () => {
  const account = await serverAccount();
  const before = process.env.TMPDIR;
  process.env.TMPDIR = temporary;
  try {
    const names = [`${ownPrefix(process.pid)}abcdef`, "pw-notes", "pw-zzzz-1-abcdef"];
    for (const name of names) await mkdir(join(temporary, name));
    await sweepStale(account);
    expect((await processesWith(temporary)).length).toBe(0);
    expect((await readdir(temporary)).sort()).toEqual(names.sort());
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
});

test("a process that we may not signal counts as alive", () => {
  expect(alive(1)).toBe(true);
  expect(alive(process.pid)).toBe(true);
});
