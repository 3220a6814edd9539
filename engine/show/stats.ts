/** SHOW STATS and its relatives. Source: PgBouncer 1.25.2 src/stats.c. */
import { type Nanos, type Pool, STAT, STAT_NAMES } from "../core/index.ts";
import type { Column } from "../wire/writer.ts";
import { type Averages, type Counted, type Counters, totals } from "./averages.ts";
import { columns, type Table, type Value } from "./table.ts";

/** What these tables are made of. */
export interface StatsSource {
  readonly now: Nanos;
  readonly averages: Averages;
  /** Pools by the name of their database; see `byDatabase`. */
  readonly groups: ReadonlyMap<string, readonly Counted[]>;
}

/** The core's pools by the names of their databases, and perhaps one of the host's own. */
export function byDatabase(
  pools: readonly Pool[],
  own?: readonly [database: string, pool: Counted],
): Map<string, Counted[]> {
  const groups = new Map<string, Counted[]>(own && [[own[0], [own[1]]]]);
  for (const pool of pools) {
    const name = pool.database.settings.name;
    groups.set(name, [...(groups.get(name) ?? []), pool]);
  }
  return groups;
}

/** A pool's counters by other names: SHOW STATS, its averages, and SHOW TOTALS each have their own. */
const RENAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  averages: { received: "recv" },
  bytes: { received: "bytes_received", sent: "bytes_sent" },
  sides: {
    received: "client_bytes",
    sent: "server_bytes",
    client_parse_count: "ps_client_parse_count",
    server_parse_count: "ps_server_parse_count",
    bind_count: "ps_bind_count",
  },
};

/** The first eight counters have no prefix in SHOW STATS_AVERAGES; those of statements and logins do. */
const UNPREFIXED = STAT.wait_time;

const named = (style: string, prefix = ""): string[] =>
  STAT_NAMES.map((name) => `${prefix}${RENAMED[style]?.[name] ?? name}`);

function numeric(names: readonly string[]): Column[] {
  return columns(["database t", ...names.map((name) => `${name} n`)].join(", "));
}

/** SHOW STATS: totals since the start, and averages of the last one to two stats_periods. */
export function showStats(source: StatsSource): Table {
  const names = [...named("", "total_"), ...named("averages", "avg_")];
  const row = (pools: readonly Counted[]) => [...totals(pools), ...averagesOf(source, pools)];
  return { columns: numeric(names), rows: rowsOf(source, row) };
}

/** Columns of SHOW STATS_TOTALS. */
export const STATS_TOTALS_COLUMNS = numeric(named("bytes"));

/** SHOW STATS_TOTALS. */
export function showStatsTotals(source: StatsSource): Table {
  return { columns: STATS_TOTALS_COLUMNS, rows: rowsOf(source, totals) };
}

/** SHOW STATS_AVERAGES. */
export function showStatsAverages(source: StatsSource): Table {
  const names = named("bytes").map((name, at) => (at > UNPREFIXED ? `avg_${name}` : name));
  const row = (pools: readonly Counted[]) => averagesOf(source, pools);
  return { columns: numeric(names), rows: rowsOf(source, row) };
}

/** SHOW TOTALS: all databases together. */
export function showTotals(source: StatsSource): Table {
  const rows = (prefix: string, counters: Counters): Value[][] =>
    named("sides", prefix).map((name, at) => [name, counters[at] as number]);
  const pools = [...source.groups.values()].flat();
  return {
    columns: columns("name t, value n"),
    rows: [...rows("total_", totals(pools)), ...rows("avg_", averagesOf(source, pools))],
  };
}

const averagesOf = ({ averages, now }: StatsSource, pools: readonly Counted[]): Counters =>
  averages.of(now, pools);

/** One row for each database that has a pool. */
function rowsOf({ groups }: StatsSource, row: (pools: readonly Counted[]) => Counters): Value[][] {
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, pools]) => [name, ...row(pools)]);
}
