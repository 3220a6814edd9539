/**
 * A histogram of durations with 128 buckets an octave: a quantile read from it is off by at most 0.4 %
 * of its value. Recording is a few integer operations, because the bucket is cut out of the double's own
 * bits: the exponent and the first seven bits of the fraction.
 */
import { ZERO } from "./zero.ts";

const BUCKETS_PER_OCTAVE_BITS = 7;
/** Octaves 2^0 to 2^53: 1 ns to 104 days. */
const OCTAVES = 54;
const SIZE = OCTAVES << BUCKETS_PER_OCTAVE_BITS;
/** The bits of 1.0 above the bucket's: what the first bucket subtracts. */
const FIRST = 1023 << BUCKETS_PER_OCTAVE_BITS;

/** Largest relative error of a quantile: half a bucket. */
export const HISTOGRAM_ERROR = 1 / 256;

/** Stands for the values below 1 ns among bucket numbers. */
export const ZEROS = -1;

/** A point between two values of a histogram. */
export interface Place {
  bucket: number;
  /** Part of the bucket's values that is beyond the point, 0 to 1. */
  beyond: number;
}

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Durations in nanoseconds, counted by bucket. */
export class Histogram {
  count = 0;
  /** Values below 1 ns, which have no bucket. */
  zeros = 0;
  sum = ZERO;
  max = ZERO;
  private readonly buckets = new Float64Array(SIZE);

  /** Others read these, who want no minus. */
  constructor() {
    this.sum = 0;
    this.max = 0;
  }

  /** A histogram of the data of one that has come from another thread, where it lost its class. */
  static revived(data: Histogram): Histogram {
    return Object.assign(new Histogram(), data);
  }

  /** Adds a duration; negative ones count as zero. */
  record(value: number): void {
    this.count++;
    if (value < 1) {
      this.zeros++;
      return;
    }
    this.sum += value;
    if (value > this.max) this.max = value;
    (this.buckets[bucketOf(value)] as number)++;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The smallest value that at least the share `p` of all values does not exceed; 0 when empty. */
  quantile(p: number): number {
    const rank = Math.max(1, Math.ceil(p * this.count));
    if (this.count === 0 || rank <= this.zeros) return 0;
    if (rank >= this.count) return this.max;
    let seen = this.zeros;
    for (let bucket = 0; bucket < SIZE; bucket++) {
      seen += this.buckets[bucket] as number;
      if (seen >= rank) return Math.min(this.max, middle(bucket));
    }
    return this.max;
  }

  /** Share of the values that exceed `value`; exact for zero, else to the bucket. */
  shareAbove(value: number): number {
    if (this.count === 0) return 0;
    let above = 0;
    for (let bucket = SIZE - 1; bucket >= 0 && lower(bucket) >= value; bucket--)
      above += this.buckets[bucket] as number;
    return above / this.count;
  }

  /**
   * Where the share `p` of all values ends: its bucket (`ZEROS` for the values below 1 ns) and which part
   * of the bucket's values is beyond, 0 to 1. The histogram must not be empty.
   */
  locate(p: number): Place {
    const beyond = Math.min(1, Math.max(0, 1 - p)) * this.count;
    let above = 0;
    for (let bucket = SIZE - 1; bucket >= 0; bucket--) {
      const here = this.buckets[bucket] as number;
      if (here > 0 && above + here >= beyond) return { bucket, beyond: (beyond - above) / here };
      above += here;
    }
    return { bucket: ZEROS, beyond: this.zeros === 0 ? 0 : (beyond - above) / this.zeros };
  }

  /** The quantile with the values of a bucket spread evenly over it: moves smoothly with `p`. */
  interpolate(p: number): number {
    const { bucket, beyond } = this.locate(p);
    if (bucket === ZEROS) return 0;
    return Math.min(this.max, lower(bucket + 1) - beyond * (lower(bucket + 1) - lower(bucket)));
  }

  /** Calls back with every bucket that holds values, from the highest down, and their number. */
  descend(each: (bucket: number, count: number) => void): void {
    for (let bucket = SIZE - 1; bucket >= 0; bucket--) {
      const count = this.buckets[bucket] as number;
      if (count > 0) each(bucket, count);
    }
    if (this.zeros > 0) each(ZEROS, this.zeros);
  }

  merge(other: Histogram): void {
    this.count += other.count;
    this.zeros += other.zeros;
    this.sum += other.sum;
    this.max = Math.max(this.max, other.max);
    for (let bucket = 0; bucket < SIZE; bucket++)
      this.buckets[bucket] = (this.buckets[bucket] as number) + (other.buckets[bucket] as number);
  }
}

/** Where `value` lies, its bucket's values spread evenly. */
export function placeOf(value: number): Place {
  if (value < 1) return { bucket: ZEROS, beyond: 0 };
  const bucket = bucketOf(value);
  const [from, to] = [lower(bucket), lower(bucket + 1)];
  return { bucket, beyond: (to - value) / (to - from) };
}

/** Lower edge of the bucket of `value` (1 or more): there `shareAbove` is exact for continuous laws. */
export const bucketEdge = (value: number): number => lower(bucketOf(value));

/** Of a value of 1 or more: cut out of its bits. */
function bucketOf(value: number): number {
  double[0] = value;
  return ((words[HIGH] as number) >>> (20 - BUCKETS_PER_OCTAVE_BITS)) - FIRST;
}

function lower(bucket: number): number {
  const octave = bucket >> BUCKETS_PER_OCTAVE_BITS;
  return 2 ** octave * (1 + (bucket & 127) / 128);
}

function middle(bucket: number): number {
  return (lower(bucket) + lower(bucket + 1)) / 2;
}
