/**
 * Processor sharing, exact, in O(log n) an event: all jobs advance at the same rate, which depends on
 * their number alone. A virtual clock runs at that rate; a job that brings the work `w` at virtual time
 * `v` is done at `v + w`, whatever comes and goes meanwhile, so that a heap by that time gives the next
 * completion. Source: the virtual time of A. Demers, S. Keshav, S. Shenker, "Analysis and simulation of
 * a fair queueing algorithm", SIGCOMM 1989; for one queue known as attained-service scheduling.
 */
import { doubled } from "./doubled.ts";
import { Shares, type Speed } from "./shares.ts";

/** Processor sharing. */
export class Sharing extends Shares {
  private readonly speed: Speed;
  /** Rate of each of n jobs, by n. */
  private rates = new Float64Array([0]);
  private sequence = 0;

  // The heap: virtual time of completion, order of arrival for ties, job.
  private done = new Float64Array(64);
  private order = new Float64Array(64);
  private job = new Int32Array(64);

  constructor(speed: Speed) {
    super();
    this.speed = speed;
  }

  /** A job comes with `work` time units of work. */
  start(now: number, job: number, work: number): void {
    this.advance(now);
    if (this.jobs === this.done.length) this.grow();
    let at = this.jobs;
    this.join();
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
    return now + Math.max(0, Math.round(left / this.rate()));
  }

  /** Takes the job that is done next, at the time that `next` gave. */
  finish(now: number): number {
    this.advance(now);
    const job = this.job[0] as number;
    this.takeFirst();
    return job;
  }

  /** Forgets a job, in O(n): those before it on the way from the top move into its place. */
  drop(now: number, job: number): void {
    this.advance(now);
    let at = this.job.indexOf(job);
    for (; at > 0; ) {
      const parent = (at - 1) >> 1;
      this.move(parent, at);
      at = parent;
    }
    this.takeFirst();
  }

  /** Forgets all jobs. */
  clear(now: number): void {
    this.advance(now);
    this.jobs = 0;
    this.virtual = 0;
  }

  protected running(): number {
    return this.jobs;
  }

  protected rate(): number {
    const { jobs } = this;
    while (jobs >= this.rates.length) {
      const rates = new Float64Array(this.rates.length * 2);
      for (let n = 1; n < rates.length; n++) rates[n] = Math.min(1, this.speed(n) / n);
      this.rates = rates;
    }
    return this.rates[jobs] as number;
  }

  private takeFirst(): void {
    const last = --this.jobs;
    if (last > 0) this.sink(this.done[last] as number, this.order[last] as number, last);
    else this.virtual = 0; // Nobody is left who remembers it: small numbers are exact ones.
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
    this.done = doubled(this.done);
    this.order = doubled(this.order);
    this.job = doubled(this.job);
  }
}
