/** Replications on worker threads. */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Workload } from "../../workloads/schema/workload.ts";
import { Histogram } from "../kernel/histogram.ts";
import { Abandoned, type Figures, type RunResult } from "../model/index.ts";
import { inlineMore } from "./inlining.ts";
import { offeredRate } from "./offered.ts";
import { HERE, type ReplicationOptions, type Simulated, type Simulator } from "./simulator.ts";

/** Milliseconds of work after which more of it is to be expected: starting threads takes as long. */
const WORTH_THREADS = 500;
/** Transactions of a replication that would keep this thread from hearing Ctrl-C for a second or more. */
const HEAVY = 500_000;

/**
 * On `threads` worker threads, as many as there are cores unless told, once it has worked for `worth`
 * milliseconds in this one, or at once where a replication is long; 0 threads: always in this one.
 */
export function openSimulator(threads = availableParallelism(), worth = WORTH_THREADS): Simulator {
  inlineMore();
  return threads === 0 ? HERE : new ThreadSimulator(threads, worth);
}

class ThreadSimulator implements Simulator {
  readonly width: number;
  private pool: Piscina | undefined;
  private readonly worth: number;
  private spent = 0;
  private readonly underWay = new Set<Promise<Simulated | undefined>>();
  private readonly flags = new WeakMap<AbortSignal, Int32Array>();

  constructor(threads: number, worth: number) {
    this.width = threads;
    this.worth = worth;
  }

  async run(workload: Workload, options: ReplicationOptions): Promise<Simulated> {
    if (this.spent < this.worth && !isHeavy(workload, options)) {
      const here = await HERE.run(workload, options);
      this.spent += here.wall;
      return here;
    }
    this.pool ??= this.start();
    const { signal, ...rest } = options;
    const stop = signal && this.flagOf(signal);
    const made: Promise<Simulated | undefined> = this.pool.run({ workload, options: rest, stop });
    this.underWay.add(made);
    const found = await made.finally(() => this.underWay.delete(made));
    if (found === undefined) throw new Abandoned();
    return { result: revived(found.result), wall: found.wall };
  }

  /** What threads can see of a signal: not 0 once it is aborted. A message they would not read while they work. */
  private flagOf(signal: AbortSignal): Int32Array {
    const known = this.flags.get(signal);
    if (known !== undefined) return known;
    const flag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const raise = (): void => {
      Atomics.store(flag, 0, 1);
    };
    if (signal.aborted) raise();
    else signal.addEventListener("abort", raise, { once: true });
    this.flags.set(signal, flag);
    return flag;
  }

  private start(): Piscina {
    // From sources, in tests, the worker needs the loader that we run under ourselves.
    const source = import.meta.url.endsWith(".ts");
    const filename = new URL(`./simulator-worker.${source ? "ts" : "js"}`, import.meta.url).href;
    const execArgv = source ? ["--import", "tsx"] : [];
    return new Piscina({ filename, execArgv, minThreads: this.width, maxThreads: this.width });
  }

  async close(): Promise<void> {
    // A result that comes when the pool is gone would be an uncaught error.
    await Promise.allSettled(this.underWay);
    await this.pool?.destroy();
    this.pool = undefined;
  }
}

/** Whether a replication is so long that this thread must stay free. */
function isHeavy(
  workload: Workload,
  { duration = workload.run.duration }: ReplicationOptions,
): boolean {
  return offeredRate(workload) * duration > HEAVY;
}

/** What crosses to another thread keeps its data but not its class. */
function revived(result: RunResult): RunResult {
  const figures = (each: Figures): Figures => ({
    ...each,
    wait: Histogram.revived(each.wait),
    response: Histogram.revived(each.response),
  });
  const kinds = Object.entries(result.kinds).map(([name, each]) => [name, figures(each)] as const);
  return { ...result, all: figures(result.all), kinds: Object.fromEntries(kinds) };
}
