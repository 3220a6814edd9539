/**
 * Processor sharing, exact, in O(log n) an event: all jobs advance at the same rate, which depends on
 * their number alone. A virtual clock runs at that rate; a job that brings the work `w` at virtual time
 * `v` is done at `v + w`, whatever comes and goes meanwhile, so that a heap by that time gives the next
 * completion. Source: the virtual time of A. Demers, S. Keshav, S. Shenker, "Analysis and simulation of
 * a fair queueing algorithm", SIGCOMM 1989; for one queue known as attained-service scheduling.
 */

/** Work that `jobs` busy jobs get done together in a unit of time; 1 is what a single one may get done. */
export type Speed = (jobs: number) => number;

/** Jobs that share what works on them, by whatever rule. All times are of one clock. */
export interface Shares {
  /** Most jobs present at once since `measure`. */
  readonly max: number;
  /** A job comes with `work` time units of work. */
  start(now: number, job: number, work: number): void;
  /** When `finish` is due if nobody comes before; Infinity when no job is being worked on. */
  next(now: number): number;
  /** Goes on at the time that `next` gave. Returns the job that is done; -1: none yet. */
  finish(now: number): number;
  /** No job advances until `resume`. */
  stop(now: number): void;
  resume(now: number): void;
  /** Forgets all jobs. */
  clear(now: number): void;
  /** Begins to measure. */
  measure(now: number): void;
  /** Since `measure`: time times the number of jobs, and the work done. */
  measured(now: number): { area: number; worked: number };
}

export class Sharing implements Shares {
  private readonly speed: Speed;
  /** Rate of each of n jobs, by n. */
  private rates = new Float64Array([0]);
  private virtual = 0;
  /** Real time of `virtual`. */
  private last = 0;
  private stopped = false;
  private jobs = 0;
  private most = 0;
  private sequence = 0;

  // The heap: virtual time of completion, order of arrival for ties, job.
  private done = new Float64Array(64);
  private order = new Float64Array(64);
  private job = new Int32Array(64);

  // Areas under the number of jobs and under the speed.
  private area = 0;
  private worked = 0;

  constructor(speed: Speed) {
    this.speed = speed;
  }

  /** Jobs present. */
  get count(): number {
    return this.jobs;
  }

  /** Most jobs present at once since `measure`. */
  get max(): number {
    return this.most;
  }

  /** A job comes with `work` time units of work. */
  start(now: number, job: number, work: number): void {
    this.advance(now);
    if (this.jobs === this.done.length) this.grow();
    let at = this.jobs++;
    if (this.jobs > this.most) this.most = this.jobs;
    const done = this.virtual + work;
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      if ((this.done[parent] as number) <= done) break;
      this.move(parent, at);
      at = parent;
    }
    this.put(at, done, this.sequence++, job);
  }

  /** When the next job will be done if nobody comes before; Infinity when none is being worked on. */
  next(now: number): number {
    if (this.jobs === 0 || this.stopped) return Number.POSITIVE_INFINITY;
    this.advance(now);
    const left = (this.done[0] as number) - this.virtual;
    return now + Math.max(0, Math.round(left / this.rate(this.jobs)));
  }

  /** Takes the job that is done next, at the time that `next` gave. */
  finish(now: number): number {
    this.advance(now);
    const job = this.job[0] as number;
    const last = --this.jobs;
    if (last > 0) this.sink(this.done[last] as number, this.order[last] as number, last);
    else this.virtual = 0; // Nobody is left who remembers it: small numbers are exact ones.
    return job;
  }

  /** No job advances until `resume`. */
  stop(now: number): void {
    this.advance(now);
    this.stopped = true;
  }

  resume(now: number): void {
    this.advance(now);
    this.stopped = false;
  }

  /** Forgets all jobs. */
  clear(now: number): void {
    this.advance(now);
    this.jobs = 0;
    this.virtual = 0;
  }

  /** Begins to measure. */
  measure(now: number): void {
    this.advance(now);
    this.area = 0;
    this.worked = 0;
    this.most = this.jobs;
  }

  /** Since `measure`: time times the number of jobs, and the work done. */
  measured(now: number): { area: number; worked: number } {
    this.advance(now);
    return { area: this.area, worked: this.worked };
  }

  private advance(now: number): void {
    const passed = now - this.last;
    this.last = now;
    if (passed === 0 || this.jobs === 0) return;
    this.area += passed * this.jobs;
    if (this.stopped) return;
    const attained = passed * this.rate(this.jobs);
    this.virtual += attained;
    this.worked += attained * this.jobs;
  }

  private rate(jobs: number): number {
    while (jobs >= this.rates.length) {
      const rates = new Float64Array(this.rates.length * 2);
      for (let n = 1; n < rates.length; n++) rates[n] = Math.min(1, this.speed(n) / n);
      this.rates = rates;
    }
    return this.rates[jobs] as number;
  }

  /** Lets what stood last find its place from the top. */
  private sink(done: number, order: number, length: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && this.before(child + 1, child)) child++;
      const earlier = this.done[child] as number;
      if (earlier > done || (earlier === done && (this.order[child] as number) > order)) break;
      this.move(child, at);
      at = child;
    }
    this.put(at, done, order, this.job[length] as number);
  }

  private before(a: number, b: number): boolean {
    const [x, y] = [this.done[a] as number, this.done[b] as number];
    return x < y || (x === y && (this.order[a] as number) < (this.order[b] as number));
  }

  private move(from: number, to: number): void {
    this.put(to, this.done[from] as number, this.order[from] as number, this.job[from] as number);
  }

  private put(at: number, done: number, order: number, job: number): void {
    this.done[at] = done;
    this.order[at] = order;
    this.job[at] = job;
  }

  private grow(): void {
    const length = this.done.length * 2;
    const [done, order, job] = [this.done, this.order, this.job];
    this.done = new Float64Array(length);
    this.order = new Float64Array(length);
    this.job = new Int32Array(length);
    this.done.set(done);
    this.order.set(order);
    this.job.set(job);
  }
}
