/**
 * Sizes that have been looked at: of the pool, or of the load. A probe simulates until the objective is
 * decided, on shorter windows than the workload asks for where those would hold more transactions than a
 * decision needs; every size sees the same draws.
 */
import type { Nanos } from "../../../engine/core/index.ts";
import type { Workload } from "../../../workloads/schema/workload.ts";
import { offeredRate } from "../offered.ts";
import { type Study, type StudyOptions, studies, TIME_LIMIT_MS } from "../run.ts";
import { changes, leastWarmUp } from "../warm-up.ts";
import { counted } from "../words.ts";
import { withPoolSize } from "./variants.ts";

/** What is known of a size: `unsure` when the time was up first. */
export type Judgement = "met" | "missed" | "unsure";

const SECOND = 1e9;
/** Transactions of a window: 1 in 100 of those of ten windows make a quantile that decides most often. */
const ENOUGH = 5_000;
/** A window lasts so many times as long as the warm-up before it, which is simulated in vain. */
const WARM_UPS = 2;
/** Part of the whole time that one size may take. */
const EACH = 0.15;

/** What a size is the size of. */
export interface Varied {
  /** The workload at a size. */
  at(workload: Workload, size: number): Workload;
  /** A size in words, such as `20 connections`. */
  name(size: number, workload: Workload): string;
}

const POOL_SIZE: Varied = { at: withPoolSize, name: (size) => counted(size, "connection") };

export class Probes {
  readonly workload: Workload;
  private readonly options: StudyOptions;
  private readonly varied: Varied;
  private readonly found = new Map<number, Study>();
  private readonly start = performance.now();
  private readonly limit: number;
  /** Of a replication: no longer than it takes to decide. */
  private window: number;
  private measured = false;

  constructor(workload: Workload, options: StudyOptions, varied = POOL_SIZE) {
    this.workload = workload;
    this.options = options;
    this.varied = varied;
    this.limit = options.timeLimit ?? TIME_LIMIT_MS;
    this.window = this.windowFor(offeredRate(workload), leastWarmUp(workload));
  }

  /** The study of `size`; each is made once. */
  async at(size: number): Promise<Study> {
    const known = this.found.get(size);
    if (known !== undefined) return known;
    this.tell(this.varied.name(size, this.workload));
    const made = await this.probe(this.varied.at(this.workload, size));
    this.found.set(size, made);
    this.fit(made);
    return made;
  }

  /** A variant of the workload, at the same cost; not remembered. */
  async probe(workload: Workload): Promise<Study> {
    const [only] = await this.together([workload]);
    return only as Study;
  }

  /**
   * The same, from where a run of the whole length would begin to measure: a load that is higher than that
   * of the sizes takes longer to settle than the windows made for those last.
   */
  async day(workload: Workload): Promise<Study> {
    const [only] = await this.together([workload], workload.run.duration);
    return only as Study;
  }

  /** Two sizes on the same draws, replication by replication: their differences are paired. */
  async pair(one: number, other: number): Promise<[Study, Study]> {
    this.tell(`${counted(other, "connection")} beside ${one}`);
    const both = [one, other].map((size) => withPoolSize(this.workload, size));
    const [few, many] = (await this.together(both)) as [Study, Study];
    if (!this.found.has(other)) this.found.set(other, many);
    return [few, many];
  }

  private async together(workloads: readonly Workload[], pilot?: Nanos): Promise<Study[]> {
    return await studies(workloads, {
      ...this.options,
      pilot,
      goal: "objective",
      window: this.window,
      timeLimit: EACH * this.limit,
      onProgress: undefined,
    });
  }

  /** After the first look it is known how many transactions a window holds. */
  private fit({ run }: Study): void {
    if (this.measured || run.throughput_tps === 0) return;
    this.measured = true;
    // Where the warm-up is cut short, what is left of it must be the same part of all windows.
    const warmup = Math.max(run.warmup_s * SECOND, leastWarmUp(this.workload));
    this.window = this.windowFor(run.throughput_tps / SECOND, warmup);
  }

  /** Where load changes with time the window is what the workload says: any part of it is another load. */
  private windowFor(rate: number, warmup: number): number {
    const { duration } = this.workload.run;
    if (changes(this.workload)) return duration;
    const needed = Math.max(ENOUGH / rate, WARM_UPS * warmup);
    return Math.round(Math.min(duration, Math.max(duration / 20, needed)));
  }

  /** A better look at a size takes the place of what was known of it. */
  learn(size: number, study: Study): void {
    this.found.set(size, study);
  }

  known(size: number): Study | undefined {
    return this.found.get(size);
  }

  /** Sizes looked at so far, in ascending order. */
  all(): [size: number, study: Study][] {
    return [...this.found].sort(([a], [b]) => a - b);
  }

  /** The size that is nearest to the objective; the smallest of several. */
  get nearest(): number {
    const sizes = this.all().map(([size]) => size);
    const near = (a: number, b: number): number => (this.distance(b) < this.distance(a) ? b : a);
    return sizes.reduce(near);
  }

  /** Whether a size that has been looked at meets the objective, the interval's upper end included. */
  judge(size: number): Judgement {
    return judge(this.found.get(size));
  }

  /** The worst term over its limit, of a size that has been looked at; see `RegionJudge`. */
  distance(size: number): number {
    return distance(this.found.get(size)?.run);
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

/**
 * See `Probes.distance`. A limit of nothing is met by nothing alone, and clients who are not served at all are
 * farther away than any wait.
 */
export function distance(run: Study["run"] | undefined): number {
  const terms = run?.slo?.terms ?? [];
  return Math.max(
    0,
    ...terms.map(({ name, value, limit }) => {
      if (limit > 0) return value / limit;
      if (value === 0) return 0;
      return name === "unserved" ? BEYOND_WAITS * value : 1 + value;
    }),
  );
}

const BEYOND_WAITS = 1e9;

/** See `Probes.judge`. */
export function judge(found: Study | undefined): Judgement {
  const terms = found?.run.slo?.terms;
  if (terms === undefined) return "unsure";
  // Where timeouts end every transaction more of them would.
  if (found?.run.transactions === 0 && found.run.timeouts > 0) return "missed";
  if (terms.some((term) => !term.met && term.certain)) return "missed";
  return terms.every((term) => term.met && term.certain) ? "met" : "unsure";
}
