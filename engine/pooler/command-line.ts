/**
 * PgBouncer's command line, exactly: its options, its texts, its exit statuses. The bin `poolwise-pgbouncer`
 * takes these and nothing else, so that it can stand where scripts expect the program `pgbouncer`.
 * Source: PgBouncer 1.25.2 src/main.c.
 */
import { startInBackground } from "./daemon.ts";
import { type PoolerFlags, runPooler } from "./run.ts";
import { type LongOption, readOptions } from "./system/getopt.ts";
import { VERSION } from "./system/names.ts";

/** What a command line asks for. */
export type Invocation =
  | { kind: "run"; ini: string; daemon: boolean; flags: PoolerFlags }
  | { kind: "version" }
  | { kind: "help" }
  | { kind: "error"; text: string };

const OPTIONS: readonly LongOption[] = [
  { name: "quiet", letter: "q", valued: false },
  { name: "verbose", letter: "v", valued: false },
  { name: "help", letter: "h", valued: false },
  { name: "daemon", letter: "d", valued: false },
  { name: "version", letter: "V", valued: false },
  { name: "reboot", letter: "R", valued: false },
  { name: "user", letter: "u", valued: true },
];

/** Reads the arguments behind the program's name: -V, -h and an error hold where they stand. Never throws. */
export function parseArguments(args: readonly string[]): Invocation {
  const words: string[] = [];
  const letters: string[] = [];
  let user: string | undefined;
  for (const found of readOptions(args, OPTIONS)) {
    if (found.kind === "error") return found;
    if (found.kind === "word") words.push(found.text);
    else if (found.letter === "V") return { kind: "version" };
    else if (found.letter === "h") return { kind: "help" };
    else letters.push(found.letter);
    if (found.kind === "option" && found.letter === "u") user = found.value;
  }
  const [ini] = words;
  if (ini === undefined || words.length > 1)
    return { kind: "error", text: "no configuration file specified" };
  const has = (letter: string): true | undefined => letters.includes(letter) || undefined;
  const verbose = letters.filter((letter) => letter === "v").length || undefined;
  const flags = { quiet: has("q"), reboot: has("R"), user, verbose };
  return { kind: "run", ini, daemon: has("d") ?? false, flags };
}

/** What -V prints; its first line is that of SHOW VERSION. */
export const versionText = (): string => `${VERSION}\npoolwise, Node.js ${process.version}\n`;

const helpText = (program: string): string => `${program} is a connection pooler for PostgreSQL.

Usage:
  ${program} [OPTION]... CONFIG_FILE

Options:
  -d, --daemon         run in background (as a daemon)
  -q, --quiet          run quietly
  -R, --reboot         do an online reboot
  -u, --user=USERNAME  assume identity of USERNAME
  -v, --verbose        increase verbosity
  -V, --version        show version, then exit
  -h, --help           show this help, then exit
`;

/** Obeys a command line. Returns the exit status: 0, or 1 for whatever went wrong, as PgBouncer's. */
export async function runCommandLine(program: string, args: readonly string[]): Promise<number> {
  const asked = parseArguments(args);
  switch (asked.kind) {
    case "version":
      process.stdout.write(versionText());
      return 0;
    case "help":
      process.stdout.write(helpText(program));
      return 0;
    case "error":
      process.stderr.write(
        `${program}: ${asked.text}\nTry "${program} --help" for more information.\n`,
      );
      return 1;
    case "run": {
      const run = asked.daemon ? startInBackground : runPooler;
      return (await run(asked.ini, asked.flags)) === 0 ? 0 : 1;
    }
  }
}
