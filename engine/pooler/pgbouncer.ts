#!/usr/bin/env node
/** The bin `poolwise-pgbouncer`: our pooler under PgBouncer's command line. */
import { runCommandLine } from "./command-line.ts";

// Forced, not set: the handles of cut connections must not keep a pooler that has ended alive.
process.exit(await runCommandLine("poolwise-pgbouncer", process.argv.slice(2)));
