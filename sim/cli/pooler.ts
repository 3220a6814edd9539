/** `poolwise pooler`: the real pooler. */
import { Command } from "commander";
import { versionText } from "../../engine/pooler/command-line.ts";
import { startInBackground } from "../../engine/pooler/daemon.ts";
import { type PoolerFlags, runPooler } from "../../engine/pooler/run.ts";
import { checkApart } from "./output.ts";

const EXAMPLES = `
Signals are PgBouncer's: SIGHUP reloads, SIGINT waits for servers, SIGTERM for clients, SIGQUIT ends,
SIGUSR1 pauses, SIGUSR2 resumes. The bin \`poolwise-pgbouncer\` takes PgBouncer's options and no others.

Examples:
  poolwise pooler pgbouncer.ini
  poolwise pooler pgbouncer.ini --journal traffic.journal
  poolwise pooler -d pgbouncer.ini --metrics 9127
  psql -p 6432 -U admin pgbouncer -c 'SHOW POOLS'`;

interface PoolerOptions extends PoolerFlags {
  daemon?: boolean;
}

/** The command; `finish` is told the exit status when the pooler has ended. */
export function poolerCommand(finish: (status: number) => void): Command {
  return new Command("pooler")
    .description("Run the pooler: PgBouncer's settings, protocol and console")
    .argument("<ini>", "settings, as PgBouncer's pgbouncer.ini")
    .option(
      "-d, --daemon",
      "run in the background; needs `pidfile` and, to say anything, `logfile`",
    )
    .option("-q, --quiet", "nothing to stderr; a logfile is still written")
    .option("-v, --verbose", "more to the log; repeatable", (_, before: number) => before + 1, 0)
    .option("-u, --user <name>", "user to become when started as root")
    .option(
      "-R, --reboot",
      "take the sockets of the pooler that runs there over (Linux, with koffi)",
    )
    .option("--journal <file>", "record every input of the scheduler, for `replay`")
    .option("--metrics <address>", "serve Prometheus metrics on HOST:PORT, or a PORT of 127.0.0.1")
    .version(
      versionText().trim(),
      "-V, --version",
      "print PgBouncer's version that this one follows",
    )
    .addHelpText("after", EXAMPLES)
    .action(async (ini: string, { daemon, verbose, ...flags }: PoolerOptions) => {
      checkApart("--journal", flags.journal, ini);
      const run = daemon ? startInBackground : runPooler;
      finish(await run(ini, { ...flags, verbose: verbose || undefined }));
    });
}
