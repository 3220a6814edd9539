/** Simulates a system: independent replications, or one long run cut into batches. */
import { Histogram } from "../../kernel/histogram.ts";
import { replicationSeed } from "../../kernel/streams.ts";
import { type RunResult, simulate, type Trace } from "../../model/index.ts";
import { type Observation, observed, type System, type Tallied } from "./system.ts";
import { MS } from "./textbook.ts";

/** Replications of a system, each under a seed of its own. */
export const REPLICATIONS = 12;
/** Windows are at least so many times as long as what is left out: some thirty relaxation times. */
const LONG = 2.5;
/** Between the seeds of two systems, and between a system's and those of its second look. */
const APART = 1000;

/** How much to simulate, and where in the sequence of seeds. */
export interface Effort {
  seed: number;
  /** Number of the system: no two share a seed. */
  place: number;
  /** Transactions of each replication. */
  transactions: number;
  /** 0; 1 for a second look under other seeds. */
  look: number;
}

/** Simulates a system so often as `effort` says. */
export function observe(system: System, effort: Effort): Observation[] {
  const { workload, machine, rate, settle, batches } = system;
  const first = effort.place * APART + effort.look * (APART / 2) + 1;
  const run = (replication: number, transactions: number, trace: boolean): RunResult =>
    simulate(workload, {
      seed: replicationSeed(effort.seed, first + replication),
      warmup: Math.round(settle * MS),
      duration: Math.round((transactions / rate) * MS),
      machine,
      trace,
    });
  const transactions = Math.max(effort.transactions, LONG * settle * rate);
  if (batches !== undefined) return sliced(run(0, transactions * batches, true), batches);
  return Array.from({ length: REPLICATIONS }, (_, i) => observed(run(i, transactions, false)));
}

/** A run with its trace as so many observations, by the time at which transactions were sent. */
function sliced({ trace, warmup, duration }: RunResult, batches: number): Observation[] {
  const { sent, wait } = trace as Trace;
  const parts = Array.from({ length: batches }, empty);
  sent.forEach((time, i) => {
    const part = parts[Math.floor(((time - warmup) / duration) * batches)] as Tallied;
    part.wait.record(wait[i] as number);
    if ((wait[i] as number) > 0) part.waited++;
  });
  return parts.map((all) => ({ all, kinds: {}, active: Number.NaN }));
}

const empty = (): Tallied => ({ wait: new Histogram(), waited: 0, refused: 0, timeouts: 0 });
