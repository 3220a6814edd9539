/**
 * Round robin: so many jobs as there are slots are worked on; each has its turn until it is done or has
 * attained a quantum of work, and goes to the end of the queue then. It is what an operating system does
 * with more busy processes than cores. With ever smaller quanta it becomes processor sharing, with ever
 * larger ones first come, first served. An event each turn, O(slots) each. Source: L. Kleinrock, "Queueing
 * Systems", volume 2, 1976, 4.4.
 */
import { doubled } from "./doubled.ts";
import { Shares, type Speed } from "./shares.ts";

/** How the work is handed out. */
export interface Rounds {
  /** Work that all jobs together get done in a unit of time, by their number. */
  speed: Speed;
  /** Jobs that are worked on at once. */
  slots: number;
  /** Most work that a job attains before it is another's turn. */
  quantum: number;
}

/** Round robin. */
export class Turns extends Shares {
  private readonly rounds: Rounds;
  private sequence = 0;

  // By slot in use: its job, when the turn is over by the virtual clock, order of beginning for ties.
  private readonly job: number[] = [];
  private readonly end: number[] = [];
  private readonly order: number[] = [];
  /** By job: work that the present turn leaves undone. */
  private left = new Float64Array(64);
  /** Jobs that wait for their turn: a ring. */
  private ring = new Int32Array(64);
  private head = 0;
  private queued = 0;

  constructor(rounds: Rounds) {
    super();
    this.rounds = rounds;
  }

  start(now: number, job: number, work: number): void {
    this.advance(now);
    while (job >= this.left.length) this.left = doubled(this.left);
    this.left[job] = work;
    this.join();
    if (this.job.length < this.rounds.slots) this.begin(job);
    else this.enqueue(job);
  }

  /** When the next turn is over if nobody comes before; Infinity when no job is being worked on. */
  next(now: number): number {
    if (this.job.length === 0 || this.stopped) return Number.POSITIVE_INFINITY;
    this.advance(now);
    const left = (this.end[this.first()] as number) - this.virtual;
    return now + Math.max(0, Math.round(left / this.rate()));
  }

  /** Ends the turn that is over next, at the time that `next` gave. The job if it is done, else -1. */
  finish(now: number): number {
    this.advance(now);
    const slot = this.first();
    const job = this.job[slot] as number;
    this.vacate(slot);
    const done = this.left[job] === 0;
    if (done) this.jobs--;
    else this.enqueue(job);
    if (this.queued > 0) this.begin(this.dequeue());
    if (this.jobs === 0) this.virtual = 0; // Nobody is left who remembers it.
    return done ? job : -1;
  }

  drop(now: number, job: number): void {
    this.advance(now);
    this.jobs--;
    const slot = this.job.indexOf(job);
    if (slot >= 0) {
      this.vacate(slot);
      if (this.queued > 0) this.begin(this.dequeue());
    } else {
      for (let left = this.queued; left > 0; left--) {
        const other = this.dequeue();
        if (other !== job) this.enqueue(other);
      }
    }
    if (this.jobs === 0) this.virtual = 0;
  }

  clear(now: number): void {
    this.advance(now);
    for (const column of [this.job, this.end, this.order]) column.length = 0;
    this.jobs = 0;
    this.queued = 0;
    this.virtual = 0;
  }

  protected running(): number {
    return this.job.length;
  }

  /** Together they are as fast as was measured, be that a little more than one for each slot. */
  protected rate(): number {
    return this.rounds.speed(this.jobs) / this.job.length;
  }

  private begin(job: number): void {
    const left = this.left[job] as number;
    const turn = Math.min(left, this.rounds.quantum);
    this.left[job] = left - turn;
    this.job.push(job);
    this.end.push(this.virtual + turn);
    this.order.push(this.sequence++);
  }

  /** The slot whose turn is over first; of several the one that began first. */
  private first(): number {
    let first = 0;
    for (let slot = 1; slot < this.end.length; slot++) {
      const earlier = (this.end[slot] as number) - (this.end[first] as number);
      const before = (this.order[slot] as number) < (this.order[first] as number);
      if (earlier < 0 || (earlier === 0 && before)) first = slot;
    }
    return first;
  }

  private vacate(slot: number): void {
    for (const column of [this.job, this.end, this.order]) {
      const last = column.pop() as number;
      if (slot < column.length) column[slot] = last;
    }
  }

  private enqueue(job: number): void {
    if (this.queued === this.ring.length) {
      const ring = new Int32Array(2 * this.queued);
      for (let i = 0; i < this.queued; i++)
        ring[i] = this.ring[(this.head + i) % this.queued] as number;
      this.ring = ring;
      this.head = 0;
    }
    this.ring[(this.head + this.queued++) % this.ring.length] = job;
  }

  private dequeue(): number {
    const job = this.ring[this.head] as number;
    this.head = (this.head + 1) % this.ring.length;
    this.queued--;
    return job;
  }
}
