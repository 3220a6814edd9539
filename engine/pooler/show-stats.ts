/** SHOW STATS and its relatives. Source: PgBouncer 1.25.2 src/stats.c. */
import { STAT, STAT_NAMES } from "../core/index.ts";
import { type Counted, type Counters, totals } from "./averages.ts";
import { CONSOLE } from "./names.ts";
import type { HostRole } from "./roles.ts";
import { columns, type Table, type Value } from "./table.ts";

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

const numeric = (names: readonly string[]) =>
  columns(["database t", ...names.map((name) => `${name} n`)].join(", "));

export function showStats(host: HostRole): Table {
  const names = [...named("", "total_"), ...named("averages", "avg_")];
  const row = (pools: readonly Counted[]) => [
    ...totals(pools),
    ...host.averages.of(host.now, pools),
  ];
  return { columns: numeric(names), rows: byDatabase(host, row) };
}

export function showStatsTotals(host: HostRole): Table {
  return { columns: numeric(named("bytes")), rows: byDatabase(host, totals) };
}

export function showStatsAverages(host: HostRole): Table {
  const names = named("bytes").map((name, at) => (at > UNPREFIXED ? `avg_${name}` : name));
  const row = (pools: readonly Counted[]) => host.averages.of(host.now, pools);
  return { columns: numeric(names), rows: byDatabase(host, row) };
}

export function showTotals(host: HostRole): Table {
  const rows = (prefix: string, counters: Counters): Value[][] =>
    named("sides", prefix).map((name, at) => [name, counters[at] as number]);
  const pools = [...host.core.pools, host.consolePool];
  return {
    columns: columns("name t, value n"),
    rows: [...rows("total_", totals(pools)), ...rows("avg_", host.averages.of(host.now, pools))],
  };
}

/** One row for each database that has a pool, the console's in its place. */
function byDatabase(host: HostRole, row: (pools: readonly Counted[]) => Counters): Value[][] {
  const groups = new Map<string, Counted[]>([[CONSOLE, [host.consolePool]]]);
  for (const pool of host.core.pools) {
    const name = pool.database.settings.name;
    groups.set(name, [...(groups.get(name) ?? []), pool]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, pools]) => [name, ...row(pools)]);
}
