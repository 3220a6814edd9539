/** `poolwise pooler`: the real pooler. */
import { Command } from "commander";
import { runPooler } from "../../engine/pooler/main.ts";

const EXAMPLES = `
Signals are PgBouncer's: SIGHUP reloads, SIGINT waits for servers, SIGTERM for clients, SIGQUIT ends.

Examples:
  poolwise pooler pgbouncer.ini
  poolwise pooler pgbouncer.ini --journal traffic.journal
  psql -p 6432 -U admin pgbouncer -c 'SHOW POOLS'`;

interface PoolerOptions {
  journal?: string;
  verbose?: number;
  quiet?: boolean;
}

/** The command; `finish` is told the exit status when the pooler has ended. */
export function poolerCommand(finish: (status: number) => void): Command {
  return new Command("pooler")
    .description("Run the pooler: PgBouncer's settings, protocol and console")
    .argument("<ini>", "settings, as PgBouncer's pgbouncer.ini")
    .option("--journal <file>", "record every input of the scheduler, for `replay`")
    .option("-v, --verbose", "more to the log; repeatable", (_, before: number) => before + 1, 0)
    .option("--quiet", "nothing to stderr; a logfile is still written")
    .addHelpText("after", EXAMPLES)
    .action(async (ini: string, { journal, verbose, quiet }: PoolerOptions) =>
      finish(await runPooler(ini, { journal, verbose: verbose || undefined, quiet })),
    );
}
