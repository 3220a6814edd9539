/** `poolwise check`: the static sense of one or several pgbouncer.ini. */
import { basename } from "node:path";
import { Command } from "commander";
import { ConfigError, didYouMean } from "../../engine/config/index.ts";
import { databaseLimits } from "../../workloads/database/limits.ts";
import { duration, EXPECTED } from "../../workloads/schema/units.ts";
import { checkText } from "../report/check.ts";
import { type Checked, checkFiles, RULES } from "../study/check/check.ts";
import {
  DATABASE_TIMEOUTS,
  NOTHING_KNOWN,
  PRESETS,
  type Surroundings,
} from "../study/check/surroundings.ts";
import type { Result } from "../study/results/index.ts";
import { STATUS, UsageError } from "./failure.ts";
import { gather, natural } from "./options.ts";
import { note, print, printText } from "./output.ts";
import { version } from "./version.ts";

const EXAMPLES = `
Several files are several poolers in front of the same database. Nothing is simulated: for waits, use
poolwise simulate or diff. What is not said (limits of the database, timeouts of the application) is not
judged. Exit status 1 when there is an error, with --strict also when there is a warning.

Examples:
  poolwise check /etc/pgbouncer/pgbouncer.ini --max-connections 200
  poolwise check pgbouncer.ini --instances 4 --preset postgresql --app-timeout 5s
  poolwise check a.ini b.ini --dsn postgresql://postgres@db/postgres --strict
  poolwise check pgbouncer.ini --database-set statement_timeout=30s --json`;

interface CheckOptions {
  instances?: string;
  maxConnections?: string;
  reserved?: string;
  preset?: string;
  dsn?: string;
  databaseSet: string[];
  users?: string;
  databases?: string;
  appTimeout?: string;
  appConnections?: string;
  openFiles?: string;
  strict?: boolean;
  json?: boolean;
  quiet?: boolean;
  rules?: boolean;
  presets?: boolean;
}

/** The command; `finish` is told the exit status. */
export function checkCommand(finish: (status: number) => void): Command {
  return new Command("check")
    .description("Do the settings of a pgbouncer.ini make sense together, and with their database?")
    .argument("[ini...]", "files of PgBouncer, one for each pooler")
    .option("--instances <number>", "processes that run each file (default: 1)")
    .option("--max-connections <number>", "of the database server")
    .option("--reserved <number>", "connections it keeps for superusers (default: 3)")
    .option("--preset <name>", "limits of a hosted offer, such as neon-1cu")
    .option("--dsn <dsn>", "ask this database for its limits and timeouts")
    .option("--database-set <name=time>", `${DATABASE_TIMEOUTS.join(", ")}; repeatable`, gather, [])
    .option("--users <number>", "users that log in (default: those of auth_file and [users])")
    .option("--databases <number>", "databases behind the * entry (default: 1)")
    .option("--app-timeout <time>", "after which the application gives up, such as 5s")
    .option("--app-connections <number>", "that all of the application opens to the poolers")
    .option("--open-files <number>", "ulimit -n of a pooler")
    .option("--strict", "a warning is as bad as an error")
    .option("--rules", "list the rules, with their sources, instead")
    .option("--presets", "list the presets, with their sources, instead")
    .option("--json", "print one JSON object")
    .option("--quiet", "no notes, no table of servers")
    .addHelpText("after", EXAMPLES)
    .action(async (files: string[], options: CheckOptions) => finish(await run(files, options)));
}

async function run(files: readonly string[], options: CheckOptions): Promise<number> {
  if (options.rules || options.presets) {
    checkAlone(options);
    await printText(options.rules ? rules() : presets());
    return STATUS.done;
  }
  if (files.length === 0) throw new UsageError("missing required argument 'ini'");
  const copies = natural("--instances", options.instances) ?? 1;
  const around = await surroundingsOf(options);
  const checked = checkFiles(files, copies, around);
  const bad = options.strict ? ["error", "warning"] : ["error"];
  const failed = checked.findings.some(({ severity }) => bad.includes(severity));
  const result = resultOf(files, checked, failed);
  if (!options.quiet) for (const text of checked.notes) note(`note: ${text}`);
  if (options.json) await print(JSON.stringify(result));
  else await printText(checkText(result, options.quiet === true));
  return failed ? STATUS.notMet : STATUS.done;
}

/** Errors: UsageError for what a list cannot be besides. */
function checkAlone({ rules, presets, json }: CheckOptions): void {
  if (rules && presets) throw new UsageError("--rules and --presets: one of the two");
  if (json)
    throw new UsageError(
      `--json has no effect with ${rules ? "--rules" : "--presets"}: leave it out`,
    );
}

function resultOf(files: readonly string[], checked: Checked, failed: boolean): Result {
  const { budgets, findings, notes, rules } = checked;
  const servers = budgets.map(({ server, pools, connections, available = null }) => ({
    ...{ server, pools, connections, available },
  }));
  return {
    poolwise: version(),
    command: "check",
    workload: files.map((file) => basename(file)).join(", "),
    seed: 0,
    runs: [],
    check: { findings, servers, rules },
    verdict: failed ? "fail" : "pass",
    ...(notes.length > 0 ? { notes } : {}),
  };
}

/** What the options say; a later source overrules: preset, database, single options. */
async function surroundingsOf(options: CheckOptions): Promise<Surroundings> {
  const preset = options.preset === undefined ? {} : presetOf(options.preset);
  const said = Object.entries({
    max_connections: natural("--max-connections", options.maxConnections),
    reserved: natural("--reserved", options.reserved, 0),
    users: natural("--users", options.users),
    databases: natural("--databases", options.databases),
    app_timeout: timeOf("--app-timeout", options.appTimeout),
    app_connections: natural("--app-connections", options.appConnections),
    open_files: natural("--open-files", options.openFiles),
  }).filter(([, value]) => value !== undefined);
  const timeouts = Object.fromEntries(options.databaseSet.map(databaseTimeout));
  const asked = options.dsn === undefined ? undefined : await databaseLimits(options.dsn);
  return {
    ...NOTHING_KNOWN,
    ...preset,
    ...asked,
    ...Object.fromEntries(said),
    timeouts: { ...asked?.timeouts, ...timeouts },
  };
}

function presetOf(name: string): Partial<Surroundings> {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return preset.limits;
  const names = Object.keys(PRESETS);
  const expected = names.join(" | ");
  throw new ConfigError({
    ...{ at: "--preset", name: "preset", got: name, expected, fix: didYouMean(name, names) },
  });
}

function databaseTimeout(text: string): [name: string, nanos: number] {
  const at = "--database-set";
  const [, name = "", value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const known: readonly string[] = DATABASE_TIMEOUTS;
  if (known.includes(name)) return [name, timeOf(at, value) ?? 0];
  const expected = `NAME=TIME with ${known.join(" | ")}`;
  throw new ConfigError({ at, name: "timeout", got: text, expected, fix: didYouMean(name, known) });
}

function timeOf(at: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const nanos = duration(text);
  if (nanos !== undefined) return nanos;
  throw new ConfigError({ at, name: "time", got: text, expected: EXPECTED.duration });
}

function rules(): string {
  return RULES.map(
    ({ id, severity, doc, source }) => `${id} (${severity}): ${doc}\n    ${source}`,
  ).join("\n");
}

function presets(): string {
  return Object.entries(PRESETS)
    .map(([name, { doc, source, date }]) => `${name}: ${doc}\n    ${source}; ${date}`)
    .join("\n");
}
