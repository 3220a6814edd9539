/** A database that refuses connections refuses as many live as are foretold. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { SECOND } from "../../engine/core/index.ts";
import { playOnce } from "../../sim/study/live/live.ts";
import { ownDatabase } from "../../sim/study/live/room.ts";
import type { Cell } from "../../sim/study/live/stand.ts";
import { validate } from "../../sim/study/live/validate.ts";
import { type Database, resolveDatabase, withClient } from "../../workloads/database/index.ts";
import { parseWorkload } from "../../workloads/schema/load.ts";

const FEW = 3;
const workload = parseWorkload(
  `name: few
pgbouncer: { pool_mode: transaction, default_pool_size: 6 }
clients: [{ name: web, count: 8, think: 5 ms, transaction: { service: 40 ms } }]
server: { max_connections: ${FEW} }
`,
  "few.yaml",
);
const CELLS: Cell[] = [6, 2].map((pool_size) => {
  return { name: `pool${pool_size}`, pool_mode: "transaction", pool_size, own: pool_size === 6 };
});

let database: Database;
beforeAll(async () => {
  database = await resolveDatabase({ env: {}, maxConnections: 80 });
});
afterAll(() => database?.stop());

const length = { warmup: SECOND / 2, duration: SECOND };

test("in a live run, and a further one with another limit", async () => {
  for (const max_connections of [FEW, FEW - 1]) {
    const less = { ...workload, server: { ...workload.server, max_connections } };
    const { run } = await playOnce({ workload: less, database, settings: {}, seed: 1, ...length });
    expect(Math.max(...(run.timeline ?? []).map((row) => row.servers_active))).toBe(
      max_connections,
    );
    expect(run.errors).toEqual({});
  }
});

test("in a validation, and in its prediction; a calibration is not refused any", async () => {
  const validation = await validate({
    ...{ workload, database, cells: CELLS, repeats: 1, seed: 1, together: 2 },
    ...length,
  });
  expect(validation.notes.join()).not.toContain("max_connections");
  const [six, two] = validation.cells;
  const of = (figures: readonly { utilization: number }[] = []): number =>
    figures[0]?.utilization ?? Number.NaN;
  for (const figures of [six?.predicted, six?.live]) {
    expect(of(figures)).toBeGreaterThan(0.25);
    expect(of(figures)).toBeLessThanOrEqual(FEW / 6 + 1e-6);
  }
  for (const figures of [two?.predicted, two?.live]) expect(of(figures)).toBeGreaterThan(0.6);
  const limits = await withClient(database, async (client) => {
    const { rows } = await client.query("select datname, datconnlimit from pg_database");
    return Object.fromEntries(rows.map((row) => [row.datname, row.datconnlimit]));
  });
  expect(limits).toMatchObject({ limited_pool6: FEW, postgres: -1 });
  expect(Object.keys(limits)).not.toContain("limited_pool2");
});

test("nobody's own database is limited, nor one that has room", () => {
  const [six, two] = CELLS as [Cell, Cell];
  const { server: _, ...foreign } = database;
  expect(ownDatabase(workload, six, database)).toBe("limited_pool6");
  expect(ownDatabase(workload, six, foreign)).toBeUndefined();
  expect(ownDatabase(workload, { ...six, plain: true }, database)).toBeUndefined();
  const pool_size = { ...workload.settings, default_pool_size: 2 };
  expect(ownDatabase({ ...workload, settings: pool_size }, two, database)).toBeUndefined();
});
