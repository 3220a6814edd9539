/**
 * Pool sizes that have been looked at. A probe simulates until the objective is decided, on shorter
 * windows than the workload asks for where those would hold more transactions than a decision needs;
 * every size sees the same draws.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { type Study, type StudyOptions, study, TIME_LIMIT_MS } from "../run.ts";
import { withPoolSize } from "./variants.ts";

/** What is known of a size: `unsure` when the time was up first. */
export type Judgement = "met" | "missed" | "unsure";

const SECOND = 1e9;
/** Transactions of a window: 1 in 100 of them make a quantile that ten windows decide on. */
const ENOUGH = 20_000;
/** Part of the whole time that one size may take. */
const EACH = 0.15;

export class Probes {
  readonly workload: Workload;
  private readonly options: StudyOptions;
  private readonly found = new Map<number, Study>();
  private readonly start = performance.now();
  private readonly limit: number;
  private duration: number;

  constructor(workload: Workload, options: StudyOptions) {
    this.workload = workload;
    this.options = options;
    this.limit = options.timeLimit ?? TIME_LIMIT_MS;
    this.duration = workload.run.duration;
  }

  /** The study of `size`; each is made once. */
  async at(size: number): Promise<Study> {
    const known = this.found.get(size);
    if (known !== undefined) return known;
    this.tell(`${size} connections`);
    const made = await this.probe(withPoolSize(this.workload, size));
    this.found.set(size, made);
    this.shorten(made);
    return made;
  }

  /** A variant of the workload, at the same cost; not remembered. */
  async probe(workload: Workload): Promise<Study> {
    const { duration } = this;
    const shorter = { ...workload, run: { ...workload.run, duration } };
    return await study(shorter, {
      ...this.options,
      goal: "objective",
      timeLimit: EACH * this.limit,
      onProgress: undefined,
    });
  }

  /** After the first look it is known how many transactions a window holds. */
  private shorten({ run }: Study): void {
    const { duration } = this.workload.run;
    if (this.duration !== duration || run.throughput_tps === 0) return;
    const needed = (ENOUGH / run.throughput_tps) * SECOND;
    this.duration = Math.round(Math.min(duration, Math.max(duration / 20, needed)));
  }

  known(size: number): Study | undefined {
    return this.found.get(size);
  }

  /** Sizes looked at so far, in ascending order. */
  all(): [size: number, study: Study][] {
    return [...this.found].sort(([a], [b]) => a - b);
  }

  /** Whether a size that has been looked at meets the objective, the interval's upper end included. */
  judge(size: number): Judgement {
    return judge(this.found.get(size));
  }

  /** Part of the time limit that is over; it may exceed 1. */
  get spent(): number {
    if (this.options.signal?.aborted) return Number.POSITIVE_INFINITY;
    return (performance.now() - this.start) / this.limit;
  }

  /** Real milliseconds that one precise run may take. */
  get allowance(): number {
    return 0.4 * this.limit;
  }

  tell(what: string): void {
    this.options.onProgress?.({
      replications: 0,
      precision: Number.NaN,
      share: Math.min(1, this.spent),
      what,
    });
  }
}

/** See `Probes.judge`. */
export function judge(found: Study | undefined): Judgement {
  const terms = found?.run.slo?.terms;
  if (terms === undefined) return "unsure";
  if (terms.some((term) => !term.met && term.certain)) return "missed";
  return terms.every((term) => term.met && term.certain) ? "met" : "unsure";
}
