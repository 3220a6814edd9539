/** A PgBouncer that is too old for a workload is refused by its version, before it is started. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkVersion } from "../../sim/study/live/pooler-version.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const directory = mkdtempSync(join(tmpdir(), "version-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A program that says of itself that it is this version. */
function program(version: string): string {
  const path = join(directory, version);
  writeFileSync(path, `#!/bin/sh\necho PgBouncer ${version}\n`);
  chmodSync(path, 0o755);
  return path;
}

// settings, more, the oldest version that will do, what for
for (const [settings, more, oldest, what] of [
  ["", "", 0, ""],
  ["transaction_timeout: 0", "", 0, ""],
  ["transaction_timeout: 5", "", 25, "transaction_timeout"],
  ["query_wait_notify: 0", "", 25, "query_wait_notify"],
  ["cancel_wait_timeout: 3", "", 19, "cancel_wait_timeout"],
  ["", "pooler: { peering: 1 ms }", 19, "poolers that know each other"],
] as const)
  test(`${settings} ${more}: ${oldest === 0 ? "any" : `1.${oldest} for ${what}`}`, async () => {
    const workload = parseWorkload(
      `name: old
pgbouncer: { pool_mode: transaction, ${settings} }
clients: [{ name: web, count: 8, think: 20 ms, transaction: { service: 5 ms } }]
schedule: [{ at: 1 s, for: 1 s, fault: pooler_takeover, shutdown: immediate }]
${more}`,
      "old.yaml",
    );
    const sections = { databases: new Map(), users: new Map() };
    const check = (minor: number) => checkVersion(program(`1.${minor}.0`), workload, sections);
    await expect(check(oldest)).resolves.toBeUndefined();
    if (oldest > 0)
      await expect(check(oldest - 1)).rejects.toThrow(
        `PgBouncer 1.${oldest} or later, for ${what}`,
      );
  });
