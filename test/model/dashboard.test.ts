/** What dashboards see of a run: PgBouncer's counters at their times, and the waits that they do not tell. */
import { describe, expect, test } from "vitest";
import { STAT } from "../../engine/core/index.ts";
import { POOL_COLUMNS } from "../../engine/show/pools.ts";
import type { Table } from "../../engine/show/table.ts";
import { type DashboardView, type RunResult, simulate } from "../../sim/model/index.ts";
import {
  closedKind,
  constant,
  exponential,
  MS,
  openKind,
  SECOND,
  textbook,
} from "../../sim/study/theory/textbook.ts";
import type { Workload } from "../../workloads/schema/workload.ts";

function watched(workload: Workload, options: Parameters<typeof simulate>[1]) {
  const result = simulate(workload, options);
  return { result, view: result.dashboard as DashboardView };
}

/** Rows by column. */
const named = ({ columns, rows }: Table) =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));

/** Three clients that ask again at once, one server, 10 ms: each waits 20 ms, every time. */
const turns = textbook([closedKind(3, constant(0), constant(10))], 1);
const ROUND = { warmup: 1005 * MS, duration: SECOND };
const every = 400 * MS;

describe("three clients in turns", () => {
  const { view } = watched(turns, { ...ROUND, dashboard: { every, stats_period: SECOND / 2 } });

  test("SHOW STATS: totals since the start, averages of one to two periods", () => {
    const [row] = named(view.stats);
    // The answers up to 2.000 s are in; of the transaction that has begun then, the count only.
    expect(row).toMatchObject({
      database: "app",
      total_xact_count: 203,
      total_query_count: 203,
      total_server_assignment_count: 201,
      total_client_login_count: 3,
      total_received: 0,
      // The snapshot before the last one was taken at 1.5 s; the last at 2.0 s, before the answers of then.
      avg_wait_time: 20_000,
      avg_xact_time: 30_000,
      avg_query_time: 30_000,
    });
  });

  test("SHOW POOLS: at the window's begin and so often from there on", () => {
    expect(view.scrapes.map(({ at }) => at / SECOND)).toEqual([0, 0.4, 0.8]);
    for (const { pools } of view.scrapes)
      expect(named({ columns: POOL_COLUMNS, rows: pools })).toEqual([
        expect.objectContaining({
          ...{ database: "app", user: "app", pool_mode: "transaction" },
          ...{ cl_active: 1, cl_waiting: 2, sv_active: 1, sv_idle: 0, sv_login: 0 },
          ...{ maxwait: 0, maxwait_us: 15_000 },
        }),
      ]);
  });

  test("the counters of the window, and the truth", () => {
    expect(view.growth[STAT.server_assignment_count]).toBe(100);
    expect(view.growth[STAT.wait_time]).toBe(100 * 20_000);
    expect(view.truth).toMatchObject({ count: 100, waited: 100, unserved: 0, mean: 20 * MS });
  });
});

describe("a full pool and a query_wait_timeout: what nobody counts", () => {
  const kind = openKind(exponential(10), exponential(20));
  const workload = textbook([kind], 1, { query_wait_timeout: SECOND });
  const options = { duration: 60 * SECOND, seed: 3, trace: true };
  const { result, view } = watched(workload, { ...options, dashboard: { every: 15 * SECOND } });
  const { truth, growth } = view;
  const shown =
    (growth[STAT.wait_time] as number) / (growth[STAT.server_assignment_count] as number);

  test("every wait that ended without a server is in the true ones", () => {
    const dropped = result.all.errors.query_wait_timeout as number;
    expect(dropped).toBeGreaterThan(1000);
    expect(truth.unserved).toBe(dropped);
    expect(truth.count).toBe(result.all.wait.count + dropped);
    expect(truth.unserved_time / dropped).toBeGreaterThan(SECOND);
    expect(truth.unserved_time / dropped).toBeLessThan(1.334 * SECOND);
  });

  test("the mean of the counters is that of those who got through", () => {
    const waits = (result.trace?.wait ?? []).filter((_, i) => {
      const granted = (result.trace?.sent[i] as number) + (result.trace?.wait[i] as number);
      return granted < 60 * SECOND;
    });
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(shown * 1e3).toBeCloseTo(mean, -4);
    expect(truth.mean).toBeGreaterThan(shown * 1e3);
  });
});

test("looking changes nothing", () => {
  const options = { warmup: SECOND, duration: 5 * SECOND, trace: true };
  const kind = closedKind(30, exponential(100), exponential(10));
  const blind: RunResult = simulate(textbook([kind], 3), options);
  const { result } = watched(textbook([kind], 3), { ...options, dashboard: { every } });
  expect(result.trace).toEqual(blind.trace);
  expect(result.stats).toEqual(blind.stats);
});
