/**
 * `npm run proof [-- OPTIONS] [WORKLOAD...]`: shipped workloads are played for real and held against their
 * predictions, one after the other, through our pooler and through PgBouncer. Prints a line for each
 * configuration, also of one that could not be played; exit status 1 if a prediction does not hold.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Result } from "../../sim/study/results/index.ts";
import { CASES, type Case } from "./cases.ts";
import { COLUMNS, reasonOf, rowOf, summary, type Tally, unplayedRow } from "./rows.ts";

const HELP = `Usage: npm run proof [-- OPTIONS] [WORKLOAD...]

Validates shipped workloads where they are 60 to 100 % busy: five live runs of each configuration, through our
pooler and, for some, through PgBouncer. It takes most of an hour and wants the machine for itself.
WORKLOAD is one of: NAMES; unless given, all

  --duration TIME      of a live run (default: 20 s)
  --repeats N          live runs of each configuration (default: 5)
  --pgbouncer PROGRAM  default: /usr/sbin/pgbouncer, and only our pooler where that is missing
  --only POOLER        poolwise or pgbouncer

Exit status: 0 all hold, 1 some do not, 2 bad usage, 3 an outside part failed, 130 interrupted.
`;

const ROOT = resolve(import.meta.dirname, "../..");
const PROGRAM = join(ROOT, "dist/sim/cli/main.js");
interface Options {
  duration: string;
  repeats: string;
  pgbouncer: string;
  only?: string;
}

/** As a shell has it for SIGINT. */
const INTERRUPTED = 130;
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => stop.abort());

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
  const tally: Tally = { holds: 0, fails: 0, unplayed: 0 };
  let worst = 0;
  say(COLUMNS);
  for (const each of cases) {
    if (stop.signal.aborted) break;
    if (only !== "pgbouncer") worst = Math.max(worst, await validate(tally, each, options));
    if (only === "poolwise" || !each.pgbouncer || stop.signal.aborted) continue;
    if (existsSync(pgbouncer))
      worst = Math.max(worst, await validate(tally, each, options, pgbouncer));
    else {
      tally.unplayed++;
      say(unplayedRow("pgbouncer", each, `there is no ${pgbouncer}`));
    }
  }
  say(summary(tally));
  return stop.signal.aborted ? INTERRUPTED : worst;
}

async function validate(
  tally: Tally,
  played: Case,
  { duration, repeats }: Options,
  pgbouncer?: string,
): Promise<number> {
  const { workload, mode, sizes, set } = played;
  const pooler = pgbouncer === undefined ? "poolwise" : "pgbouncer";
  const words = [
    ...["validate", join(ROOT, `workloads/${workload}.yaml`), "--json", "--quiet"],
    ...(mode === undefined ? [] : ["--pool-mode", mode]),
    ...(sizes === undefined ? [] : ["--pool-size", sizes.join(",")]),
    ...["--duration", duration, "--repeats", repeats],
    ...(set === undefined ? [] : ["--set", set]),
    ...(pgbouncer === undefined ? [] : ["--pgbouncer", pgbouncer]),
  ];
  const { status, output, said } = await run(words);
  if (stop.signal.aborted) return status;
  if (status > 1) {
    tally.unplayed++;
    say(unplayedRow(pooler, played, reasonOf(said, status)));
    return status;
  }
  const result = JSON.parse(output) as Result;
  for (const each of result.validations ?? []) {
    tally[each.verdict === "pass" ? "holds" : "fails"]++;
    say(rowOf(pooler, workload, each));
  }
  const again = result.measured_again ?? [];
  if (again.length > 0)
    say(`           ${again.length} of these runs were measured again: the machine stood still`);
  return status;
}

/** What a command left behind; what it says besides is passed on. */
interface Ended {
  status: number;
  output: string;
  said: string;
}

/** Ends when it has ended, also when we are told to. */
function run(words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [PROGRAM, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    signal: stop.signal,
  });
  child.on("error", () => undefined); // It is told to end; `close` says when it has.
  let [output, said] = ["", ""];
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => {
    said += chunk;
    process.stderr.write(chunk);
  });
  return new Promise((done) =>
    child.on("close", (code) => done({ status: code ?? INTERRUPTED, output, said })),
  );
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
