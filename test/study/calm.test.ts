/** A calibration measures what the machine adds: no limit of the workload's holds anybody up, or ends, there. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECOND } from "../../engine/core/index.ts";
import { disturbances } from "../../sim/study/live/calm.ts";
import { type Cell, openStand, type Stand } from "../../sim/study/live/stand.ts";
import { validate } from "../../sim/study/live/validate.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { runLive } from "../../workloads/live/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { NO_PGBOUNCER, PGBOUNCER } from "../pgbouncer.ts";

const CELL: Cell = { name: "one", pool_mode: "transaction", pool_size: 2 };
const workload = (settings: string): Workload =>
  parseWorkload(
    `name: calm
pgbouncer: { pool_mode: transaction, default_pool_size: 2, ${settings} }
clients:
  - { name: web, count: 6, session: { away: 50 ms }, think: 900 ms, transaction: { service: 5 ms } }
`,
    "calm.yaml",
  );
const TIMED = "client_idle_timeout: 0.3, query_wait_timeout: 7, server_idle_timeout: 1.5";

let database: Database;
beforeAll(async () => {
  database = await resolveDatabase({ env: {}, maxConnections: 60 });
});
afterAll(() => database?.stop());

test("what is as usual is left alone: an older PgBouncer may not know it", () => {
  expect(disturbances(workload("query_wait_timeout: 120").settings)).toEqual({ calm: {}, own: {} });
  expect(disturbances(workload(`${TIMED}, server_reset_query_always: 1`).settings)).toEqual({
    calm: {
      client_idle_timeout: "0",
      query_wait_timeout: "0",
      server_idle_timeout: "0",
      server_reset_query_always: "0",
    },
    own: {
      client_idle_timeout: "0.3",
      query_wait_timeout: "7",
      server_idle_timeout: "1.5",
      server_reset_query_always: "1",
    },
  });
});

const shown = async (stand: Stand): Promise<string[]> => {
  const client = new pg.Client(stand.admin?.[0]);
  await client.connect();
  const { rows } = await client.query("SHOW CONFIG");
  await client.end();
  const names = ["client_idle_timeout", "query_wait_timeout", "server_idle_timeout"];
  return names.map((name) => rows.find(({ key }) => key === name)?.value);
};

for (const [through, pgbouncer] of [
  ["our pooler", undefined],
  ["PgBouncer", PGBOUNCER],
] as const)
  test.skipIf(pgbouncer !== undefined && NO_PGBOUNCER !== "")(
    `${through}: timeouts are set aside, and hold again afterwards (skipped: not there)`,
    async () => {
      const cells = [CELL];
      const stand = await openStand({ workload: workload(TIMED), database, cells, pgbouncer });
      try {
        const before = await shown(stand);
        expect(before.map(Number)).toEqual([0.3, 7, 1.5]);
        const calm = await stand.calmly?.(() => shown(stand));
        expect(calm?.map(Number)).toEqual([0, 0, 0]);
        expect(await shown(stand)).toEqual(before);
      } finally {
        await stand.close();
      }
    },
  );

test("clients whom a timeout ends are ended in what is compared, and in no calibration", async () => {
  const errors: { target: string; texts: string[] }[] = [];
  await validate({
    ...{ workload: workload(TIMED), database, cells: [CELL], repeats: 1, seed: 1 },
    ...{ warmup: SECOND, duration: 2 * SECOND },
    play: async (options) => {
      const live = await runLive(options);
      const [target = ""] = Object.values(options.target.databases ?? {});
      errors.push({ target, texts: live.errors.map(({ text }) => text) });
      return live;
    },
  });
  const of = (cell: string) => errors.filter(({ target }) => target.startsWith(cell));
  expect(of("calibration").flatMap(({ texts }) => texts)).toEqual([]);
  expect(of("one").flatMap(({ texts }) => texts)).toEqual(["client_idle_timeout"]);
});
