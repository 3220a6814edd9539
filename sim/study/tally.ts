/**
 * The replications of one configuration, added up: histograms are merged, so that quantiles come from
 * all of the data, and each replication leaves one sample of every figure that gets an interval.
 */
import type { Workload } from "../../workloads/schema/workload.ts";
import type { Histogram } from "../kernel/histogram.ts";
import type {
  CoresFigures,
  DashboardView,
  RequestFigures,
  RunResult,
  StationFigures,
} from "../model/index.ts";
import { dashboardResult } from "./dashboard.ts";
import { type Estimated, Estimates, type Samples } from "./estimates.ts";
import { configured } from "./pools.ts";
import type { KindResult, Moment, Run, SettingValue, Wait } from "./results/index.ts";
import type { Scarce } from "./scarce.ts";
import {
  type Beyond,
  isDecided,
  type Judged,
  type JudgedKind,
  sloOutcome,
  unservedClients,
} from "./slo.ts";
import { allowedPart, decisionWidth, type Interval, precise, unbounded } from "./statistics.ts";
import { asPair, KindSums, quantiles, Sums, shareOf } from "./sums.ts";

const MICROSECOND = 1e3;
const MILLISECOND = 1e6;
const SECOND = 1e9;
const MEGABYTE = 1e6;

/** Shares of the transactions for which a run reports quantiles. */
const SHARES = [
  ...Array.from({ length: 18 }, (_, i) => i * 0.05),
  ...Array.from({ length: 10 }, (_, i) => 0.9 + i * 0.01),
  ...[0.995, 0.999, 0.9999, 1],
].map((share) => Math.round(share * 1e4) / 1e4);

/** A pooler whose work takes no time. */
const IDLE: StationFigures = { utilization: 0, messages: 0, wait: 0, longest: 0 };

const ORDINARY = { discipline: "fifo", processes: 1, cpu_per_message: 0 } as const;

/** A wait that is off by less is as good as exact, whatever its relative error. */
const LEAST_FLOOR_MS = 0.01;

export class Tally {
  readonly workload: Workload;
  /** Why there is no steady state; then no figure has an interval. */
  unsteady: string | undefined;
  /** What dashboards see of the first replication. */
  dashboard: DashboardView | undefined;
  replications = 0;
  private readonly all = new Sums();
  private readonly estimates = new Estimates(this.all);
  private readonly kinds = new Map<string, KindSums>();
  private readonly levels = {
    utilization: 0,
    waiting: 0,
    waiting_max: 0,
    logins: 0,
    connections: 0,
    connections_max: 0,
    connected: 0,
    opened: 0,
    memory: 0,
  };
  private cores: CoresFigures | undefined;
  private readonly station = { utilization: 0, messages: 0, wait: 0, longest: 0 };
  private requests: RequestFigures | undefined;
  private events = 0;
  private measured = 0;
  private warmup = 0;
  private timeline: Moment[] | undefined;

  constructor(workload: Workload) {
    this.workload = workload;
  }

  /** Adds one replication. */
  add(result: RunResult): void {
    this.replications++;
    this.events += result.events;
    this.measured += result.duration;
    this.warmup = result.warmup;
    this.all.add(result.all);
    const several = Object.keys(result.kinds).length > 1;
    for (const [name, figures] of Object.entries(result.kinds)) {
      const sums = this.kinds.get(name) ?? new KindSums();
      this.kinds.set(name, sums);
      sums.add(figures);
      if (several) sums.estimates.add(figures);
    }
    this.estimates.add(result);
    this.dashboard ??= result.dashboard;
    this.level(result);
    this.timeline ??= result.timeline.map(({ at, app_waiting: _, ...levels }) => ({
      at_s: at / SECOND,
      ...levels,
    }));
  }

  private level(result: RunResult): void {
    const { levels } = this;
    levels.utilization += result.utilization;
    levels.waiting += result.clients_waiting.mean;
    levels.logins += result.clients_waiting.logins;
    levels.waiting_max = Math.max(levels.waiting_max, result.clients_waiting.max);
    levels.connections += result.server_connections.mean;
    levels.connections_max = Math.max(levels.connections_max, result.server_connections.max);
    levels.connected += result.clients_connected;
    levels.opened += result.server_connections.opened;
    levels.memory = Math.max(levels.memory, result.memory);
    this.cores = addCores(this.cores, result.cores);
    this.requests = addRequests(this.requests, result.requests);
    const { station } = this;
    const { utilization, messages, wait, longest } = result.station ?? IDLE;
    station.utilization += utilization;
    station.messages += messages;
    station.wait += messages * wait;
    station.longest = Math.max(station.longest, longest);
  }

  /** What each replication adds to each figure, for paired differences. */
  get samples(): Samples {
    return this.estimates.samples;
  }

  /** The quantiles of the wait that rest on too few transactions. */
  get scarce(): Scarce[] {
    return this.estimates.scarce;
  }

  /** The 95 % interval of one figure. */
  interval(name: Estimated): Interval {
    const { interval } = this.estimates.of(name);
    return this.unsteady === undefined ? interval : unbounded(interval);
  }

  /**
   * Whether mean, p95 and p99 of the wait are known to `precision`, relative, or to 1 % of the mean
   * response, or to `precision` of the objective: nobody sizes a pool by less. `part`: to so much less.
   */
  precise(precision: number, part = 1): boolean {
    const limit = (this.workload.slo.wait_p99 ?? Number.POSITIVE_INFINITY) / MILLISECOND;
    const response = this.all.response.mean / MILLISECOND;
    const floor = Math.max(LEAST_FLOOR_MS, Math.min(0.01 * response, precision * limit));
    const names = ["wait_mean_ms", "wait_p95_ms", "wait_p99_ms"] as const;
    return names.every((name) => precise(this.interval(name), precision, floor, part));
  }

  /**
   * Whether it is time to stop: `precise`, and by more than luck where replications are few. Where nothing
   * is steady no number of them gives an interval.
   */
  enough(precision: number): boolean {
    if (this.unsteady !== undefined) return true;
    return this.precise(precision, allowedPart(this.replications));
  }

  /**
   * Whether every term of the objective lies on one side of its limit, with an interval made as much wider
   * as a look at so few replications asks for.
   */
  decided(): boolean {
    const { slo } = this.workload;
    const width = decisionWidth(this.replications);
    return isDecided(slo, this.judged(), this.beyond, width, this.judgedKinds());
  }

  private readonly beyond: Beyond = (part, limit) => shareOf(this.estimates.beyond(part, limit));

  /** The widest of the intervals that `precise` looks at, relative to its figure. */
  worst(): number {
    const names = ["wait_mean_ms", "wait_p95_ms", "wait_p99_ms"] as const;
    return Math.max(
      ...names.map((name) => {
        const { mean, halfWidth } = this.interval(name);
        return halfWidth === 0 ? 0 : halfWidth / mean;
      }),
    );
  }

  /** Everything as the result that is printed. */
  run(precision: number, wall_s: number, settings: Record<string, SettingValue>): Run {
    const { all, levels, replications } = this;
    const share = (sum: number): number => sum / Math.max(1, replications);
    const connections = share(levels.connections);
    const judged = this.judged();
    const extras = all.extras();
    const seen = { ...judged, retries: extras.retries };
    const slo = sloOutcome(this.workload.slo, seen, this.beyond, this.judgedKinds());
    return {
      ...configured(this.workload),
      settings,
      simulated_s: this.measured / SECOND,
      warmup_s: this.warmup / SECOND,
      replications,
      precise: this.precise(precision),
      events: this.events,
      wall_s,
      ...judged,
      wait_probability: this.interval("wait_probability").mean,
      wait_probability_ci95: asPair(this.interval("wait_probability")),
      throughput_tps: this.interval("throughput_tps").mean,
      throughput_tps_ci95: asPair(this.interval("throughput_tps")),
      utilization: share(levels.utilization),
      server_connections: {
        mean: connections,
        max: levels.connections_max,
        opened: share(levels.opened),
      },
      // Whoever is never served shares nothing.
      multiplexing:
        connections > 0
          ? Math.max(0, share(levels.connected) - judged.clients_waiting.unserved) / connections
          : 0,
      memory_mb: levels.memory / MEGABYTE,
      ...(this.cores && { cores: meanOf(this.cores, replications) }),
      ...this.poolerOf(),
      ...extras,
      clients: Object.fromEntries(
        [...this.kinds].map(([name, sums]) => [name, this.kindResult(sums)]),
      ),
      distribution: SHARES.map((p) => ({
        p,
        wait_ms: all.wait.quantile(p) / MILLISECOND,
        response_ms: all.response.quantile(p) / MILLISECOND,
      })),
      timeline: this.timeline ?? [],
      ...(this.dashboard && { dashboard: dashboardResult(this.dashboard) }),
      ...(slo && { slo }),
    };
  }

  /** What an objective looks at. */
  private judged(): Judged {
    const { all, levels, unsteady } = this;
    const waiting = levels.waiting / Math.max(1, this.replications);
    const [throughput, wait] = [this.interval("throughput_tps"), this.interval("wait_mean_ms")];
    return {
      transactions: all.response.count,
      wait_ms: this.withIntervals(all.wait, "wait"),
      response_ms: this.withIntervals(all.response, "response"),
      ...all.drops(),
      timeout_share_ci95: asPair(this.interval("timeouts")),
      clients_waiting: {
        mean: waiting,
        max: levels.waiting_max,
        unserved: unservedClients(waiting, throughput.mean, wait.mean),
        ...(levels.logins > 0 && { logins: levels.logins / this.replications }),
      },
      ...(unsteady !== undefined && { unsteady }),
    };
  }

  /** One kind alone is all of them, and has their interval. */
  private kindResult(sums: KindSums): KindResult {
    const own = this.kinds.size < 2 ? this.interval("timeouts") : sums.estimates.timeouts;
    const timeout_share_ci95 = this.unsteady === undefined ? asPair(own) : null;
    return { ...sums.kind(this.measured / SECOND), timeout_share_ci95 };
  }

  /** One kind alone is all of them; where nothing settles nothing of a kind is sure. */
  private judgedKinds(): JudgedKind[] {
    if (this.kinds.size < 2 || this.unsteady !== undefined) return [];
    return [...this.kinds].map(([name, sums]) => sums.judged(name));
  }

  private poolerOf(): Pick<Run, "pooler"> {
    if (this.workload.pooler === undefined && this.requests === undefined) return {};
    const { discipline, processes, cpu_per_message } = this.workload.pooler ?? ORDINARY;
    const { utilization, messages, wait, longest } = this.station;
    const pooler = {
      discipline,
      processes,
      cpu_per_message_us: cpu_per_message / MICROSECOND,
      utilization: utilization / Math.max(1, this.replications),
      message_wait_ms: wait / Math.max(1, messages) / MILLISECOND,
      message_wait_max_ms: longest / MILLISECOND,
      ...(this.requests && { cancel_requests: this.requests }),
    };
    return { pooler };
  }

  private withIntervals(histogram: Histogram, name: "wait" | "response"): Wait {
    return {
      ...quantiles(histogram),
      mean_ci95: asPair(this.interval(`${name}_mean_ms`)),
      ...(name === "wait" && { p50_ci95: asPair(this.interval("wait_p50_ms")) }),
      p95_ci95: asPair(this.interval(`${name}_p95_ms`)),
      p99_ci95: asPair(this.interval(`${name}_p99_ms`)),
    };
  }
}

/** Sums but for the most; the stretch is made up at the end. */
function addCores(a: CoresFigures | undefined, b: CoresFigures | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    mean: a.mean + b.mean,
    max: Math.max(a.max, b.max),
    speed: a.speed + b.speed,
    stretch: 1,
    wasted: a.wasted + b.wasted,
  };
}

function addRequests(a: RequestFigures | undefined, b: RequestFigures | undefined) {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    asked: a.asked + b.asked,
    forwarded: a.forwarded + b.forwarded,
    lost: a.lost + b.lost,
  };
}

function meanOf({ mean, max, speed, wasted }: CoresFigures, replications: number): CoresFigures {
  return {
    mean: mean / replications,
    max,
    speed: speed / replications,
    stretch: speed > 0 ? mean / speed : 1,
    wasted: wasted / replications,
  };
}
