/**
 * A queueing system whose answers are known exactly, as the model is told about it, and what of its
 * answers is compared. Times are in milliseconds; the model's own are in nanoseconds.
 */
import type { Workload } from "../../../workloads/schema/workload.ts";
import { bucketEdge, type Histogram } from "../../kernel/histogram.ts";
import type { Machine, RunResult } from "../../model/index.ts";
import type { WaitLaw } from "../analytic/law.ts";
import { MS } from "./textbook.ts";

/** What one replication showed, of one kind of clients or of all. */
export interface Tallied {
  wait: Histogram;
  /** Transactions that waited. */
  waited: number;
  refused: number;
  timeouts: number;
}

/** One replication, or one batch of a long run. */
export interface Observation {
  all: Tallied;
  kinds: Readonly<Record<string, Tallied>>;
  /** Servers that were linked to a client, time average. */
  active: number;
}

/** One number that theory knows, and the sum and the count whose ratio estimates it. */
export interface Figure {
  name: string;
  unit: "ms" | "share" | "servers";
  exact: number;
  /** What the ratio of the sums is compared with; for a quantile the share that waits longer. */
  expected: number;
  sums(observation: Observation): readonly [sum: number, count: number];
  /** Of a quantile: which one, and whose. */
  quantile?: { p: number; of(observation: Observation): Histogram };
}

/** One row block of the table. */
export interface System {
  family: string;
  name: string;
  workload: Workload;
  machine?: Machine | undefined;
  /** Transactions a millisecond: how long to run for as many as are wanted. */
  rate: number;
  /** Time to leave out, after which the empty start is forgotten. */
  settle: number;
  /** One run cut in so many batches, where starting takes longer than running. */
  batches?: number;
  figures: readonly Figure[];
}

/** Which part of an observation a figure is about, and by what its waits are multiplied. */
interface Scope {
  /** A kind of clients; all when left out. */
  kind?: string;
  /** Added to the figures' names. */
  label?: string;
  /** Waits that are recorded for each that theory speaks of: `transactions` of a session. */
  times?: number;
}

const tallied = (observation: Observation, kind?: string): Tallied =>
  kind === undefined ? observation.all : (observation.kinds[kind] as Tallied);

/** Mean wait, share that waits, 95th and 99th percentile: whichever of them the law has. */
export function waits(
  law: Pick<WaitLaw, "mean" | "tail" | "quantile">,
  scope: Scope = {},
): Figure[] {
  const { kind, label = "" } = scope;
  const waiting = law.tail(0);
  const share: Figure = {
    name: `waits${label}`,
    unit: "share",
    exact: waiting,
    expected: waiting,
    sums: (seen) => [tallied(seen, kind).waited, tallied(seen, kind).wait.count],
  };
  const quantiles = [0.95, 0.99].filter((p) => waiting > 1 - p);
  return [
    ...meanOnly(law.mean, scope),
    ...(waiting < 1 ? [share] : []),
    ...quantiles.map((p) => quantileFigure(law, p, scope)),
  ];
}

/** The mean wait alone, where theory knows no more. */
export function meanOnly(mean: number, { kind, label = "", times = 1 }: Scope = {}): Figure[] {
  const sums: Figure["sums"] = (seen) => {
    const { wait } = tallied(seen, kind);
    return [(wait.sum / MS) * times, wait.count];
  };
  return [{ name: `mean${label}`, unit: "ms", exact: mean, expected: mean, sums }];
}

/** Compared by the share that waits longer, at an edge of the histogram next to the quantile. */
function quantileFigure(
  law: Pick<WaitLaw, "tail" | "quantile">,
  p: number,
  { kind, label = "" }: Scope,
): Figure {
  const exact = law.quantile(p);
  const edge = bucketEdge(exact * MS);
  return {
    name: `p${Math.round(100 * p)}${label}`,
    unit: "ms",
    exact,
    expected: law.tail(edge / MS),
    sums: (seen) => {
      const { wait } = tallied(seen, kind);
      return [wait.shareAbove(edge) * wait.count, wait.count];
    },
    quantile: { p, of: (seen) => tallied(seen, kind).wait },
  };
}

/** The share of the arrivals that the pooler refuses. */
export function refused(exact: number): Figure {
  const sums: Figure["sums"] = ({ all }) => [all.refused, all.refused + all.wait.count];
  return { name: "refused", unit: "share", exact, expected: exact, sums };
}

/** The share of the transactions that give up waiting. */
export function givenUp(exact: number): Figure {
  const sums: Figure["sums"] = ({ all }) => [all.timeouts, all.timeouts + all.wait.count];
  return { name: "give up", unit: "share", exact, expected: exact, sums };
}

/** Servers in use, time average. */
export function inUse(exact: number): Figure {
  return {
    name: "in use",
    unit: "servers",
    exact,
    expected: exact,
    sums: ({ active }) => [active, 1],
  };
}

/** The observation that a whole run is. */
export function observed({ all, kinds, servers_active }: RunResult): Observation {
  const one = (figures: RunResult["all"]): Tallied => ({
    wait: figures.wait,
    waited: Math.round(figures.wait_probability * figures.wait.count),
    refused: figures.refused,
    timeouts: figures.timeouts,
  });
  return {
    all: one(all),
    kinds: Object.fromEntries(Object.entries(kinds).map(([name, each]) => [name, one(each)])),
    active: servers_active,
  };
}

/**
 * Time until an empty start is forgotten: twelve relaxation times of a pool at this load, and some
 * services. `variability`: mean of the squared coefficients of variation of gaps and services.
 * Source of the relaxation time: G. Newell, Applications of Queueing Theory, 1982, chapter 5.
 */
export function settling(load: number, servers: number, service: number, variability = 1): number {
  const relaxation = (variability * service) / servers / (1 - Math.sqrt(load / servers)) ** 2;
  return 12 * relaxation + 20 * service;
}
