/** What a rule is, and what it is given to judge. */
import type { Budget } from "./budget.ts";
import type { Instance, Pool } from "./instance.ts";
import type { Surroundings } from "./surroundings.ts";

/** From worst to least: it will fail; it is hardly what is meant; worth knowing. */
export const SEVERITIES = ["error", "warning", "note"] as const;
export type Severity = (typeof SEVERITIES)[number];

/** One place where a rule is broken. Texts are without a full stop. */
export interface Hit {
  /** `file:line`; the file where a default is at fault. */
  at: string;
  what: string;
  /** With the numbers. */
  why: string;
  fix: string;
}

/** What is judged: the files, the servers they lead to, and what is around them. */
export interface Scene {
  instances: readonly Instance[];
  budgets: readonly Budget[];
  around: Surroundings;
}

/** One row of the tables of rules. */
export interface Rule {
  /** Stable: scripts filter by it. */
  id: string;
  severity: Severity;
  /** One sentence for the documentation. */
  doc: string;
  /** Where the fact behind it is from. */
  source: string;
  find(scene: Scene): Hit[];
}

type Answer = Hit | readonly Hit[] | undefined;

/** A rule about each file. */
export function perInstance(judge: (instance: Instance, around: Surroundings) => Answer) {
  return ({ instances, around }: Scene): Hit[] =>
    instances.flatMap((instance) => listed(judge(instance, around)));
}

/** A rule about each pool. */
export function perPool(judge: (pool: Pool, instance: Instance, around: Surroundings) => Answer) {
  return perInstance((instance, around) =>
    instance.pools.flatMap((pool) => listed(judge(pool, instance, around))),
  );
}

function listed(answer: Answer): readonly Hit[] {
  if (answer === undefined) return [];
  return "what" in answer ? [answer] : answer;
}

/** The page of PgBouncer's documentation for a setting. */
export function pageOf(setting: string): string {
  return `https://www.pgbouncer.org/config.html#${setting}`;
}

/** Nanoseconds as the seconds of an ini. */
export function seconds(nanos: number): string {
  return `${Number((nanos / 1e9).toFixed(3))} s`;
}
