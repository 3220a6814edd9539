/**
 * A change of settings, judged before it is made: the same workload under the old and the new
 * pgbouncer.ini on the same draws, so that a paired difference is due to the settings and nothing else.
 */
import { type Change, changesBetween, loadConfig } from "../../engine/config/index.ts";
import { loadWorkload, type Overrides } from "../../workloads/schema/load.ts";
import type { Workload } from "../../workloads/schema/workload.ts";
import { difference } from "./compare.ts";
import { type Naming, notesOfAll } from "./notes.ts";
import type { Difference, Run, SloOutcome } from "./results/index.ts";
import { type Study, type StudyOptions, studies } from "./run.ts";
import { starves, turnsAway } from "./slo.ts";

/** Two configurations of one workload. */
export interface Pair {
  /** Names of the two files, as typed. */
  from: string;
  to: string;
  old: Workload;
  fresh: Workload;
  changes: Change[];
}

/** What holds under both names none. */
const BY_FILE: Naming<string> = {
  before: (files) => (files.length === 1 ? `${files[0]}: ` : ""),
  within: (files) => (files.length === 1 ? ` under ${files[0]}` : ""),
};

/** What the change does. */
export interface Diff {
  /** Old, new. */
  runs: Run[];
  differences: Difference[];
  changes: Change[];
  /** The objective with the new settings; undefined when there is none. */
  slo?: SloOutcome;
  /** Unsure: there is no objective to break. */
  verdict: "pass" | "fail" | "unsure";
  notes: string[];
}

/**
 * Loads a workload twice, with the settings of either file in place of its own. Errors: ConfigError for
 * anything that is not in order in the three files.
 */
export function loadPair(
  [from, to]: readonly [from: string, to: string],
  workload: string,
  overrides: Overrides = {},
): Pair {
  const [old, fresh] = [from, to].map((ini) => loadWorkload(workload, { ...overrides, ini })) as [
    Workload,
    Workload,
  ];
  const changes = changesBetween(loadConfig(from), loadConfig(to)).map((change) => ({
    ...change,
    scheduler: change.scheduler || isPlayed(change, fresh),
  }));
  return { from, to, old, fresh, changes };
}

/** Simulates both. Errors: as `studies`. */
export async function diffConfigs(pair: Pair, options: StudyOptions = {}): Promise<Diff> {
  const { from, to, old, fresh, changes } = pair;
  const [a, b] = (await studies([old, fresh], options)) as [Study, Study];
  const notes = notesOfAll([from, to], [a, b], BY_FILE);
  const { slo } = b.run;
  return {
    runs: [a.run, b.run],
    differences: [difference(from, to, a, b)],
    changes,
    ...(slo === undefined ? {} : { slo }),
    verdict: verdictOf(a.run, b.run),
    notes: [...unseen(changes), ...notes],
  };
}

/**
 * Clients that are turned away or never served miss any objective; without one, those whom the old settings
 * served and the new ones do not are worse off than if they had waited.
 */
export function verdictOf(old: Run, fresh: Run): Diff["verdict"] {
  if (fresh.slo?.met === false || turnsAway(old, fresh) || starves(old, fresh)) return "fail";
  return fresh.slo === undefined ? "unsure" : "pass";
}

/** What the model obeys although no scheduler does, where the workload has a use for it. */
function isPlayed({ section, name }: Change, { clients, pooler }: Workload): boolean {
  if (section === "peers") return (pooler?.processes ?? 1) > 1;
  return name === "max_prepared_statements" && clients.some((kind) => kind.prepared !== undefined);
}

function unseen(changes: readonly Change[]): string[] {
  const names = changes.filter((change) => !change.scheduler).map((change) => change.name);
  if (names.length === 0) return [];
  return [`not simulated, for nothing that is simulated obeys them: ${names.join(", ")}`];
}
