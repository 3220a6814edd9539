/** The figures of a study that get an interval, from its replications. */
import { type Histogram, placeOf } from "../kernel/histogram.ts";
import type { Figures, RunResult } from "../model/index.ts";
import type { Scarce } from "./scarce.ts";
import { type Estimate, leastCount, quantileEstimate, ratioEstimate, Section } from "./sections.ts";
import { timedOut } from "./slo.ts";
import { CONFIDENCE, type Interval } from "./statistics.ts";

const MILLISECOND = 1e6;
const MEGABYTE = 1e6;

/**
 * What each replication adds to a figure: their mean is the figure. Equal indices of two configurations
 * with the same seed are a pair.
 */
export interface Samples {
  wait_mean_ms: number[];
  wait_p50_ms: number[];
  wait_p95_ms: number[];
  wait_p99_ms: number[];
  response_mean_ms: number[];
  response_p95_ms: number[];
  response_p99_ms: number[];
  wait_probability: number[];
  throughput_tps: number[];
  /** Share of the transactions asked for that ended in a timeout; of attempts, where clients retry. */
  timeouts: number[];
  /** Open over time. */
  server_connections: number[];
  /** For the most connections that were open at once. */
  memory_mb: number[];
}

/** Figures whose interval is around what all replications say together. */
export type Estimated = Exclude<keyof Samples, "server_connections" | "memory_mb">;

/** Most of what happens once in so many times, seen never: 95 % sure. Source: the "rule of three". */
const NEVER_SEEN = 3;

/** All data of a study, which the replications make up together. */
export interface Everything {
  wait: Histogram;
  response: Histogram;
}

type Sums = readonly [sum: number, count: number];

/** The transactions of one replication. */
interface Times {
  wait: Section;
  response: Section;
}

/** What kinds of clients, and all of them, are judged by. */
interface KindReplication extends Times {
  /** Of the transactions asked for. */
  timeouts: Sums;
}

/** The shares of one kind of clients, for whether it meets an objective by itself. */
export class KindEstimates {
  private readonly replications: KindReplication[] = [];

  add(figures: Figures): void {
    const [wait, response] = [new Section(figures.wait), new Section(figures.response)];
    this.replications.push({ wait, response, timeouts: timeoutsOf(figures) });
  }

  /** The share of the transactions asked for that ended in a timeout. */
  get timeouts(): Interval {
    return rare(this.replications.map((each) => each.timeouts)).interval;
  }

  /** The share of transactions whose wait, or response, exceeds `limit` ns. */
  beyond(part: "wait" | "response", limit: number): Interval {
    return shareBeyond(this.replications, part, limit);
  }
}

function timeoutsOf(figures: Figures): Sums {
  const late = timedOut(figures);
  return [late, figures.response.count + late];
}

/** One replication, reduced to what intervals need. */
interface Replication extends KindReplication {
  waitMean: Sums;
  responseMean: Sums;
  waited: Sums;
  throughput: Sums;
  server_connections: number;
  memory_mb: number;
}

export class Estimates {
  private readonly replications: Replication[] = [];
  private readonly all: Everything;

  /** `all` is added to elsewhere. */
  constructor(all: Everything) {
    this.all = all;
  }

  /** Adds one replication. */
  add({ all, memory, server_connections }: RunResult): void {
    const { wait, response, wait_probability, throughput } = all;
    this.replications.push({
      wait: new Section(wait),
      response: new Section(response),
      waitMean: [wait.sum / MILLISECOND, wait.count],
      responseMean: [response.sum / MILLISECOND, response.count],
      waited: [wait_probability * wait.count, wait.count],
      throughput: [throughput, 1],
      timeouts: timeoutsOf(all),
      server_connections: server_connections.mean,
      memory_mb: memory / MEGABYTE,
    });
  }

  /** A figure with its 95 % interval. */
  of(name: Estimated): Estimate {
    switch (name) {
      case "wait_mean_ms":
        return this.ratio("waitMean");
      case "response_mean_ms":
        return this.ratio("responseMean");
      case "wait_probability":
        return this.ratio("waited");
      case "throughput_tps":
        return this.ratio("throughput");
      case "timeouts":
        return rare(this.replications.map((each) => each.timeouts));
      case "wait_p50_ms":
        return this.quantile("wait", 0.5);
      case "wait_p95_ms":
        return this.quantile("wait", 0.95);
      case "wait_p99_ms":
        return this.quantile("wait", 0.99);
      case "response_p95_ms":
        return this.quantile("response", 0.95);
      case "response_p99_ms":
        return this.quantile("response", 0.99);
    }
  }

  get samples(): Samples {
    const values = (name: Estimated): number[] => this.of(name).values;
    const plain = (name: "server_connections" | "memory_mb"): number[] =>
      this.replications.map((each) => each[name]);
    return {
      wait_mean_ms: values("wait_mean_ms"),
      wait_p50_ms: values("wait_p50_ms"),
      wait_p95_ms: values("wait_p95_ms"),
      wait_p99_ms: values("wait_p99_ms"),
      response_mean_ms: values("response_mean_ms"),
      response_p95_ms: values("response_p95_ms"),
      response_p99_ms: values("response_p99_ms"),
      wait_probability: values("wait_probability"),
      throughput_tps: values("throughput_tps"),
      timeouts: values("timeouts"),
      server_connections: plain("server_connections"),
      memory_mb: plain("memory_mb"),
    };
  }

  get scarce(): Scarce[] {
    const { count } = this.all.wait;
    const all = [0.95, 0.99].map((p) => ({ p, count, least: leastCount(p) }));
    return all.filter(({ least }) => count < least);
  }

  /** The share of transactions whose wait, or response, exceeds `limit` ns. */
  beyond(part: "wait" | "response", limit: number): Interval {
    return shareBeyond(this.replications, part, limit);
  }

  private ratio(part: "waitMean" | "responseMean" | "waited" | "throughput"): Estimate {
    return ratioEstimate(
      this.replications.map((each) => each[part]),
      CONFIDENCE,
    );
  }

  private quantile(part: "wait" | "response", p: number): Estimate {
    const sections = this.replications.map((each) => each[part]);
    const { interval, values } = quantileEstimate(this.all[part], sections, p, CONFIDENCE);
    const { mean, low, high, halfWidth, samples } = interval;
    const ms = (value: number): number => value / MILLISECOND;
    return {
      interval: { mean: ms(mean), low: ms(low), high: ms(high), halfWidth: ms(halfWidth), samples },
      values: values.map(ms),
    };
  }
}

function shareBeyond(
  replications: readonly Times[],
  part: "wait" | "response",
  limit: number,
): Interval {
  const place = placeOf(limit);
  return rare(replications.map(({ [part]: each }) => [each.beyond(place), each.count])).interval;
}

/** A share of what may happen hardly ever: that it was not seen does not make its interval a point. */
function rare(pairs: readonly Sums[]): Estimate {
  const { interval, values } = ratioEstimate(pairs, CONFIDENCE);
  const asked = pairs.reduce((sum, [, count]) => sum + count, 0);
  const least = asked > 0 ? Math.min(1, NEVER_SEEN / asked) : 1;
  return { interval: { ...interval, high: Math.max(interval.high, least) }, values };
}
