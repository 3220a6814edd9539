/** Backends of a private server that let everybody else have a core first, also those that come later. */
import { existsSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { describe, expect, test } from "vitest";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { withClient } from "../../workloads/database/index.ts";
import { Yielding } from "../../workloads/database/yielding.ts";
import { privateDatabase } from "./helpers.ts";

const installed = (await embeddedPackage()) !== undefined;
/** By sessions, where the system shares cores among these first. */
const grouped = existsSync("/proc/self/autogroup");
const MINUTE = { timeout: 60_000, interval: 50 };

describe.skipIf(!installed)("for real (skipped: embedded package not installed)", () => {
  const { database, server } = privateDatabase();

  /** A backend of its own, and how it stands with the cores. */
  const standing = <T>(look: (pid: number) => Promise<T>): Promise<T> =>
    withClient(database(), async (client) => {
      const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
      return await look(rows[0]?.pid ?? 0);
    });
  /** Beyond ours; and that of its session. */
  const niceness = (pid: number) => ({
    own: getPriority(pid) - getPriority(),
    session: grouped
      ? Number(readFileSync(`/proc/${pid}/autogroup`, "utf8").split(" nice ")[1])
      : undefined,
  });
  const as = (nice: number) => ({ own: nice, session: grouped ? nice : undefined });

  test("they are as any other process, until they are to yield", async () => {
    expect(await standing(async (pid) => niceness(pid))).toEqual(as(0));
  });

  test("they yield, those of a server that has come back as well", async () => {
    const watching = new Yielding(server());
    try {
      // The first to come may have been there before anybody looked.
      await expect.poll(() => standing(async (pid) => niceness(pid).own), MINUTE).toBe(10);
      await standing(async (pid) => {
        await expect.poll(() => niceness(pid), MINUTE).toEqual(as(10));
      });
      const now = performance.timeOrigin + performance.now();
      await server().restart({ begin: now, end: now }, new AbortController().signal);
      await expect.poll(() => standing(async (pid) => niceness(pid).own), MINUTE).toBe(10);
      await standing(async (pid) => {
        await expect.poll(() => niceness(pid), MINUTE).toEqual(as(10));
      });
    } finally {
      watching.stop();
    }
  });
});
