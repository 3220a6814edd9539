/** `validate` where servers must be told what they do not know of their clients; and who cannot be. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MILLISECOND, SECOND } from "../../engine/core/index.ts";
import { checkVersion } from "../../sim/study/live/pooler-version.ts";
import { withoutTelling, withParse } from "../../sim/study/live/preparing.ts";
import type { Cell } from "../../sim/study/live/stand.ts";
import { validate } from "../../sim/study/live/validate.ts";
import { resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";
import { type Fault, SHUTDOWNS } from "../../workloads/schema/workload.ts";

const NO_KEYS = { databases: new Map(), users: new Map() };

const directory = mkdtempSync(join(tmpdir(), "pws-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = join(directory, "zones.yaml");
writeFileSync(
  file,
  `name: zones
pgbouncer: { pool_mode: transaction, default_pool_size: 3 }
clients:
  - name: berlin
    count: 6
    parameters: TimeZone=Europe/Berlin
    prepared: { statements: 4, parse: 1 s }
    think: { exponential: 15 ms }
    transaction: { statements: 2, service: { exponential: 3 ms } }
  - name: plain
    count: 6
    think: { exponential: 15 ms }
    transaction: { service: { exponential: 5 ms } }
`,
);
const workload = loadWorkload(file);

test("played and predicted; a Parse costs what it costs, not the second that the file says", async () => {
  const database = await resolveDatabase({ env: {}, maxConnections: 100 });
  try {
    const cells: Cell[] = [{ name: "one", pool_mode: "transaction", pool_size: 3 }];
    const length = { warmup: SECOND / 4, duration: SECOND };
    const validation = await validate({
      workload,
      database,
      cells,
      repeats: 1,
      seed: 1,
      ...length,
    });
    const [cell] = validation.cells;
    expect(cell?.errors).toEqual({});
    expect(cell?.samples.live.response.length).toBeGreaterThan(30);
    expect(cell?.samples.predicted.response.length).toBeGreaterThan(9 * 30);
    expect(Math.max(...(cell?.samples.predicted.response ?? []))).toBeLessThan(1_000);
    expect(validation.notes.join()).toContain("prepared statements are played");
  } finally {
    await database.stop();
  }
});

test("a calibration's clients are known to every server", () => {
  const [berlin, plain] = withoutTelling(workload).clients;
  expect(berlin).toMatchObject({ parameters: undefined, prepared: { statements: 1 } });
  expect(plain).toMatchObject({ parameters: undefined, prepared: undefined });
});

test("only clients that prepare have a Parse to be measured", () => {
  const costs = { set: 1, parse: MILLISECOND };
  const [berlin, plain] = withParse(workload, costs).clients;
  expect(berlin?.prepared).toEqual({ statements: 4, parse: MILLISECOND });
  expect(plain?.prepared).toBeUndefined();
  expect(withParse(workload, undefined)).toBe(workload);
});

describe("who cannot look after prepared statements is refused", () => {
  const cases = [
    // what it says of itself, refusal
    ["PgBouncer 1.18.0", 'version is "PgBouncer 1.18.0"'],
    ["PgBouncer 1.20.1", "expected PgBouncer 1.21 or later"],
    ["PgBouncer 1.21.0", undefined],
    ["PgBouncer 1.25.2", undefined],
    ["PgBouncer 2.0.0", undefined],
    ["hello", 'version is "hello"'],
  ] as const;
  for (const [says, refusal] of cases)
    test(`${says}: ${refusal === undefined ? "fits" : "refused"}`, async () => {
      const program = join(directory, says.replaceAll(" ", "-"));
      writeFileSync(program, `#!/bin/sh\necho '${says}'\n`);
      chmodSync(program, 0o755);
      const checked = checkVersion(program, workload, NO_KEYS);
      if (refusal === undefined) await expect(checked).resolves.toBeUndefined();
      else await expect(checked).rejects.toThrow(refusal);
    });

  test("a shutdown that waits takes 1.23; who goes at once may be any", async () => {
    const program = join(directory, "older");
    writeFileSync(program, "#!/bin/sh\necho 'PgBouncer 1.22.1'\n");
    chmodSync(program, 0o755);
    for (const shutdown of SHUTDOWNS) {
      const faults: Fault[] = [{ at: 0, for: 1, fault: "pooler_restart", shutdown }];
      const checked = checkVersion(program, { ...workload, clients: [], faults }, NO_KEYS);
      if (shutdown === "immediate") await expect(checked).resolves.toBeUndefined();
      else await expect(checked).rejects.toThrow("1.23 or later, for a shutdown that waits");
    }
  });

  test("keys of databases and users take the version that had them first", async () => {
    const program = join(directory, "of-users");
    writeFileSync(program, "#!/bin/sh\necho 'PgBouncer 1.23.1'\n");
    chmodSync(program, 0o755);
    const plain = { ...workload, clients: [] };
    const sections = (keys: Record<string, number>) => ({
      databases: new Map([
        ["one_app", { pool_size: 5, max_db_connections: 7, server_lifetime: 60 }],
      ]),
      users: new Map([["one_app", keys]]),
    });
    const old = checkVersion(program, plain, sections({ pool_size: 3, max_user_connections: 2 }));
    await expect(old).resolves.toBeUndefined();
    const recent = checkVersion(program, plain, sections({ query_timeout: 3 }));
    await expect(recent).rejects.toThrow("1.24 or later, for query_timeout in [users]");
  });

  test("no program at all", async () => {
    const checked = checkVersion(join(directory, "none"), workload, NO_KEYS);
    await expect(checked).rejects.toThrow("--version failed");
  });

  test("max_prepared_statements 0 outside session mode: before anything is played", async () => {
    const target = { host: "127.0.0.1", port: 1, user: "me" };
    const off = { ...workload, max_prepared_statements: 0 };
    const length = { duration: SECOND, warmup: 0 };
    const running = runLive({ workload: off, target, poolMode: "transaction", seed: 1, ...length });
    await expect(running).rejects.toThrow("max_prepared_statements");
  });
});
