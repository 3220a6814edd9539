/** What dashboards see of a run, as tables: SHOW STATS, SHOW POOLS over time, and the truth beside them. */
import type { DashboardResult, Run } from "../study/results/index.ts";
import type { Table } from "./tables.ts";
import { digits, duration, durations, NOTHING, percent, whole } from "./units.ts";

type Row = DashboardResult["stats"][number];

/** Rows of SHOW POOLS over time beyond which a terminal shows some of them only. */
const MOST_ROWS = 24;

/** The tables of `--show`; none when nobody looked. */
export function dashboardTables({ dashboard }: Run): Table[] {
  if (dashboard === undefined) return [];
  return [besideTable(dashboard), statsTable(dashboard), poolsTable(dashboard)];
}

/** What can be read off SHOW beside what was. */
function besideTable({ shown, truth, pools, every_s }: DashboardResult): Table {
  const { wait_ms: wait } = truth;
  const columns = [
    [shown.wait_mean_ms, shown.avg_wait_ms, shown.maxwait_ms],
    [wait.mean, truth.waited_mean_ms, wait.p50, wait.p95, wait.p99, wait.max],
  ].map(durations);
  const [seen, was] = columns as [string[], string[]];
  const looks = new Set(pools.map((row) => row.at_s)).size;
  const at = (list: string[], i: number): string => list[i] as string;
  return {
    title: "What SHOW shows of the waits, and what they were (first replication)",
    head: ["", "SHOW", "true", "why they differ"],
    align: ["left", "right", "right", "left"],
    rows: [
      ["mean", at(seen, 0), at(was, 0), "SHOW: growth of total_wait_time / assignments"],
      ["mean, lately", at(seen, 1), NOTHING, "avg_wait_time at the end, whole microseconds"],
      ["mean of those that waited", NOTHING, at(was, 1), "SHOW divides by those too that did not"],
      ["p50", NOTHING, at(was, 2), "SHOW has no quantiles"],
      ["p95", NOTHING, at(was, 3), ""],
      ["p99", NOTHING, at(was, 4), ""],
      [
        "longest",
        at(seen, 2),
        at(was, 5),
        `maxwait, ${whole(looks)} looks ${digits(every_s)} s apart`,
      ],
      ["waited at all", NOTHING, percent(truth.waited), "share of the transactions"],
      [
        "ended without a server",
        NOTHING,
        whole(truth.unserved),
        truth.unserved === 0
          ? "such waits are in no counter"
          : `their ${duration(truth.unserved_s * 1000)} of waiting are in no counter`,
      ],
    ],
  };
}

/** SHOW STATS on its side: it has 25 columns. */
function statsTable({ stats, stats_period_s }: DashboardResult): Table {
  const names = Object.keys(stats[0] ?? {}).filter((name) => name !== "database");
  return {
    title: `SHOW STATS at the end; stats_period ${digits(stats_period_s)} s, times in us`,
    head: ["database", ...stats.map((row) => text(row, "database"))],
    align: ["left", ...stats.map(() => "right" as const)],
    rows: names.map((name) => [name, ...stats.map((row) => text(row, name))]),
  };
}

const SHOWN = [
  ...["cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"],
  ...["maxwait", "maxwait_us"],
];

function poolsTable({ pools, every_s }: DashboardResult): Table {
  const rows = thinned(pools);
  const some = rows.length < pools.length ? `; ${rows.length} of ${pools.length} rows` : "";
  return {
    title: `SHOW POOLS every ${digits(every_s)} s${some}`,
    head: ["at", "database", "user", ...SHOWN],
    align: ["right", "left", "left", ...SHOWN.map(() => "right" as const)],
    rows: rows.map((row) => [
      `${digits(Number(row.at_s))} s`,
      ...["database", "user", ...SHOWN].map((name) => text(row, name)),
    ]),
  };
}

/** Evenly, with the last one. */
function thinned(rows: readonly Row[]): readonly Row[] {
  const step = Math.ceil(rows.length / MOST_ROWS);
  return rows.filter((_, i) => (rows.length - 1 - i) % step === 0);
}

const text = (row: Row, name: string): string => String(row[name] ?? "");
