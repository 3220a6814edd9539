/**
 * PgBouncer's command line, exactly: its options, its texts, its exit statuses. The bin `poolwise-pgbouncer`
 * takes these and nothing else, so that it can stand where scripts expect the program `pgbouncer`.
 * Source: PgBouncer 1.25.2 src/main.c.
 */
import { parseArgs } from "node:util";
import { startInBackground } from "./daemon.ts";
import { VERSION } from "./names.ts";
import { type PoolerFlags, runPooler } from "./run.ts";

/** What a command line asks for. */
export type Invocation =
  | { kind: "run"; ini: string; daemon: boolean; flags: PoolerFlags }
  | { kind: "version" }
  | { kind: "help" }
  | { kind: "error"; text: string };

const OPTIONS = {
  daemon: { type: "boolean", short: "d" },
  quiet: { type: "boolean", short: "q" },
  reboot: { type: "boolean", short: "R" },
  user: { type: "string", short: "u" },
  verbose: { type: "boolean", short: "v", multiple: true },
  version: { type: "boolean", short: "V" },
  help: { type: "boolean", short: "h" },
} as const;

/** Reads the arguments behind the program's name. Never throws. */
export function parseArguments(args: readonly string[]): Invocation {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    if (values.version) return { kind: "version" };
    if (values.help) return { kind: "help" };
    const [ini] = positionals;
    if (ini === undefined || positionals.length > 1)
      return { kind: "error", text: "no configuration file specified" };
    const { quiet, reboot, user, daemon = false } = values;
    const flags = { quiet, reboot, user, verbose: values.verbose?.length };
    return { kind: "run", ini, daemon, flags };
  } catch (error) {
    return { kind: "error", text: (error as Error).message.split(".")[0] ?? "" };
  }
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
