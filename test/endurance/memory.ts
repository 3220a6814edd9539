/** Whether the memory of a process stays flat. */
import { readFile } from "node:fs/promises";

/** A look at the memory: milliseconds since the start, and bytes. */
export interface Sample {
  at: number;
  bytes: number;
}

/** What the samples after the warm-up say. */
export interface Trend {
  /** Bytes at the beginning and at the end of the fitted line. */
  from: number;
  to: number;
  flat: boolean;
}

/** Memory for which the collector has not come round yet stands out in single samples: lows count. */
const SEGMENTS = 12;
/** With fewer samples nothing can be said. */
const LEAST = 10 * SEGMENTS;
/** The share of the warm-up in all samples. */
const WARM_UP = 0.25;
/** Growth that counts as none, over the time that is looked at. */
const SLACK_SHARE = 0.05;
const SLACK_BYTES = 8 << 20;

/** Resident memory of a process in bytes, from Linux' /proc; undefined elsewhere. */
export async function resident(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const found = /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1];
  return found === undefined ? undefined : 1024 * Number(found);
}

/** A straight line through the lows of a dozen stretches of time; undefined: too few samples. */
export function trendOf(samples: readonly Sample[]): Trend | undefined {
  const kept = samples.slice(Math.floor(samples.length * WARM_UP));
  if (kept.length < LEAST) return undefined;
  const size = kept.length / SEGMENTS;
  const lows = Array.from({ length: SEGMENTS }, (_, index) =>
    kept
      .slice(Math.floor(index * size), Math.floor((index + 1) * size))
      .reduce((low, each) => (each.bytes < low.bytes ? each : low)),
  );
  const line = lineThrough(lows);
  const [first, last] = [kept[0] as Sample, kept.at(-1) as Sample];
  const [from, to] = [line(first.at), line(last.at)];
  return { from, to, flat: to - from <= Math.max(SLACK_BYTES, SLACK_SHARE * from) };
}

/** Least squares. */
function lineThrough(samples: readonly Sample[]): (at: number) => number {
  const mean = (of: (each: Sample) => number): number =>
    samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const [at, bytes] = [mean((each) => each.at), mean((each) => each.bytes)];
  const covariance = mean((each) => (each.at - at) * (each.bytes - bytes));
  const slope = covariance / mean((each) => (each.at - at) ** 2);
  return (x) => bytes + slope * (x - at);
}
