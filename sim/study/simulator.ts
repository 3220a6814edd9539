/**
 * Where a study's replications are simulated: in this thread, or on worker threads. Either way a
 * replication is a pure function of workload and options, so the answer is the same.
 */
import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import type { Workload } from "../../workloads/schema/workload.ts";
import { Histogram } from "../kernel/histogram.ts";
import { type Figures, type RunResult, type SimulateOptions, simulate } from "../model/index.ts";

/** A replication's result, and the real milliseconds that it took. */
export interface Simulated {
  result: RunResult;
  wall: number;
}

export interface Simulator {
  /** How many replications are worth asking for at once. */
  readonly width: number;
  /** Simulates once. Errors: those of `simulate`. */
  run(workload: Workload, options: SimulateOptions): Promise<Simulated>;
  /** Ends its threads. */
  close(): Promise<void>;
}

/** In this thread; signals and timers get their turn before each replication. */
export const HERE: Simulator = {
  width: 1,
  run: async (workload, options) => {
    await new Promise((resolve) => setImmediate(resolve));
    return timed(workload, options);
  },
  close: async () => undefined,
};

/** Simulates and measures how long that took. */
export function timed(workload: Workload, options: SimulateOptions): Simulated {
  const begin = performance.now();
  const result = simulate(workload, options);
  return { result, wall: performance.now() - begin };
}

/** Milliseconds of work after which more of it is to be expected: starting threads takes as long. */
const WORTH_THREADS = 500;

/**
 * On `threads` worker threads, as many as there are cores unless told, once it has worked for `worth`
 * milliseconds in this one; 0 threads: always in this one.
 */
export function openSimulator(threads = availableParallelism(), worth = WORTH_THREADS): Simulator {
  return threads === 0 ? HERE : new ThreadSimulator(threads, worth);
}

class ThreadSimulator implements Simulator {
  readonly width: number;
  private pool: Piscina | undefined;
  private readonly worth: number;
  private spent = 0;

  constructor(threads: number, worth: number) {
    this.width = threads;
    this.worth = worth;
  }

  async run(workload: Workload, options: SimulateOptions): Promise<Simulated> {
    if (this.spent < this.worth) {
      const here = await HERE.run(workload, options);
      this.spent += here.wall;
      return here;
    }
    this.pool ??= this.start();
    const { result, wall }: Simulated = await this.pool.run({ workload, options });
    return { result: revived(result), wall };
  }

  private start(): Piscina {
    // From sources, in tests, the worker needs the loader that we run under ourselves.
    const source = import.meta.url.endsWith(".ts");
    const filename = new URL(`./simulator-worker.${source ? "ts" : "js"}`, import.meta.url).href;
    const execArgv = source ? ["--import", "tsx"] : [];
    return new Piscina({ filename, execArgv, minThreads: this.width, maxThreads: this.width });
  }

  async close(): Promise<void> {
    await this.pool?.destroy();
    this.pool = undefined;
  }
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
