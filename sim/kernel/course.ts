/**
 * Time that runs faster or slower: a factor over time, its integral and the integral's inverse. A pause
 * of length `p` that begins at `t` ends when the integral has grown by `p`. So a think time is shortened
 * by a spike that begins while it is under way, by exactly the part that lies in the spike, and a Poisson
 * stream of arrivals becomes the one whose rate follows the factor. The draws stay as they are, so that
 * paired runs stay paired. Source: E. Cinlar, "Introduction to Stochastic Processes", 1975, 4.7.
 */

/** From `at` on the factor goes from `from` to `to` in a straight line, until the next piece begins. */
export interface Piece {
  at: number;
  from: number;
  to: number;
}

/** No run lasts so long. */
const LATEST: number = Number.MAX_SAFE_INTEGER;

/** A factor over time. Times are nanoseconds. */
export class Course {
  private readonly at: Float64Array;
  private readonly from: Float64Array;
  private readonly to: Float64Array;
  /** Integral from the first piece's begin to each one's. */
  private readonly sum: Float64Array;
  private readonly pieces: number;
  /** Where the last piece ends, after which all repeat; Infinity: the last value holds for ever. */
  private readonly period: number;
  /** Time 0 of the pieces. */
  private readonly origin: number;

  /**
   * `pieces` in order, from their time 0 on, which is `origin`. With a `period` they repeat, before it as
   * well; without, the factor is 1 before it.
   */
  constructor(pieces: readonly Piece[], origin: number, period = Number.POSITIVE_INFINITY) {
    this.origin = origin;
    this.pieces = pieces.length;
    this.at = Float64Array.from(pieces, (piece) => piece.at);
    this.from = Float64Array.from(pieces, (piece) => piece.from);
    this.to = Float64Array.from(pieces, (piece) => piece.to);
    this.period = period;
    this.sum = new Float64Array(this.pieces + 1);
    for (let i = 0; i < this.pieces; i++)
      this.sum[i + 1] = (this.sum[i] as number) + this.area(i, this.end(i));
  }

  /** The factor at a time. */
  factor(time: number): number {
    const within = this.within(time - this.origin);
    if (within < 0) return 1;
    const i = this.piece(this.at, within);
    return this.value(i, within);
  }

  /** When a pause of `length` that begins at `start` is over; if the factor stays at 0 before, LATEST. */
  after(start: number, length: number): number {
    const { origin } = this;
    const end = origin + this.inverse(this.integral(start - origin) + length);
    return Math.min(LATEST, Math.round(end));
  }

  /** Integral from 0 to `time`; negative before. */
  private integral(time: number): number {
    const within = this.within(time);
    if (within < 0) return within;
    const i = this.piece(this.at, within);
    const area = (this.sum[i] as number) + this.area(i, within);
    if (this.period === Number.POSITIVE_INFINITY) return area;
    return Math.floor(time / this.period) * this.whole + area;
  }

  private inverse(target: number): number {
    let [rest, base] = [target, 0];
    if (this.period < Number.POSITIVE_INFINITY) {
      if (this.whole === 0) return Number.POSITIVE_INFINITY;
      const rounds = Math.floor(target / this.whole);
      rest -= rounds * this.whole;
      base = rounds * this.period;
    } else if (target < 0) return target;
    const i = this.piece(this.sum.subarray(0, this.pieces), rest);
    return base + (this.at[i] as number) + this.reach(i, rest - (this.sum[i] as number));
  }

  /** How far into piece `i` its own integral is `area`: the root of a parabola, in its stable form. */
  private reach(i: number, area: number): number {
    if (area <= 0) return 0;
    const from = this.from[i] as number;
    const slope = this.slope(i);
    const root = from + Math.sqrt(Math.max(0, from * from + 2 * slope * area));
    return root > 0 ? (2 * area) / root : Number.POSITIVE_INFINITY;
  }

  private area(i: number, until: number): number {
    const length = until - (this.at[i] as number);
    if (length === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    return length * ((this.from[i] as number) + (this.slope(i) * length) / 2);
  }

  private value(i: number, time: number): number {
    return (this.from[i] as number) + this.slope(i) * (time - (this.at[i] as number));
  }

  private slope(i: number): number {
    const length = this.end(i) - (this.at[i] as number);
    if (length === Number.POSITIVE_INFINITY || length === 0) return 0;
    return ((this.to[i] as number) - (this.from[i] as number)) / length;
  }

  private end(i: number): number {
    return i + 1 < this.pieces ? (this.at[i + 1] as number) : this.period;
  }

  /** Integral over one period. */
  private get whole(): number {
    return this.sum[this.pieces] as number;
  }

  private within(time: number): number {
    if (this.period === Number.POSITIVE_INFINITY) return time;
    return time - Math.floor(time / this.period) * this.period;
  }

  /** The last piece whose begin, or whose sum, is not above `value`. */
  private piece(begins: Float64Array, value: number): number {
    let [low, high] = [0, this.pieces - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((begins[middle] as number) <= value) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
