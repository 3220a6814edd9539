/**
 * `npm run mutants [-- WORD...]`: breaks the core on purpose, one rule at a time, and runs its tests on
 * every broken variant. A line each, then the sum; exit status 1 if a variant survives.
 */
import { type Copy, makeCopies } from "./copies.ts";
import { type Outcome, runCoreTests, runFirstCoreTests, stopCoreTests } from "./core-tests.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";

const HELP = `Usage: npm run mutants [-- WORD...]

Breaks the core on purpose, one rule at a time, and shows that its tests notice.
WORD chooses the variants whose name contains it: npm run mutants -- eviction "pool_size + 1"

Exit status: 0 all caught, 1 a variant survives or the tests fail anyway, 2 no such variant.
`;

/** Two at a time: more would only wait for each other on a small machine. */
const COPIES = 2;

process.exitCode = await main();

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(HELP);
    return 0;
  }
  const unknown = words.find((word) => !MUTANTS.some(({ name }) => name.includes(word)));
  if (unknown !== undefined) {
    process.stderr.write(`no variant is called "${unknown}"; there are:\n${allNames()}\n`);
    return 2;
  }
  const chosen = MUTANTS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  );
  return inCopies((copies) => judge(chosen, copies));
}

function allNames(): string {
  return MUTANTS.map(({ name }) => `  ${name}`).join("\n");
}

/** Nothing is left behind: not after an error, and not after Ctrl-C either. */
async function inCopies(work: (copies: Copy[]) => Promise<number>): Promise<number> {
  const { copies, remove } = makeCopies(COPIES);
  const interrupted = (): void => {
    stopCoreTests();
    remove();
    process.exit(130);
  };
  // `on`, not `once`: tsx passes on the signal that the terminal has sent too, and the second would kill.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupted);
  try {
    return await work(copies);
  } finally {
    stopCoreTests();
    remove();
  }
}

async function judge(mutants: readonly Mutant[], copies: readonly Copy[]): Promise<number> {
  const [first] = copies as [Copy];
  const untouched = await runFirstCoreTests(first.folder);
  if (untouched.kind !== "passed") {
    process.stderr.write(`the tests fail on the core as it is: ${described(untouched)}\n`);
    return 1;
  }
  const left = [...mutants];
  let caught = 0;
  const work = async (copy: Copy): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      const outcome = await copy.broken(mutant, () => runCoreTests(copy.folder));
      if (isCaught(outcome)) caught++;
      process.stdout.write(`${line(mutant, outcome)}\n`);
    }
  };
  await Promise.all(copies.map(work));
  const survived = mutants.length - caught;
  process.stdout.write(`${caught} caught, ${survived} survived\n`);
  return survived === 0 ? 0 : 1;
}

/** A variant for which no test could run at all is not caught: its replacement is wrong. */
function isCaught({ kind }: Outcome): boolean {
  return kind === "failed" || kind === "hung";
}

function line(mutant: Mutant, outcome: Outcome): string {
  return `${isCaught(outcome) ? "caught  " : "SURVIVED"} ${mutant.name} (${described(outcome)})`;
}

function described(outcome: Outcome): string {
  switch (outcome.kind) {
    case "failed":
      return `by test "${outcome.test}"`;
    case "hung":
      return "the tests never end";
    case "none":
      return `no test could run: ${outcome.why}`;
    case "passed":
      return "every test passes";
  }
}
