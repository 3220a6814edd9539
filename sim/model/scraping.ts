/** Fills a dashboard: SHOW at the scraper's times, and the waits that PgBouncer counts nowhere. */
import { totals } from "../../engine/show/averages.ts";
import { DATABASE_COLUMNS, databaseRow } from "../../engine/show/databases.ts";
import { POOL_COLUMNS, poolRow } from "../../engine/show/pools.ts";
import {
  byDatabase,
  type StatsSource,
  showStats,
  showStatsTotals,
} from "../../engine/show/stats.ts";
import type { Value } from "../../engine/show/table.ts";
import type { Histogram } from "../kernel/histogram.ts";
import {
  type Dashboard,
  type DashboardView,
  SAMPLE,
  type Scrape,
  type TrueWaits,
} from "./dashboard.ts";
import { EVENT } from "./events.ts";
import { MT } from "./population.ts";
import type { Run } from "./run.ts";

/** Its first events. */
export function planScrapes(run: Run, { stats_period }: Dashboard): void {
  run.at(stats_period, EVENT.sample, SAMPLE.period);
  run.at(run.from, EVENT.sample, SAMPLE.scrape);
}

/** EVENT.sample for a dashboard: a scrape, or the end of a stats_period. */
export function scrape(run: Run, dashboard: Dashboard, target: number): void {
  if (target === SAMPLE.period) {
    dashboard.averages.snapshot(run.now, run.core.pools);
    run.at(run.now + dashboard.stats_period, EVENT.sample, SAMPLE.period);
    return;
  }
  dashboard.scrapes.push(tablesOf(run, dashboard));
  const next = run.now + dashboard.every;
  if (next <= run.to) run.at(next, EVENT.sample, SAMPLE.scrape);
}

/** The window ends. */
export function lastLook(run: Run, dashboard: Dashboard): void {
  dashboard.stats = showStats(sourceOf(run, dashboard));
}

function sourceOf({ now, core }: Run, { averages }: Dashboard): StatsSource {
  return { now, averages, groups: byDatabase(core.pools) };
}

function tablesOf(run: Run, dashboard: Dashboard): Scrape {
  const { core, now } = run;
  const { databases, users, pools, settings } = core;
  return {
    at: now - run.from,
    stats_totals: showStatsTotals(sourceOf(run, dashboard)).rows,
    pools: together(
      pools.map((pool) => poolRow(core, now, pool, null)),
      addPools,
    ),
    databases: together(
      databases.map((entry) => {
        const database = entry.settings.name;
        const place = { host: null, port: 5432, database, load_balance: null };
        return databaseRow(settings, entry, place);
      }),
      addDatabases,
    ),
    lists: [
      ["databases", new Set(databases.map((entry) => entry.settings.name)).size],
      ["users", users.length],
      ["pools", pools.length],
      ["used_clients", core.clientCount],
      ["used_servers", core.serverCount],
    ],
    config: [
      ["max_client_conn", settings.max_client_conn],
      ["max_user_connections", settings.max_user_connections],
    ],
  };
}

/** Rows of the same database, and user, that several processes have, as one: `add` puts one to another. */
function together(rows: Value[][], add: (sum: Value[], row: Value[]) => void): Value[][] {
  const byKey = new Map<string, Value[]>();
  for (const row of rows) {
    const key = JSON.stringify(row.slice(0, 2));
    const sum = byKey.get(key);
    if (sum === undefined) byKey.set(key, row);
    else add(sum, row);
  }
  return [...byKey.values()];
}

const [CL_ACTIVE, MAXWAIT, MAXWAIT_US] = ["cl_active", "maxwait", "maxwait_us"].map((name) =>
  POOL_COLUMNS.findIndex((column) => column.name === name),
) as [number, number, number];

/** Counts add up; maxwait is the longest. */
function addPools(sum: Value[], row: Value[]): void {
  for (let i = CL_ACTIVE; i < MAXWAIT; i++) sum[i] = Number(sum[i]) + Number(row[i]);
  const micros = (each: Value[]): number => Number(each[MAXWAIT]) * 1e6 + Number(each[MAXWAIT_US]);
  if (micros(row) <= micros(sum)) return;
  sum[MAXWAIT] = row[MAXWAIT] as Value;
  sum[MAXWAIT_US] = row[MAXWAIT_US] as Value;
}

function addDatabases(sum: Value[], row: Value[]): void {
  for (const [i, { name }] of DATABASE_COLUMNS.entries())
    if (name.startsWith("current_")) sum[i] = Number(sum[i]) + Number(row[i]);
}

/** A client's wait for a server ends without one. */
export function endWait(run: Run, client: number): void {
  run.waiting.down(run.now);
  if (run.dashboard === undefined) return;
  const { times } = run.clients;
  const sent = times[(client << 3) + MT.sent] as number;
  if (sent < run.from || sent >= run.to) return;
  run.dashboard.unserved.record((times[(client << 3) + MT.waited] as number) + run.now);
}

/** The whole of it, when the run is over; `served`: the waits of those that got a server, which it changes. */
export function viewOf(run: Run, dashboard: Dashboard, served: Histogram): DashboardView {
  const { every, stats_period, scrapes, stats, unserved } = dashboard;
  const [before, after] = run.totals as [Float64Array, Float64Array];
  const growth = totals([{ stats: after.map((value, i) => value - (before[i] as number)) }]);
  if (stats === undefined) throw new RangeError("a dashboard is looked at when its window is over");
  const truth = trueWaits(served, unserved);
  return { every, stats_period, stats, growth, scrapes, truth };
}

function trueWaits(all: Histogram, unserved: Histogram): TrueWaits {
  all.merge(unserved);
  const waited = all.count - all.zeros;
  return {
    count: all.count,
    mean: all.mean,
    p50: all.quantile(0.5),
    p95: all.quantile(0.95),
    p99: all.quantile(0.99),
    max: all.max,
    waited,
    mean_waited: waited === 0 ? 0 : all.sum / waited,
    unserved: unserved.count,
    unserved_time: unserved.sum,
  };
}
