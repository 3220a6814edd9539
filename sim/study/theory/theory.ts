/**
 * Simulated beside exact: the whole model, with the pooler's scheduler in the middle, on queueing systems
 * whose answers are known. Each figure is judged by its distance in standard errors, and all of them
 * together by whether those look like chance.
 */
import { Histogram } from "../../kernel/histogram.ts";
import type { Theory, TheoryRow, TheorySpread } from "../results/index.ts";
import { normality, standardErrors } from "./judge.ts";
import { observe } from "./observe.ts";
import type { Figure, Observation, System } from "./system.ts";
import { closedSystems } from "./systems-closed.ts";
import { generalSystems } from "./systems-general.ts";
import { openSystems } from "./systems-open.ts";
import { MS } from "./textbook.ts";

export interface TheoryOptions {
  seed?: number | undefined;
  /** A fifth of the transactions, and only systems that settle soon. */
  quick?: boolean | undefined;
  /** Only this family; all of them when left out. */
  family?: string | undefined;
  /** Other systems than those of the table. */
  systems?: readonly (() => System)[] | undefined;
  /** Ends the table after the system at hand. */
  signal?: AbortSignal | undefined;
  onProgress?: ((share: number, text: string) => void) | undefined;
}

/** Farthest that a figure may be off, in standard errors. */
export const LIMIT = 3;
/** Least probability of a spread that passes for chance. */
const LEAST_CHANCE = 0.001;
/** Fewest systems whose spread says anything. */
const LEAST_SYSTEMS = 12;
const TRANSACTIONS = 15_000;
/** A second look is so many times as long. */
const LONGER = 4;

/** Systems that take more transactions to settle are left out of the quick table. */
const QUICK = 2_000;

/** Every system, made when it is asked for. */
export const SYSTEMS: readonly (() => System)[] = [
  ...openSystems,
  ...generalSystems,
  ...closedSystems,
];

/** Names of the families, in the order of the table. */
export function familyNames(): string[] {
  return [...new Set(SYSTEMS.map((make) => make().family))];
}

/**
 * The table. A figure beyond 3 standard errors is looked at again, under other seeds and four times as
 * long, and fails if it is there beyond them once more: among 200 figures one is beyond them once in two
 * tables by chance, and twice in a thousand.
 */
export async function theory(options: TheoryOptions = {}): Promise<Theory> {
  const { seed = 1, quick = false, family, systems: makers = SYSTEMS } = options;
  const rows: TheoryRow[] = [];
  let [systems, transactions] = [0, 0];
  for (const [place, make] of makers.entries()) {
    if (options.signal?.aborted) break;
    const system = make();
    if (family !== undefined && system.family !== family) continue;
    options.onProgress?.(place / makers.length, system.name);
    if (quick && system.settle * system.rate > QUICK) continue;
    const effort = { seed, place, transactions: quick ? TRANSACTIONS / 5 : TRANSACTIONS, look: 0 };
    const seen = observe(system, effort);
    const again = { ...effort, look: 1, transactions: LONGER * effort.transactions };
    rows.push(...judged(system, seen, () => observe(system, again)));
    systems++;
    transactions += seen.reduce((sum, { all }) => sum + all.wait.count, 0);
    await breathe();
  }
  const spread = spreadOf(rows);
  const families = new Set(rows.map((row) => row.family)).size;
  const looked = rows.length > 0;
  const met = looked && rows.every((row) => row.met) && spread.every((each) => each.met);
  return { systems, families, transactions, rows, spread, met };
}

function judged(
  system: System,
  seen: readonly Observation[],
  lookAgain: () => readonly Observation[],
): TheoryRow[] {
  let second: readonly Observation[] | undefined;
  return system.figures.map((figure) => {
    const z = distance(figure, seen);
    const row = {
      family: system.family,
      system: system.name,
      figure: figure.name,
      unit: figure.unit,
      exact: figure.exact,
      simulated: simulated(figure, seen),
      z,
    };
    if (Math.abs(z) <= LIMIT) return { ...row, met: true };
    second ??= lookAgain();
    const again = distance(figure, second);
    return { ...row, again, met: Math.abs(again) <= LIMIT };
  });
}

function distance({ sums, expected }: Figure, seen: readonly Observation[]): number {
  return standardErrors(seen.map(sums), expected);
}

/** The figure of all observations together. */
function simulated({ sums, quantile }: Figure, seen: readonly Observation[]): number {
  if (quantile !== undefined) {
    const all = new Histogram();
    for (const each of seen) all.merge(quantile.of(each));
    return all.quantile(quantile.p) / MS;
  }
  const [sum, count] = seen.map(sums).reduce(([a, b], [x, y]) => [a + x, b + y]);
  return sum / count;
}

/** Figures of one system depend on each other, so each name has a test of its own. */
function spreadOf(rows: readonly TheoryRow[]): TheorySpread[] {
  const byName = new Map<string, number[]>();
  for (const { figure, z } of rows) byName.set(figure, [...(byName.get(figure) ?? []), z]);
  return [...byName]
    .filter(([, values]) => values.length >= LEAST_SYSTEMS)
    .map(([figure, values]) => {
      const found = normality(values);
      return { figure, ...found, met: found.chance >= LEAST_CHANCE };
    });
}

/** Lets signals and timers in: a system holds the thread. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
