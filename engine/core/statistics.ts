/**
 * The counters of a pool, as SHOW STATS totals them; times in nanoseconds. The core counts what it
 * decides; the host adds bytes and prepared statements. Query and transaction times include waiting,
 * and waiting that never ended in a server counts nothing: PgBouncer's rules, see `matching.ts`.
 */
export const STAT = {
  server_assignment_count: 0,
  xact_count: 1,
  query_count: 2,
  received: 3,
  sent: 4,
  xact_time: 5,
  query_time: 6,
  wait_time: 7,
  client_parse_count: 8,
  server_parse_count: 9,
  bind_count: 10,
  client_login_count: 11,
} as const;

export const STAT_NAMES = Object.keys(STAT) as (keyof typeof STAT)[];

/** Adds the counters of several pools, as SHOW STATS does for a database. */
export function sumStatistics(pools: Iterable<{ readonly stats: Float64Array }>): Float64Array {
  const sum = new Float64Array(STAT_NAMES.length);
  for (const { stats } of pools)
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (stats[i] as number);
  return sum;
}
