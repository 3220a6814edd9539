/** Where pools take connections from each other, as many are opened live as are predicted. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EFFECT, MILLISECOND, REASON, replayJournal, SECOND } from "../../engine/core/index.ts";
import { simulate } from "../../sim/model/index.ts";
import { calibrationCells } from "../../sim/study/live/calibrating.ts";
import { isContested } from "../../sim/study/live/room.ts";
import { type Cell, openStand } from "../../sim/study/live/stand.ts";
import { embeddedPackage } from "../../workloads/database/embedded.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";

const OWN: Cell = { name: "own", pool_mode: "transaction", pool_size: 5, own: true };

/** Two users, each with a pool; slow enough for a busy machine. */
const workload = (limits: string, users = ["web", "jobs"]): Workload =>
  parseWorkload(
    `name: contested
pgbouncer: { pool_mode: transaction, default_pool_size: 5 }
network: { client: 0 ms, server: 0 ms }
${limits}
clients:
${users
  .map(
    (user) =>
      `  - { name: ${user}, user: ${user}, count: 8, think: { exponential: 900 ms }, transaction: { service: { exponential: 150 ms } } }`,
  )
  .join("\n")}
`,
    "contested.yaml",
  );
const FOUR = "databases: { app: { max_db_connections: 4 } }";

describe("how many set-ups are measured", () => {
  // limits, users, contested, why
  for (const [limits, users, contested, why] of [
    [FOUR, ["web", "jobs"], true, "four connections for pools of five and five"],
    [FOUR, ["web"], false, "nobody takes any from the only pool"],
    [FOUR.replace("4", "10"), ["web", "jobs"], false, "there is room for both"],
    ["users: { web: { max_user_connections: 3 } }", ["web"], false, "one pool of the user's"],
    ["", ["web", "jobs"], false, "there is no limit"],
  ] as const)
    test(`${contested ? "many" : "some"}: ${why}`, () => {
      const given = workload(limits, [...users]);
      expect(isContested(given)).toBe(contested);
      const nobody = { host: "/nowhere", port: 1, user: "me", database: "mine" };
      const own = { ...nobody, server: {} as Database["server"] };
      const count = (database: typeof nobody): number =>
        calibrationCells(given, [OWN], database).cold.length / 3;
      expect(count(own)).toBe(contested ? 33 : 9);
      expect(count(nobody), "somebody's own database may not have room for them").toBe(9);
    });
});

describe.skipIf((await embeddedPackage()) === undefined)(
  "for real (skipped: embedded package not installed)",
  () => {
    let database: Database;
    beforeAll(async () => {
      database = await resolveDatabase({ env: { PATH: process.env.PATH }, maxConnections: 60 });
    });
    afterAll(() => database?.stop());

    test("connections are opened, and taken, as often as foretold", async () => {
      const given = workload(FOUR);
      const directory = mkdtempSync(join(tmpdir(), "contested-"));
      const journal = join(directory, "journal");
      const stand = await openStand({ workload: given, database, cells: [OWN], journal });
      const length = { warmup: 0, duration: 12 * SECOND, seed: 1 };
      const { direct } = stand;
      const place = { target: stand.target(OWN), direct, poolMode: OWN.pool_mode };
      await runLive({ workload: given, ...place, ...length }).finally(() => stand.close());
      let [opened, taken] = [0, 0];
      replayJournal(readFileSync(journal), (_, effects) => {
        while (effects.next()) {
          if (effects.kind === EFFECT.open) opened++;
          if (effects.kind === EFFECT.close && effects.detail === REASON.evicted) taken++;
        }
      });
      rmSync(directory, { recursive: true });
      const connect_time = { kind: "constant" as const, value: 5 * MILLISECOND };
      const server = { ...given.server, connect_time };
      const foretold = simulate({ ...given, server }, length).server_connections.opened;
      expect(opened - taken).toBeLessThanOrEqual(4 + 2);
      expect(opened).toBeGreaterThan(0.6 * foretold);
      expect(opened).toBeLessThan(1.6 * foretold);
    });
  },
);
