/**
 * `validate` on a real database, our pooler and, where it is installed, Debian's PgBouncer. How close a
 * prediction comes is a matter for a quiet machine and `npm start`; here the parts must fit together.
 */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SECOND } from "../../engine/core/index.ts";
import { validationAnswer } from "../../sim/study/live/answer.ts";
import { FIGURES } from "../../sim/study/live/figures.ts";
import type { Cell } from "../../sim/study/live/stand.ts";
import { type Validation, validate } from "../../sim/study/live/validate.ts";
import { resultSchema } from "../../sim/study/results.ts";
import { type Database, resolveDatabase } from "../../workloads/database/index.ts";
import { loadWorkload } from "../../workloads/schema/load.ts";

const PGBOUNCER = "/usr/sbin/pgbouncer";
const CELLS: readonly Cell[] = [
  { name: "session_12", pool_mode: "session", pool_size: 12 },
  { name: "transaction_4", pool_mode: "transaction", pool_size: 4 },
  { name: "statement_4", pool_mode: "statement", pool_size: 4 },
];

let database: Database;
beforeAll(async () => {
  database = await resolveDatabase({ env: {}, maxConnections: 200 });
});
afterAll(() => database?.stop());

function run(pgbouncer: string | undefined): Promise<Validation> {
  return validate({
    workload: loadWorkload("workloads/tour.yaml", { set: ["clients.visitors.count=16"] }),
    database,
    cells: CELLS,
    repeats: 1,
    warmup: SECOND / 2,
    duration: 2 * SECOND,
    seed: 1,
    pgbouncer,
    together: 3,
  });
}

function check(validation: Validation): void {
  expect(validation.cells).toHaveLength(CELLS.length);
  for (const { errors, samples, comparisons } of validation.cells) {
    expect(errors).toEqual({});
    expect(comparisons.map(({ figure }) => figure)).toEqual([...FIGURES]);
    expect(samples.live.wait.length).toBeGreaterThan(30);
    expect(samples.predicted.wait.length).toBeGreaterThan(30);
    for (const { live, predicted } of comparisons) {
      expect(live).toBeGreaterThanOrEqual(0);
      expect(predicted).toBeGreaterThanOrEqual(0);
    }
  }
  const parts = validation.calibration;
  expect(parts.transactions).toBeGreaterThan(30);
  expect(parts.overhead).toBeGreaterThan(0);
  expect(parts.held).toBeGreaterThan(0);
  expect(parts.connect).toBeGreaterThan(0);
  expect(parts.resolution).toBeGreaterThanOrEqual(1);
  const answer = { poolwise: "0", command: "validate", workload: "tour", seed: 1 };
  expect(
    resultSchema.safeParse({ ...answer, ...validationAnswer(validation) }).error,
  ).toBeUndefined();
}

describe("predicted beside live, all modes", () => {
  test("against our pooler", async () => check(await run(undefined)));

  const absent = !existsSync(PGBOUNCER);
  if (absent) console.log(`skipped: validate against PgBouncer, there is no ${PGBOUNCER}`);
  test.skipIf(absent)("against Debian's PgBouncer", async () => check(await run(PGBOUNCER)));
});
