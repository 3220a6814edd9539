/**
 * `npm run proof [-- OPTIONS] [WORKLOAD...]`: shipped workloads are played for real and held against their
 * predictions, one after the other, through our pooler and through PgBouncer. Prints a line for each
 * configuration; exit status 1 if a prediction does not hold.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Result, Validated } from "../../sim/study/results/index.ts";
import { CASES, type Case } from "./cases.ts";

const HELP = `Usage: npm run proof [-- OPTIONS] [WORKLOAD...]

Validates shipped workloads where they are 60 to 100 % busy: five live runs of each configuration, through our
pooler and, for some, through PgBouncer. It takes most of an hour and wants the machine for itself.
WORKLOAD is one of: NAMES; unless given, all

  --duration TIME      of a live run (default: 20 s)
  --repeats N          live runs of each configuration (default: 5)
  --pgbouncer PROGRAM  default: /usr/sbin/pgbouncer, and only our pooler where that is missing
  --only POOLER        poolwise or pgbouncer

Exit status: 0 all hold, 1 some do not, 2 bad usage, 3 an outside part failed.
`;

const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "dist/sim/cli/main.js");
const COLUMNS =
  "pooler     configuration                         utilisation  mean wait: predicted      live  p95      p99     throughput  verdict";

interface Options {
  duration: string;
  repeats: string;
  pgbouncer: string;
  only?: string;
}

process.exitCode = await main(process.argv.slice(2));

async function main(words: string[]): Promise<number> {
  const known = [...new Set(CASES.map(({ workload }) => workload))];
  try {
    const { values, positionals } = parsed(words);
    if (values.help) {
      say(HELP.trimEnd().replace("NAMES", known.join(", ")));
      return 0;
    }
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`"${unknown}" is none of ${known.join(", ")}`);
    const chosen = CASES.filter(
      ({ workload }) => positionals.length === 0 || positionals.includes(workload),
    );
    return await prove(chosen, values);
  } catch (error) {
    process.stderr.write(`proof: ${(error as Error).message}\n`);
    return 2;
  }
}

function parsed(args: string[]) {
  const text = { type: "string" } as const;
  const options = {
    duration: { ...text, default: "20 s" },
    repeats: { ...text, default: "5" },
    pgbouncer: { ...text, default: "/usr/sbin/pgbouncer" },
    only: text,
    help: { type: "boolean", short: "h" },
  } as const;
  return parseArgs({ args, allowPositionals: true, options });
}

/** Plays the cases on both poolers. Returns the exit status. */
async function prove(cases: readonly Case[], options: Options): Promise<number> {
  const { only, pgbouncer } = options;
  let worst = 0;
  say(COLUMNS);
  for (const each of cases) {
    if (only !== "pgbouncer") worst = Math.max(worst, await validate(each, options));
    if (only === "poolwise" || !each.pgbouncer) continue;
    if (existsSync(pgbouncer)) worst = Math.max(worst, await validate(each, options, pgbouncer));
    else say(`pgbouncer  ${each.workload}: skipped, there is no ${pgbouncer}`);
  }
  return worst;
}

async function validate(
  { workload, mode, sizes, set }: Case,
  { duration, repeats }: Options,
  pgbouncer?: string,
): Promise<number> {
  const words = [
    ...["validate", join(ROOT, `workloads/${workload}.yaml`), "--json", "--quiet"],
    ...(mode === undefined ? [] : ["--pool-mode", mode]),
    ...(sizes === undefined ? [] : ["--pool-size", sizes.join(",")]),
    ...["--duration", duration, "--repeats", repeats],
    ...(set === undefined ? [] : ["--set", set]),
    ...(pgbouncer === undefined ? [] : ["--pgbouncer", pgbouncer]),
  ];
  const { status, output } = await run(words);
  if (status > 1) return status;
  const result = JSON.parse(output) as Result;
  for (const each of result.validations ?? [])
    say(rowOf(pgbouncer === undefined ? "poolwise" : "pgbouncer", workload, each));
  const again = result.measured_again ?? [];
  if (again.length > 0)
    say(`           ${again.length} of these runs were measured again: the machine stood still`);
  return status;
}

function rowOf(pooler: string, workload: string, validated: Validated): string {
  const { pool_mode, pool_size, predicted, live, error, verdict, failed } = validated;
  const off = (figure: string): string =>
    error[figure] === null || error[figure] === undefined
      ? "-"
      : `${(100 * (error[figure] as number)).toFixed(1)} %`;
  const number = (figures: Validated["live"], figure: string, digits: number): string =>
    (figures[figure] ?? Number.NaN).toFixed(digits);
  return [
    pooler.padEnd(10),
    `${workload} ${pool_mode} ${pool_size}`.padEnd(38),
    number(live, "utilization", 2).padStart(10),
    `${number(predicted, "wait_ms.mean", 2)} ms`.padStart(22),
    `${number(live, "wait_ms.mean", 2)} ms`.padStart(10),
    off("wait_ms.p95").padStart(8),
    off("wait_ms.p99").padStart(8),
    off("throughput_tps").padStart(8),
    verdict === "pass" ? "  holds" : `  FAILS: ${failed.join(", ")}`,
  ].join(" ");
}

function run(words: readonly string[]): Promise<{ status: number; output: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  return new Promise((done) => child.on("close", (code) => done({ status: code ?? 130, output })));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
