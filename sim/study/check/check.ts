/**
 * The static sense of one or several pgbouncer.ini, without a simulation: every rule of the tables held
 * against the files, the database servers they lead to, and what is known of the rest.
 */
import { loadConfig, type ReadFile } from "../../../engine/config/index.ts";
import { counted, nounFor } from "../words.ts";
import { type Budget, budgetsOf } from "./budget.ts";
import { type Instance, instanceOf } from "./instance.ts";
import { loginRulesOf, loginsOf } from "./login-files.ts";
import { type Hit, type Rule, SEVERITIES, type Severity } from "./rule.ts";
import { BUDGET_RULES } from "./rules-budget.ts";
import { EFFECT_RULES } from "./rules-effects.ts";
import { LOGIN_RULES } from "./rules-logins.ts";
import { POOL_RULES } from "./rules-pools.ts";
import { RISK_RULES } from "./rules-risks.ts";
import { TIMEOUT_RULES } from "./rules-timeouts.ts";
import { VERSION_RULES } from "./rules-versions.ts";
import type { Surroundings } from "./surroundings.ts";

/** Every rule there is, each id once. */
export const RULES: readonly Rule[] = [
  ...BUDGET_RULES,
  ...POOL_RULES,
  ...TIMEOUT_RULES,
  ...EFFECT_RULES,
  ...LOGIN_RULES,
  ...RISK_RULES,
  ...VERSION_RULES,
];

/** A broken rule. */
export interface Finding extends Hit {
  id: string;
  severity: Severity;
  source: string;
}

/** What was found. */
export interface Checked {
  /** Errors first, then by place. */
  findings: Finding[];
  budgets: Budget[];
  rules: number;
  /** What was assumed for want of knowledge. */
  notes: string[];
}

/**
 * Loads and checks the files; `copies` is how many processes run each of them. Errors: ConfigError for
 * a file that cannot be read or is not in order.
 */
export function checkFiles(
  files: readonly string[],
  copies: number,
  around: Surroundings,
  readFile?: ReadFile,
): Checked {
  const instances = files.map((file) => {
    const config = loadConfig(file, readFile);
    const files = {
      logins: loginsOf(config, readFile),
      loginRules: loginRulesOf(config, readFile),
    };
    return instanceOf(config, copies, files, around);
  });
  const budgets = budgetsOf(instances, around);
  const scene = { instances, budgets, around };
  const findings = RULES.flatMap((rule) =>
    together(rule.find(scene)).map((hit) => ({
      id: rule.id,
      severity: rule.severity,
      ...hit,
      source: rule.source,
    })),
  );
  return {
    findings: findings.sort(worstFirst),
    budgets,
    rules: RULES.length,
    notes: assumed(instances, budgets, around),
  };
}

/** One place is told once, however many pools it is about. */
function together(hits: readonly Hit[]): Hit[] {
  const byPlace = new Map<string, Hit[]>();
  for (const hit of hits) byPlace.set(hit.at, [...(byPlace.get(hit.at) ?? []), hit]);
  return [...byPlace.values()].map(([first, ...others]) => {
    const hit = first as Hit; // A list is made with its first element.
    const more = others.filter(({ what }) => what !== hit.what).length;
    return more === 0 ? hit : { ...hit, what: `${hit.what} (and ${more} more like it)` };
  });
}

function worstFirst(a: Finding, b: Finding): number {
  const rank = (finding: Finding): number => SEVERITIES.indexOf(finding.severity);
  return rank(a) - rank(b) || a.at.localeCompare(b.at, "en", { numeric: true });
}

function assumed(
  instances: readonly Instance[],
  budgets: readonly Budget[],
  around: Surroundings,
): string[] {
  const unknown = instances.filter((each) => !each.usersKnown).map(({ config }) => config.file);
  const templates = instances.filter(({ config }) => config.autodb !== undefined);
  const notes: string[] = [];
  if (unknown.length > 0)
    notes.push(
      `${unknown.join(", ")}: nobody says how many users log in, one is counted beside those with a name; --users N tells`,
    );
  if (templates.length > 0 && around.databases === undefined)
    notes.push("the * entry is counted as one database; --databases N tells how many it serves");
  notes.push(...processes(instances));
  if (around.max_connections === undefined)
    notes.push(
      "max_connections of the database is not known: give --max-connections, --preset or --dsn",
    );
  else if (budgets.length > 1)
    notes.push(`max_connections is taken to be the same for all ${budgets.length} servers`);
  return notes;
}

/** A file does not say how many processes run it, but may say that there are several. */
function processes(instances: readonly Instance[]): string[] {
  const copies = instances.reduce((sum, each) => sum + each.copies, 0);
  const named = Math.max(...instances.map(({ config }) => config.peers.length));
  const are = `${counted(copies, "process", "processes")} ${nounFor(copies, "is", "are")}`;
  if (named > copies)
    return [
      `[peers] names ${counted(named, "process", "processes")}, ${are} counted; --instances N, or all files, tell`,
    ];
  const shared = instances.find(({ config }) => config.values.so_reuseport);
  if (shared === undefined || copies > 1) return [];
  return [
    `${shared.config.file}: so_reuseport is for several processes, ${are} counted; --instances N tells`,
  ];
}
