/** `poolwise theory`: the model against exact queueing theory, and its intervals against the truth. */
import { Command } from "commander";
import { ConfigError, didYouMean } from "../../engine/config/index.ts";
import { coverageText, theoryText } from "../report/theory.ts";
import type { Result } from "../study/results/index.ts";
import { coverage } from "../study/theory/coverage.ts";
import { familyNames, theory } from "../study/theory/theory.ts";
import { STATUS, UsageError } from "./failure.ts";
import { interruptible } from "./interrupt.ts";
import { natural } from "./options.ts";
import { note, print, printText } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";
import { version } from "./version.ts";

const EXAMPLES = `
Every system runs through the whole model, with the pooler's own scheduler in the middle. A figure that is
more than 3 standard errors off is looked at again, four times as long under other seeds. Exit status 1
when it is off again, or when the errors of all systems together do not look like chance.

Examples:
  poolwise theory
  poolwise theory --family M/M/c//N --seed 7
  poolwise theory --coverage --json`;

interface TheoryCommandOptions {
  seed: string;
  family?: string;
  quick?: boolean;
  coverage?: boolean;
  studies?: string;
  json?: boolean;
  quiet?: boolean;
}

const STUDIES = "400";

/** The command; `finish` is told the exit status. */
export function theoryCommand(finish: (status: number) => void): Command {
  return new Command("theory")
    .description("The simulator beside exact queueing theory, each error in standard errors")
    .option("--seed <number>", "random seed; same seed, same answer", "1")
    .option("--family <name>", "only the systems of one family, such as M/M/c")
    .option("--quick", "a fifth of the data, and only systems that settle soon")
    .option("--coverage", "instead: how often 95 % intervals hold the truth; takes minutes")
    .option("--studies <number>", `with --coverage: studies of each system (default: ${STUDIES})`)
    .option("--json", "print one JSON object")
    .option("--quiet", "no progress, no notes")
    .addHelpText("after", EXAMPLES)
    .action(async (options: TheoryCommandOptions) => finish(await run(options)));
}

async function run(options: TheoryCommandOptions): Promise<number> {
  const seed = natural("--seed", options.seed, 0);
  checkTogether(options);
  const studies = natural("--studies", options.studies ?? STUDIES);
  const family = options.family === undefined ? undefined : knownFamily(options.family);
  const { signal, release } = interruptible("stops after what is under way");
  const progress = startProgress(options.quiet === true);
  let own: Partial<Result>;
  try {
    own = options.coverage
      ? await covered({ seed, studies, signal, ...told(progress) })
      : await compared({ seed, family, quick: options.quick, signal, ...told(progress) });
  } finally {
    progress.stop();
    release();
  }
  const head = { poolwise: version(), command: "theory", workload: "textbook", seed };
  const result: Result = {
    ...head,
    ...(signal.aborted ? { interrupted: true } : {}),
    runs: [],
    ...own,
  };
  await (options.json ? print(JSON.stringify(result)) : printText(textOf(result)));
  if (signal.aborted) {
    if (!options.quiet) note("note: interrupted; the table is not complete");
    return STATUS.interrupted;
  }
  return result.verdict === "pass" ? STATUS.done : STATUS.notMet;
}

/** Errors: UsageError for an option of the other half of the command. */
function checkTogether({ coverage, studies, family, quick }: TheoryCommandOptions): void {
  if (!coverage && studies !== undefined)
    throw new UsageError("--studies is of --coverage; give it --coverage");
  const odd = family !== undefined ? "--family" : "--quick";
  if (coverage && (family !== undefined || quick))
    throw new UsageError(`${odd} has no effect with --coverage: leave one of the two out`);
}

const told = (progress: Progress) => ({
  onProgress: (share: number, text: string): void => progress.update(share, text),
});

async function compared(options: Parameters<typeof theory>[0]): Promise<Partial<Result>> {
  const found = await theory(options);
  return { theory: found, verdict: found.met ? "pass" : "fail" };
}

async function covered(options: Parameters<typeof coverage>[0]): Promise<Partial<Result>> {
  const found = await coverage(options);
  return { coverage: found, verdict: found.every((each) => each.met) ? "pass" : "fail" };
}

function textOf(result: Result): string {
  const { theory, coverage = [], seed } = result;
  return theory ? theoryText(theory, seed) : coverageText(coverage, seed);
}

/** Errors: ConfigError for a family that is not there. */
function knownFamily(name: string): string {
  const names = familyNames();
  const found = names.find((each) => each.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  throw new ConfigError({
    at: "--family",
    name: "family",
    got: name,
    expected: names.join(" | "),
    fix: didYouMean(name, names),
  });
}
