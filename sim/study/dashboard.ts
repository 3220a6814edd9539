/** What dashboards see of a run, as it stands in a result. */
import { SECOND, STAT } from "../../engine/core/index.ts";
import { POOL_COLUMNS } from "../../engine/show/pools.ts";
import type { Table, Value } from "../../engine/show/table.ts";
import type { DashboardView } from "../model/index.ts";
import type { DashboardResult } from "./results/dashboard.ts";

export type { DashboardView, Scrape } from "../model/index.ts";

const MILLISECOND = 1e6;
const MICROSECONDS_PER_MS = 1e3;

type Row = DashboardResult["stats"][number];

/** The tables as rows by column, and what is to be read off them beside what was. */
export function dashboardResult(view: DashboardView): DashboardResult {
  const { truth } = view;
  const ms = (nanos: number): number => nanos / MILLISECOND;
  return {
    every_s: view.every / SECOND,
    stats_period_s: view.stats_period / SECOND,
    stats: rowsOf(view.stats),
    pools: view.scrapes.flatMap(({ at, pools }) =>
      rowsOf({ columns: POOL_COLUMNS, rows: pools }).map((row) => ({ at_s: at / SECOND, ...row })),
    ),
    shown: shownOf(view),
    truth: {
      transactions: truth.count,
      wait_ms: {
        mean: ms(truth.mean),
        p50: ms(truth.p50),
        p95: ms(truth.p95),
        p99: ms(truth.p99),
        max: ms(truth.max),
      },
      waited: truth.count === 0 ? 0 : truth.waited / truth.count,
      waited_mean_ms: ms(truth.mean_waited),
      unserved: truth.unserved,
      unserved_s: truth.unserved_time / SECOND,
    },
  };
}

function shownOf({ growth, stats, scrapes }: DashboardView): DashboardResult["shown"] {
  const assigned = growth[STAT.server_assignment_count] as number;
  const waited = growth[STAT.wait_time] as number;
  const looks = scrapes.map(({ pools }) => rowsOf({ columns: POOL_COLUMNS, rows: pools }));
  const maxwait = ({ maxwait, maxwait_us }: Row): number =>
    Number(maxwait) * 1e3 + Number(maxwait_us) / MICROSECONDS_PER_MS;
  const averages = rowsOf(stats).map((row) => Number(row.avg_wait_time) / MICROSECONDS_PER_MS);
  const waiting = looks.map((rows) => rows.reduce((sum, row) => sum + Number(row.cl_waiting), 0));
  return {
    wait_mean_ms: assigned === 0 ? 0 : waited / assigned / MICROSECONDS_PER_MS,
    avg_wait_ms: Math.max(0, ...averages),
    maxwait_ms: looks.flat().reduce((most, row) => Math.max(most, maxwait(row)), 0),
    cl_waiting: waiting.reduce((most, count) => Math.max(most, count), 0),
  };
}

function rowsOf({ columns, rows }: Table): Row[] {
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name }, i) => [name, plain(row[i] as Value)])),
  );
}

/** JSON has no large integers; counters of a simulation fit a number. */
const plain = (value: Value): Row[string] => (typeof value === "bigint" ? Number(value) : value);
