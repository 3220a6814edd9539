/** What the replications of a study come to, added up: for all clients, and for each kind of them. */
import { Histogram } from "../kernel/histogram.ts";
import type { Figures } from "../model/index.ts";
import { KindEstimates } from "./estimates.ts";
import type { Interval95, KindResult, Wait } from "./results/index.ts";
import { type Beyond, type JudgedKind, type Share, timedOut } from "./slo.ts";
import type { Interval } from "./statistics.ts";

const MILLISECOND = 1e6;

/** What is added up for one kind of clients, or for all of them. */
export class Sums {
  readonly wait = new Histogram();
  readonly response = new Histogram();
  private app_wait: Histogram | undefined;
  protected retries = 0;
  private given_up = 0;
  private timeouts = 0;
  private refused = 0;
  private readonly errors: Record<string, number> = {};

  add(figures: Figures): void {
    this.wait.merge(figures.wait);
    this.response.merge(figures.response);
    if (figures.app_wait !== undefined) {
      this.app_wait ??= new Histogram();
      this.app_wait.merge(figures.app_wait);
    }
    this.retries += figures.retries;
    this.given_up += figures.given_up;
    this.timeouts += figures.timeouts;
    this.refused += figures.refused;
    for (const [reason, times] of Object.entries(figures.errors)) {
      this.errors[reason] = (this.errors[reason] ?? 0) + times;
    }
  }

  drops(): Pick<KindResult, "timeouts" | "refused" | "errors"> {
    return { timeouts: this.timeouts, refused: this.refused, errors: this.errors };
  }

  /** What only some workloads have: a pool in the application, attempts that are given up. */
  extras(): Pick<KindResult, "app_wait_ms" | "retries" | "given_up"> {
    const { app_wait, retries, given_up } = this;
    const impatient = retries > 0 || given_up > 0;
    return {
      ...(app_wait && { app_wait_ms: quantiles(app_wait) }),
      ...(impatient && { retries, given_up }),
    };
  }

  kind(seconds: number): KindResult {
    return {
      transactions: this.response.count,
      wait_ms: quantiles(this.wait),
      response_ms: quantiles(this.response),
      throughput_tps: this.response.count / seconds,
      ...this.extras(),
      ...this.drops(),
    };
  }
}

/** One of several kinds of clients. */
export class KindSums extends Sums {
  readonly estimates = new KindEstimates();

  judged(name: string): JudgedKind {
    const beyond: Beyond = (part, limit) => shareOf(this.estimates.beyond(part, limit));
    const { estimates, response, retries, wait } = this;
    const times = { wait_ms: quantiles(wait), response_ms: quantiles(response) };
    const transactions = response.count;
    const asked = transactions + timedOut(this.drops());
    const late = shareOf(estimates.timeouts);
    return { name, transactions, asked, retries, beyond, late, ...times };
  }
}

export const shareOf = (interval: Interval): Share => ({
  value: interval.mean,
  interval: asPair(interval),
});

export function quantiles(histogram: Histogram): Wait {
  const at = (p: number): number => histogram.quantile(p) / MILLISECOND;
  return {
    mean: histogram.mean / MILLISECOND,
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    max: histogram.max / MILLISECOND,
  };
}

/** JSON has no infinity: an interval of one sample is no interval. Nothing here can be negative. */
export function asPair({ low, high }: Interval): Interval95 {
  return Number.isFinite(low) && Number.isFinite(high) ? [Math.max(0, low), high] : null;
}
