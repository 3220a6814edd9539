/**
 * Faults of a live run: what it stands on is broken when the schedule says so, and whole again afterwards.
 * How that is done is known to whoever has started it.
 */
import type { Nanos } from "../../engine/core/units.ts";
import type { Span } from "../database/index.ts";
import type { Fault, Workload } from "../schema/workload.ts";

/** Whoever breaks what a run stands on. Errors: OutsideError when it cannot be made whole again. */
export interface Breaker {
  /** Makes ready for the fault that comes next. */
  prepare(fault: Fault): Promise<void>;
  /**
   * Plays it from `span.begin` to `span.end`. When `signal` aborts, all is made whole at once, and what has not
   * begun is left out. Returns by how much it was over later than at the end of `span`, in ms.
   */
  play(fault: Fault, span: Span, signal: AbortSignal): Promise<number>;
}

/** Beyond this a reader should know, in ms. */
const LATE_MS = 20;

/** The faults that begin within a window of `duration`. */
export function playedFaults({ faults = [] }: Workload, duration: Nanos): Fault[] {
  return faults.filter(({ at }) => at < duration);
}

/** Plays the faults of one run, one after the other. */
export class Breaking {
  readonly notes: string[] = [];
  private readonly faults: readonly Fault[];
  private readonly breaker: Breaker;
  private readonly stop = new AbortController();
  private playing: Promise<void> = Promise.resolve();

  constructor(faults: readonly Fault[], breaker: Breaker) {
    this.faults = faults;
    this.breaker = breaker;
  }

  /** Makes ready for the first. */
  async prepare(): Promise<void> {
    const [first] = this.faults;
    if (first !== undefined) await this.breaker.prepare(first);
  }

  /** The measured window begins at `wall`, Unix time in ms. `onFailure`: something cannot be made whole. */
  start(wall: number, onFailure: (error: unknown) => void): void {
    this.playing = this.play(wall).catch(onFailure);
  }

  /** Resolves when all is whole again; what has not begun is left out. */
  async end(): Promise<void> {
    this.stop.abort();
    await this.playing;
  }

  private async play(wall: number): Promise<void> {
    const { signal } = this.stop;
    for (const [i, fault] of this.faults.entries()) {
      if (signal.aborted) return;
      if (i > 0) await this.breaker.prepare(fault);
      const begin = wall + fault.at / 1e6;
      const span = { begin, end: begin + fault.for / 1e6 };
      const late = await this.breaker.play(fault, span, signal);
      if (late <= LATE_MS || signal.aborted) continue;
      const length = Math.round(fault.for / 1e6);
      this.notes.push(`the ${fault.fault} of ${length} ms was over ${Math.round(late)} ms late`);
    }
  }
}
