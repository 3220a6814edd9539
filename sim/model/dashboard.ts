/**
 * What an operator's dashboards would show of a run: the tables that PgBouncer prints, taken from the
 * core's own counters as the pooler takes them, at the times of a scraper; and the true waits beside.
 * `scraping.ts` fills it.
 */
import { type Nanos, SECOND } from "../../engine/core/index.ts";
import { Averages, type Counters } from "../../engine/show/averages.ts";
import type { Table, Value } from "../../engine/show/table.ts";
import { Histogram } from "../kernel/histogram.ts";

/** PgBouncer's default. */
const STATS_PERIOD: Nanos = 60 * SECOND;

/** How somebody looks at a run. */
export interface DashboardOptions {
  /** How often SHOW is asked. */
  every: Nanos;
  /** How often the pooler takes a snapshot for its averages; PgBouncer's default when left out. */
  stats_period?: Nanos | undefined;
}

/** The tables at one moment; rows in PgBouncer's columns. */
export interface Scrape {
  /** Since the window's begin. */
  at: Nanos;
  stats_totals: Value[][];
  pools: Value[][];
  databases: Value[][];
  lists: Value[][];
  config: Value[][];
}

/** Waits of a run's transactions as they were, whatever became of them; times in nanoseconds. */
export interface TrueWaits {
  /** Transactions: served ones, and those that ended while they waited. */
  count: number;
  mean: number;
  p50: Nanos;
  p95: Nanos;
  p99: Nanos;
  max: Nanos;
  /** How many had to wait at all, and their mean wait. */
  waited: number;
  mean_waited: number;
  /** How many of them got no server, and how long they waited for it all together. */
  unserved: number;
  unserved_time: Nanos;
}

/** Everything that dashboards see of a run. */
export interface DashboardView {
  every: Nanos;
  stats_period: Nanos;
  /** SHOW STATS at the window's end. */
  stats: Table;
  /** What the counters grew by within the window, all databases together; by STAT, microseconds. */
  growth: Counters;
  scrapes: Scrape[];
  truth: TrueWaits;
}

/** What EVENT.sample is for; `row`: of the timeline. */
export const SAMPLE = { row: 0, scrape: 1, period: 2 } as const;

/** What has been seen of a run so far. */
export class Dashboard {
  readonly every: Nanos;
  readonly stats_period: Nanos;
  readonly scrapes: Scrape[] = [];
  /** Waits that ended without a server, of transactions sent within the window. */
  readonly unserved = new Histogram();
  /** SHOW STATS at the window's end. */
  stats: Table | undefined;
  /** The process began when virtual time did. */
  readonly averages = new Averages(0);

  constructor({ every, stats_period = STATS_PERIOD }: DashboardOptions) {
    this.every = every;
    this.stats_period = stats_period;
  }
}
