/**
 * The database's cores and the jobs that share them: statements and, perhaps, the set-up of
 * connections. A job first takes its time without a core, then its work on the cores. It goes on when
 * the pooler has closed the connection: PostgreSQL notices at the end of a statement only, and until
 * then the backend counts against max_connections.
 */
import type { Nanos } from "../../engine/core/index.ts";
import { doubled } from "../kernel/doubled.ts";
import type { Shares } from "../kernel/shares.ts";

/** What a job is for. */
export const PURPOSE = { statement: 0, connection: 1 } as const;

/** In place of a job: the server has none. */
const NONE = -1;
/** In place of a server: the pooler has closed it. */
const ORPHAN = -1;
/** In place of a server: a crash or a cancel came before the work began. */
const GONE = -2;
/** In place of work: it is being done; the record is free. */
const BEGUN = -1;
const FREE = -2;

/** The jobs of a run's database; servers go by the core's handles. */
export class Cores {
  readonly sharing: Shares;
  /** Backends that are still at work for a connection that the pooler has closed. */
  orphans = 0;
  /** Statements that were finished for nobody, since `measure`. */
  wasted = 0;
  /** When the earliest event of the cores is due; later ones are stale. */
  armed: Nanos = Number.POSITIVE_INFINITY;
  /** Job of each server. */
  private jobOf: Int32Array = new Int32Array(64).fill(NONE);

  // Jobs, and their free list in `server`.
  private server: Int32Array = new Int32Array(64);
  private purpose: Uint8Array = new Uint8Array(64);
  private work: Float64Array = new Float64Array(64);
  private free = -1;
  private high = 0;

  /** `sharing`: how they share the cores. */
  constructor(sharing: Shares) {
    this.sharing = sharing;
  }

  /** A job for `server` that will bring `work` to the cores; `purpose` is a PURPOSE. Returns its number. */
  take(server: number, purpose: number, work: Nanos): number {
    let job = this.free;
    if (job >= 0) this.free = this.server[job] as number;
    else {
      job = this.high++;
      if (job === this.server.length) this.grow();
    }
    this.server[job] = server;
    this.purpose[job] = purpose;
    this.work[job] = work;
    while (server >= this.jobOf.length)
      this.jobOf = doubled(this.jobOf).fill(NONE, this.jobOf.length);
    this.jobOf[server] = job;
    return job;
  }

  /** The time without a core is over: the work begins. False: it was ended before. */
  compute(now: Nanos, job: number): boolean {
    if (this.server[job] === GONE) {
      this.release(job);
      return false;
    }
    this.sharing.start(now, job, this.work[job] as number);
    this.work[job] = BEGUN;
    return true;
  }

  /** When an event for the next completion must be added; -1: one that comes in time is there. */
  arm(now: Nanos): Nanos {
    const due = this.sharing.next(now);
    if (due >= this.armed) return -1;
    this.armed = due;
    return due;
  }

  /**
   * The job that is due now; -1: only a turn is over, or the event is stale or too early, as others have
   * come meanwhile.
   */
  due(now: Nanos): number {
    if (now !== this.armed) return -1;
    this.armed = Number.POSITIVE_INFINITY;
    return this.sharing.next(now) > now ? -1 : this.sharing.finish(now);
  }

  purposeOf(job: number): number {
    return this.purpose[job] as number;
  }

  /** The job is done: for which server; -1: for nobody any more. */
  done(job: number): number {
    const server = this.server[job] as number;
    const statement = this.purpose[job] === PURPOSE.statement;
    this.release(job);
    if (server >= 0) this.jobOf[server] = NONE;
    else {
      this.orphans--;
      if (statement) this.wasted++;
    }
    return server;
  }

  /** The pooler has closed `server`; its backend knows nothing of it. */
  leave(server: number): void {
    const job = this.jobOf[server] ?? NONE;
    if (job < 0) return;
    this.jobOf[server] = NONE;
    this.server[job] = ORPHAN;
    this.orphans++;
  }

  /** The job of `server` is cancelled. False: there is none. */
  abort(now: Nanos, server: number): boolean {
    const job = this.jobOf[server] ?? NONE;
    if (job < 0) return false;
    this.jobOf[server] = NONE;
    if (this.work[job] === BEGUN) {
      this.sharing.drop(now, job);
      this.release(job);
    } else this.server[job] = GONE; // Its event is still to come.
    return true;
  }

  /** The database has crashed: nothing that was under way goes on. */
  crash(now: Nanos): void {
    this.sharing.clear(now);
    this.jobOf.fill(NONE);
    for (let job = 0; job < this.high; job++) {
      const work = this.work[job] as number;
      if (work === BEGUN) this.release(job);
      else if (work !== FREE) this.server[job] = GONE; // Its event is still to come.
    }
    this.orphans = 0;
  }

  /** The window begins. */
  measure(now: Nanos): void {
    this.sharing.measure(now);
    this.wasted = 0;
  }

  private release(job: number): void {
    this.work[job] = FREE;
    this.server[job] = this.free;
    this.free = job;
  }

  private grow(): void {
    this.server = doubled(this.server);
    this.purpose = doubled(this.purpose);
    this.work = doubled(this.work);
  }
}
