/**
 * Jobs that share what works on them, by whatever rule: the clock of their work, and what is measured of
 * them. All times are of one clock.
 */

/** Work that `jobs` busy jobs get done together in a unit of time; 1 is what a single one may get done. */
export type Speed = (jobs: number) => number;

/** Jobs that share something; a subclass is the rule. Times and work are nanoseconds. */
export abstract class Shares {
  /** Work that a job at work attains; the clock of their completions. */
  protected virtual = 0;
  /** Jobs present. */
  protected jobs = 0;
  protected stopped = false;
  private most = 0;
  /** Real time of `virtual`. */
  private last = 0;
  // Areas under the number of jobs and under the speed.
  private area = 0;
  private worked = 0;

  /** A job comes with `work` time units of work. */
  abstract start(now: number, job: number, work: number): void;
  /** When `finish` is due if nobody comes before; Infinity when no job is being worked on. */
  abstract next(now: number): number;
  /** Goes on at the time that `next` gave. Returns the job that is done; -1: none yet. */
  abstract finish(now: number): number;
  /** Forgets a job that is present. */
  abstract drop(now: number, job: number): void;
  /** Forgets all jobs. */
  abstract clear(now: number): void;
  /** Jobs that are being worked on, and the rate of each; asked while there are any jobs. */
  protected abstract running(): number;
  protected abstract rate(): number;

  /** Most jobs present at once since `measure`. */
  get max(): number {
    return this.most;
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

  /** One job more. */
  protected join(): void {
    if (++this.jobs > this.most) this.most = this.jobs;
  }

  /** Brings the clock of the work up to `now`; before every change. */
  protected advance(now: number): void {
    const passed = now - this.last;
    this.last = now;
    if (passed === 0 || this.jobs === 0) return;
    this.area += passed * this.jobs;
    if (this.stopped) return;
    const attained = passed * this.rate();
    this.virtual += attained;
    this.worked += attained * this.running();
  }
}
