/**
 * What the driver measures of itself: it must be known how far the measuring instrument disturbs
 * the measurement. None of it is ever taken off the waits.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Nanos } from "../../engine/core/units.ts";
import { Histogram } from "../../sim/kernel/histogram.ts";

/** A distribution of times, in ns. */
export interface Spread {
  count: number;
  mean: Nanos;
  p50: Nanos;
  p99: Nanos;
  max: Nanos;
}

/** The driver's own part, as distributions. */
export interface DriverMeasures {
  /** How much later than due think times, gaps and reconnections ended. */
  timer_lateness: Spread;
  /** How much later than asked for the event loop came round, sampled every 10 ms. */
  event_loop_delay: Spread;
  /** From reading an answer to being done with it, the next statement's sending included. */
  processing: Spread;
  /** Smallest step of the driver's clock. */
  clock_resolution: Nanos;
  /** Processor time of the driver process between common start and end, user and system. */
  processor_time: Nanos;
}

/** Smallest period at which Node samples its event loop without disturbing it, in ms. */
const LOOP_SAMPLE_MS = 10;

/** Collects while the run is on. */
export class Measures {
  readonly lateness = new Histogram();
  readonly processing = new Histogram();
  private readonly loop = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  private usage = process.cpuUsage();

  start(): void {
    this.loop.enable();
    this.loop.reset();
    this.usage = process.cpuUsage();
  }

  finish(resolution: Nanos): DriverMeasures {
    this.loop.disable();
    const { user, system } = process.cpuUsage(this.usage);
    return {
      timer_lateness: spread(this.lateness),
      event_loop_delay: this.loopDelay(),
      processing: spread(this.processing),
      clock_resolution: resolution,
      processor_time: (user + system) * 1_000,
    };
  }

  /** Node reports the whole period; the delay is what exceeds the one asked for. */
  private loopDelay(): Spread {
    const beyond = (value: number): Nanos => Math.max(0, value - LOOP_SAMPLE_MS * 1e6);
    const { loop } = this;
    if (loop.count === 0) return spread(new Histogram());
    const [p50, p99] = [beyond(loop.percentile(50)), beyond(loop.percentile(99))];
    return { count: loop.count, mean: beyond(loop.mean), p50, p99, max: beyond(loop.max) };
  }
}

function spread(histogram: Histogram): Spread {
  if (histogram.count === 0) return { count: 0, mean: 0, p50: 0, p99: 0, max: 0 };
  const { count, mean, max } = histogram;
  return { count, mean, p50: histogram.quantile(0.5), p99: histogram.quantile(0.99), max };
}
