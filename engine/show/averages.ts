/**
 * Averages over a sliding window: each stats_period the newer snapshot becomes the older one, so that
 * SHOW STATS looks back between one and two periods, and the log line exactly one.
 * Source: PgBouncer 1.25.2 src/stats.c, refresh_stats() and calc_average().
 */
import { MICROSECOND, type Nanos, SECOND, STAT, STAT_NAMES, sumStatistics } from "../core/index.ts";

/** Counters in the order of STAT; times are in microseconds here. */
export type Counters = readonly number[];

/** What is averaged: the core's pools, and the console's. */
export interface Counted {
  readonly stats: Float64Array;
}

const SIZE = STAT_NAMES.length;
const TIMES: ReadonlySet<number> = new Set([STAT.xact_time, STAT.query_time, STAT.wait_time]);
const none = new Float64Array(SIZE);

export class Averages {
  // By pool: a pool that the core has forgotten, and made again, begins at zero.
  private readonly older = new WeakMap<Counted, Float64Array>();
  private readonly newer = new WeakMap<Counted, Float64Array>();
  private olderAt: Nanos;
  private newerAt: Nanos;

  constructor(now: Nanos) {
    this.newerAt = now;
    this.olderAt = now - SECOND;
  }

  /** True once `period` has passed since the last snapshot; of 0: never. */
  due(now: Nanos, period: Nanos): boolean {
    return period > 0 && now - this.newerAt >= period;
  }

  /** Takes a snapshot; returns the averages of all pools together since the one before. */
  snapshot(now: Nanos, pools: readonly Counted[]): Counters {
    this.olderAt = this.newerAt;
    this.newerAt = now;
    for (const pool of pools) {
      this.older.set(pool, this.newer.get(pool) ?? none);
      this.newer.set(pool, pool.stats.slice());
    }
    return this.of(now, pools);
  }

  /** Averages of these pools together: counts per second, times per query, transaction, assignment. */
  of(now: Nanos, pools: readonly Counted[]): Counters {
    const current = sumStatistics(pools);
    const before = sumStatistics(pools.map((pool) => ({ stats: this.older.get(pool) ?? none })));
    const grown = current.map((value, index) => value - (before[index] as number));
    const seconds = (now - this.olderAt) / SECOND;
    const per = (time: number, count: number): number => {
      const counted = grown[count] as number;
      return counted > 0 ? Math.floor((grown[time] as number) / counted / MICROSECOND) : 0;
    };
    return Array.from(grown, (value, index) => {
      if (index === STAT.xact_time) return per(index, STAT.xact_count);
      if (index === STAT.query_time) return per(index, STAT.query_count);
      if (index === STAT.wait_time) return per(index, STAT.server_assignment_count);
      return seconds > 0 ? Math.floor(value / seconds) : 0;
    });
  }
}

/** Totals of these pools together. */
export function totals(pools: readonly Counted[]): Counters {
  return Array.from(sumStatistics(pools), (value, index) =>
    TIMES.has(index) ? Math.floor(value / MICROSECOND) : value,
  );
}

/** The line that PgBouncer logs each stats_period. */
export function statsLine(averages: Counters): string {
  const value = (name: keyof typeof STAT): number => averages[STAT[name]] as number;
  return [
    `stats: ${value("xact_count")} xacts/s`,
    `${value("query_count")} queries/s`,
    `${value("client_parse_count")} client parses/s`,
    `${value("server_parse_count")} server parses/s`,
    `${value("bind_count")} binds/s`,
    `${value("client_login_count")} client logins/s`,
    `in ${value("received")} B/s`,
    `out ${value("sent")} B/s`,
    `xact ${value("xact_time")} us`,
    `query ${value("query_time")} us`,
    `wait ${value("wait_time")} us`,
  ].join(", ");
}
